// Contract v1, `POST /v1/jobs`: what a spec says is what is done.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { newAlias } from "../support/jobs.ts";
import { newToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { list } from "./support/v1.ts";
import { endOf, runJob, startJob, startProblem, textOf } from "./support/v1-start.ts";

let server: Server;
let home: string;
beforeAll(async () => {
  home = temporaryDirectory("effects");
  server = await startServer({ cwd: home });
});
afterAll(endEverything);

describe("a field has its effect:", () => {
  test("limits.outputBytes keeps so much of both streams, and a command that is over before is told as it ended", async () => {
    const spec = { shell: "printf %0500d 0; printf %0500d 1 >&2", limits: { outputBytes: 700 } };
    const jobs = await Promise.all(Array.from({ length: 20 }, () => runJob(server, spec)));
    for (const { outcome, stdout, stderr, id } of jobs) {
      // Which one it is depends on how soon it is seen; neither is made up, and both tell that something is missing.
      if (outcome?.reason === "exited")
        expect(outcome).toMatchObject({ code: 0, signal: null, success: true });
      else expect(outcome).toMatchObject({ reason: "output-limit", success: false });
      const kept = await Promise.all([textOf(server, id), textOf(server, id, "stderr")]);
      expect(kept.join("").length).toBe(700);
      expect([stdout.truncated, stderr.truncated]).toContain(true);
    }
  });

  test("shell is a line for /bin/sh -c", async () => {
    const job = await runJob(server, { shell: "echo $0 $#; exit 4" });
    expect(job).toMatchObject({ command: ["/bin/sh", "-c", "echo $0 $#; exit 4"], outcome: { code: 4 } });
    expect(await textOf(server, job.id)).toBe("/bin/sh 0\n");
  });

  test("cwd, relative to the server's directory", async () => {
    const job = await runJob(server, { shell: "pwd -P", cwd: "." });
    expect([job.cwd, await textOf(server, job.id)]).toEqual([".", `${home}\n`]);
  });

  test.each([
    [{ text: "a\u0000\u00e9\n" }, "a\u0000\u00e9\n"],
    [{ base64: Buffer.from("a\u0000\u00e9\n").toString("base64") }, "a\u0000\u00e9\n"],
    [{ text: "" }, ""],
  ])("stdin %j", async (stdin, expected) => {
    const { id } = await runJob(server, { command: ["cat"], stdin });
    expect(await textOf(server, id)).toBe(expected);
  });

  test("retainSeconds: the record and the output go at their time", async () => {
    const token = newToken();
    const gate = join(home, `gate-${token}`);
    const command = [program("wait-for-file"), token, gate];
    const { id } = await startJob(server, { command, retainSeconds: 0.5 });
    const ended = endOf(server, id);
    // By then it is waited for: afterwards the record would soon be gone.
    expect(await textOf(server, id)).toBe("");
    writeFileSync(gate, "");
    const job = await ended;
    expect(Date.parse(job.expiresAt ?? "") - Date.parse(job.endedAt ?? "")).toBe(500);
    const gone = async () => (await server.request(`/v1/jobs/${job.id}`)).status === 404;
    await until(gone, { describe: "the record to be gone" });
    await until(() => !existsSync(join(server.dataDir, "jobs", job.id)), {
      describe: "the files to be gone",
    });
  });

  test("env and stdin are in no record and no file of the job", async () => {
    const secret = `secret-${newToken()}`;
    const { id } = await runJob(server, {
      command: ["true"],
      env: { TOKEN: secret },
      stdin: { text: secret },
    });
    const files = ["spec.json", "started.json", "exit"].map((name) => join(server.dataDir, "jobs", id, name));
    for (const file of files) expect(readFileSync(file, "utf8")).not.toContain(secret);
    expect(await (await server.request(`/v1/jobs/${id}`)).text()).not.toContain(secret);
  });
});

describe("an alias that is running", () => {
  test("is 409, and nothing is started", async () => {
    const [alias, token] = [newAlias("taken"), newToken()];
    const gate = join(home, `gate-${token}`);
    const { id } = await startJob(server, { command: [program("wait-for-file"), token, gate], alias });
    const refused = await startProblem(server, { command: ["touch", join(home, `ran-${token}`)], alias });
    expect(refused).toMatchObject({
      status: 409,
      code: "already-running",
      detail: expect.stringContaining(alias),
    });
    expect((await list(server, `?alias=${alias}`)).jobs.map((job) => job.id)).toEqual([id]);
    expect(existsSync(join(home, `ran-${token}`))).toBe(false);
    writeFileSync(gate, "");
    await endOf(server, id);
    expect((await runJob(server, { command: ["true"], alias })).outcome).toMatchObject({ code: 0 });
  });
});

describe("a command that could not be started", () => {
  test.each([
    [
      "a program that is not there",
      { command: ["/no/such/program"] },
      "No such file or directory (os error 2)",
    ],
    ["one that is nowhere in PATH", { command: ["no-such-program"] }, "looked up in PATH="],
    [
      "one that is not executable",
      { command: [program("not-executable")] },
      "Permission denied (os error 13)",
    ],
    [
      "one without an interpreter",
      { command: [program("no-interpreter")] },
      "Exec format error (os error 8)",
    ],
    ["a directory that is not there", { command: ["true"], cwd: "/no/such" }, "cwd /no/such"],
    [
      "arguments that are too long",
      { command: ["true", "x".repeat(200_000)] },
      "Argument list too long (os error 7)",
    ],
  ])("%s: 422 with the system's words, and a record that it failed", async (_name, spec, words) => {
    for (const mode of ["background", "detached"]) {
      const alias = newAlias("fails");
      const own = mode === "background" ? { alias } : {};
      const refused = await startProblem(server, { ...spec, mode, ...own });
      expect([refused.status, refused.code]).toEqual([422, "start-failed"]);
      expect(refused.detail).toContain(words);
      const [failed] = (await list(server, "?state=failed&limit=1")).jobs;
      expect(failed as unknown).toMatchObject({ mode, failure: refused.detail, outcome: null, pid: null });
      // Nothing of it is left.
      expect(existsSync(join(server.dataDir, "jobs", failed?.id ?? ""))).toBe(false);
      if (mode === "background")
        expect((await runJob(server, { command: ["true"], alias })).state).toBe("ended");
    }
  });
});

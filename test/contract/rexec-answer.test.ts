// Contract rexec, "Response" and "Behaviour": the head of an answer and what tells the outcome.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { job, run, specOf, start } from "../support/jobs.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { rawConnection } from "../support/raw.ts";
import { rawProcess, requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

describe("the head", () => {
  test("comes at once for a command that prints nothing", async () => {
    const token = newToken();
    const connection = await rawProcess(server, specOf(["sleep", "100", token]));
    const answer = connection.answer();
    expect(answer).toMatchObject({ status: 200, chunked: true, complete: false });
    expect(answer.body).toHaveLength(0);
    await untilLiving(token, 1);
  });

  test("names the job and keeps proxies from holding the stream back", async () => {
    const response = await start(server, ["echo", "x"]);
    expect(response.headers.get("errand-job-id")).toMatch(/^[1-9]\d*$/);
    expect(response.headers.get("cache-control")).toBe("no-store, no-transform");
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    expect(await response.text()).toBe("x\n");
  });

  test("names a job of its own in every answer, later ones have greater numbers", async () => {
    const ids: bigint[] = [];
    for (let turn = 0; turn < 20; turn += 1) ids.push(BigInt((await run(server, ["true"])).job.id));
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => (a < b ? -1 : 1)));
    expect((ids.at(-1) ?? 0n) < 2n ** 63n).toBe(true);
  });

  test("comes twice for two requests over one connection", async () => {
    const connection = await rawConnection(server);
    for (const word of ["one", "two"]) {
      connection.send(requestBytes(server, { body: JSON.stringify(specOf(["echo", word])) }));
      await connection.until(() => connection.text().includes(`${word}\n`), word);
    }
    expect(connection.text().match(/^HTTP\/1\.1 200 /gm)).toHaveLength(2);
    expect(connection.ending).toBe("open");
  });
});

describe("the outcome, asked for afterwards", () => {
  test.each([0, 1, 2, 126, 127, 128, 137, 255])("code %d", async (code) => {
    const { job } = await run(server, [program("exit-with"), String(code)]);
    expect(job.state).toBe("ended");
    expect(job.outcome).toMatchObject({ reason: "exited", code, signal: null, success: code === 0 });
  });

  test.each([
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGABRT",
    "SIGKILL",
    "SIGSEGV",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGUSR1",
  ])("%s", async (signal) => {
    const { text, job } = await run(server, [program("print-and-die"), signal.slice("SIG".length)]);
    expect(text).toBe("last words");
    expect(job.outcome).toMatchObject({ reason: "signaled", code: null, signal, success: false });
  });

  test("is null while the command runs, and can be waited for", async () => {
    const gate = join(temporaryDirectory("gate"), "open");
    const { jobId: id } = await rawProcess(server, specOf([program("wait-for-file"), newToken(), gate]));
    expect(await job(server, id)).toMatchObject({ id, state: "running", outcome: null });
    const waiting = job(server, id, 30);
    writeFileSync(gate, "");
    expect((await waiting).outcome).toMatchObject({ reason: "exited", code: 0, success: true });
  });

  test("tells the command as it was given", async () => {
    const { job } = await run(server, ["echo", "a b", ""], { alias: "named" });
    expect(job).toMatchObject({ alias: "named", command: ["echo", "a b", ""] });
  });
});

describe("stderr", () => {
  test("is not mixed into the answer and is kept with the job", async () => {
    const { text, job } = await run(server, ["sh", "-c", "echo out; echo err >&2; echo more"]);
    expect(text).toBe("out\nmore\n");
    expect(job.stderrTail).toBe("err\n");
  });

  test("is kept as its last 64 KiB", async () => {
    const script = 'seq -f "%015.0f" 0 19999 >&2; echo the end >&2; echo done';
    const { text, job } = await run(server, ["sh", "-c", script]);
    expect(text).toBe("done\n");
    const numbers = Array.from({ length: 20_000 }, (_, line) => `${String(line).padStart(15, "0")}\n`);
    const all = `${numbers.join("")}the end\n`;
    expect(job.stderrTail).toBe(all.slice(-65_536));
  });
});

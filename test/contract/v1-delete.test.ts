// Contract v1, `DELETE /v1/jobs/{id}`: forgets an ended job and its output, and nothing else.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { job, newAlias, run, start, stop } from "../support/jobs.ts";
import { killByToken, newToken, untilGone, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { exchange } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { list, problem } from "./support/v1.ts";
import { runJob, startJob, textOf } from "./support/v1-start.ts";

let server: Server;
let jobs: string;
beforeAll(async () => {
  server = await startServer();
  jobs = join(server.dataDir, "jobs");
});
afterAll(endEverything);

const forget = (id: string, of = server) => of.request(`/v1/jobs/${id}`, { method: "DELETE" });
const refused = (id: string, of = server) => problem(of, `/v1/jobs/${id}`, { method: "DELETE" });

/** Every file below the directory with what it holds. */
function filesBelow(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    names.map(({ parentPath, name }) => [
      join(parentPath, name),
      readFileSync(join(parentPath, name), "latin1"),
    ]),
  );
}

async function isForgotten(id: string, of = server): Promise<void> {
  for (const path of ["", "/stdout", "/stderr"]) {
    expect(await problem(of, `/v1/jobs/${id}${path}`)).toMatchObject({ status: 404, code: "not-found" });
  }
  expect(await refused(id, of)).toMatchObject({ status: 404, code: "not-found" });
  expect(await problem(of, `/v1/jobs/${id}/stop`, { method: "POST" })).toMatchObject({ status: 404 });
  expect((await list(of)).jobs.map((one) => one.id)).not.toContain(id);
  expect(existsSync(join(of.dataDir, "jobs", id))).toBe(false);
}

describe("an ended job", () => {
  test("is gone with its files: 204 without a body; all others are as they were", async () => {
    const spec = { shell: "echo out; echo err >&2; exit 3" };
    const before = await runJob(server, spec);
    const { id } = await runJob(server, spec);
    const after = await runJob(server, spec);
    expect(existsSync(join(jobs, id, "stdout"))).toBe(true);
    const others = filesBelow(jobs);
    const response = await forget(id);
    expect([response.status, await response.text(), response.headers.get("content-type")]).toEqual([
      204,
      "",
      null,
    ]);
    await isForgotten(id);
    for (const path of Object.keys(others)) if (path.startsWith(join(jobs, id))) delete others[path];
    expect(filesBelow(jobs)).toEqual(others);
    for (const kept of [before, after]) {
      expect((await job(server, kept.id)) as unknown).toEqual(kept);
      expect(await textOf(server, kept.id)).toBe("out\n");
    }
  });

  test("what its directory links to is not touched", async () => {
    const outside = temporaryDirectory("outside");
    writeFileSync(join(outside, "file"), "stays");
    const own = await startServer();
    // Its only job.
    const directory = `${own.dataDir}/jobs/$(ls ${own.dataDir}/jobs)`;
    const shell = `cd "${directory}" && ln -s ${outside} folder && ln -s ${outside}/file link && mkdir own && echo x >own/y`;
    const { id, outcome } = await runJob(own, { shell });
    const place = join(own.dataDir, "jobs", id);
    expect([outcome?.code, existsSync(join(place, "folder/file"))]).toEqual([0, true]);
    expect((await forget(id, own)).status).toBe(204);
    expect([existsSync(place), readFileSync(join(outside, "file"), "utf8")]).toEqual([false, "stays"]);
  });

  test("is gone for the next server, too, whether this one ends in order or is killed", async () => {
    for (const end of ["stop", "kill9"] as const) {
      const first = await startServer();
      const { id } = await runJob(first, { shell: "echo out" });
      const kept = await runJob(first, { shell: "echo kept" });
      expect((await forget(id, first)).status).toBe(204);
      await first[end]();
      const second = await startServer({ dataDir: first.dataDir });
      await isForgotten(id, second);
      expect(await textOf(second, kept.id)).toBe("kept\n");
    }
  });

  test("is forgotten once, when many ask at the same time", async () => {
    const { id } = await runJob(server, { command: ["true"] });
    const statuses = await Promise.all(Array.from({ length: 10 }, async () => (await forget(id)).status));
    expect(statuses.toSorted()).toEqual([204, ...Array.from({ length: 9 }, () => 404)]);
  });

  test("leaves what has outlived it alone", async () => {
    const token = newToken();
    const { id } = await runJob(server, { command: [program("leave-behind"), token] });
    await untilLiving(token, 1);
    expect((await forget(id)).status).toBe(204);
    await untilLiving(token, 1);
    await killByToken(token);
  });
});

describe("a job of another kind", () => {
  test("that failed, that streamed, that was let go: its record goes", async () => {
    await start(server, ["/no/such/program"]);
    const failed = (await list(server, "?state=failed&limit=1")).jobs[0]?.id ?? "";
    const streamed = (await run(server, ["true"])).job.id;
    const token = newToken();
    const { id: detached } = await startJob(server, {
      command: [program("run-for-ever"), token],
      mode: "detached",
    });
    for (const id of [failed, streamed, detached]) {
      expect([id, (await forget(id)).status]).toEqual([id, 204]);
      await isForgotten(id);
    }
    await untilLiving(token, 1);
    await killByToken(token);
  });

  test("that was lost: its record and its output go", async () => {
    const token = newToken();
    const first = await startServer();
    const { id } = await startJob(first, { command: [program("ignore-term"), token], survive: false });
    await untilLiving(token, 2);
    await first.kill9();
    await untilGone(token);
    const second = await startServer({ dataDir: first.dataDir });
    expect((await job(second, id)).state).toBe("lost");
    expect((await forget(id, second)).status).toBe(204);
    await isForgotten(id, second);
  });
});

describe("a running job", () => {
  test("is 409 still-running, and runs on with its files", async () => {
    const [token, alias] = [newToken(), newAlias()];
    const { id } = await startJob(server, { command: [program("ignore-term"), token], alias });
    await untilLiving(token, 2);
    const { status, code, detail } = await refused(id);
    expect([status, code, detail]).toEqual([409, "still-running", expect.stringContaining(id)]);
    await untilLiving(token, 2);
    expect((await job(server, id)).state).toBe("running");
    expect(existsSync(join(jobs, id, "stdout"))).toBe(true);
    // While it is being stopped it has not ended either.
    const patient = stop(server, id, 600);
    expect((await refused(id)).code).toBe("still-running");
    await Promise.all([patient, stop(server, id, 0.1)]);
    expect((await forget(id)).status).toBe(204);
    await isForgotten(id);
  });
});

describe("no such job is 404, and nothing is touched:", () => {
  const odd = [
    "1",
    "0",
    "-1",
    "01",
    "1.0",
    "abc",
    "9223372036854775808",
    "*",
    ".",
    "..",
    "%2e%2e",
    "..%2f..%2fdata",
  ];
  test.each([...odd, "%00", "null", "stdout", "a".repeat(3_000)])("%p", async (id) => {
    const before = filesBelow(jobs);
    expect(await refused(id)).toMatchObject({
      code: expect.stringMatching(/^(not-found|method-not-allowed)$/),
    });
    expect(filesBelow(jobs)).toEqual(before);
  });

  test.each([".", "..", "./..", "../jobs", "../..", "%2e%2e", "/"])("as it is sent: %p", async (id) => {
    const before = filesBelow(server.dataDir);
    const { status } = await exchange(server, { method: "DELETE", path: `/v1/jobs/${id}` });
    expect(status).toBe(404);
    expect(Object.keys(filesBelow(server.dataDir))).toEqual(Object.keys(before));
  });

  test("also when something of that name lies there", async () => {
    for (const name of ["stray", "12"]) writeFileSync(join(jobs, name), "stays");
    for (const name of ["stray", "12"]) {
      expect((await refused(name)).status).toBe(404);
      expect(readFileSync(join(jobs, name), "utf8")).toBe("stays");
    }
  });
});

test("a credential is needed, and no parameter is taken", async () => {
  const { id } = await runJob(server, { shell: "echo out" });
  const path = `/v1/jobs/${id}`;
  expect((await problem(server, path, { method: "DELETE", credential: false })).status).toBe(401);
  const parameter = await problem(server, `${path}?force=true`, { method: "DELETE" });
  expect(parameter).toMatchObject({ status: 400, code: "invalid-parameter" });
  expect(await textOf(server, id)).toBe("out\n");
});

// Contract v1, `GET /v1/jobs/{id}/stdout` and `/stderr`: readers that leave, jobs that go, and output that is not there.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run, start } from "../support/jobs.ts";
import { program } from "../support/programs.ts";
import { rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { list, problem } from "./support/v1.ts";
import { getOutput, runJob, startJob } from "./support/v1-start.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const streams = ["stdout", "stderr"] as const;
const mebibyte = 1024 * 1024;

describe("while it is read", () => {
  test("a job may be removed: the answer ends short of its length, and the server goes on", async () => {
    const { id } = await runJob(server, { shell: `head -c ${64 * mebibyte} /dev/zero` });
    const connection = await rawConnection(server);
    connection.send(requestBytes(server, { method: "GET", path: `/v1/jobs/${id}/stdout` }));
    const { headers } = await connection.untilHead();
    connection.pause();
    expect(headers["content-length"]).toBe(String(64 * mebibyte));
    expect((await server.request(`/v1/jobs/${id}`, { method: "DELETE" })).status).toBe(204);
    connection.resume();
    await connection.untilClosed();
    expect(connection.answer()).toMatchObject({ status: 200, complete: false, cut: true });
    expect((await run(server, ["echo", "x"])).text).toBe("x\n");
    // That a client does so is no error of the server's.
    expect(server.logLines().filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });

  test("it may be found that it cannot be: that is told, and no answer looks whole", async () => {
    const { id } = await runJob(server, { command: ["echo", "x"] });
    const place = join(server.dataDir, "jobs", id, "stdout");
    rmSync(place);
    // It has a size and cannot be read, as a file on a broken disk.
    mkdirSync(place);
    const found = await problem(server, `/v1/jobs/${id}/stdout`);
    expect([found.status, found.code]).toEqual([500, "internal"]);
  });

  test("it may go before its first byte is read: that is told, and no answer looks whole", async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => (await runJob(server, { command: ["echo", "x"] })).id),
    );
    const answers = ids.map(async (id) => {
      const reading = server.request(`/v1/jobs/${id}/stdout`);
      const removing = server.request(`/v1/jobs/${id}`, { method: "DELETE" });
      const [answer] = await Promise.all([reading, removing]);
      return { status: answer.status, text: answer.status === 200 ? await answer.text() : null };
    });
    const possible = [
      { status: 200, text: "x\n" },
      { status: 404, text: null },
    ];
    for (const answer of await Promise.all(answers)) expect(possible).toContainEqual(answer);
  });

  test("a client may pause: it gets all of it in the end", async () => {
    const { id } = await runJob(server, { command: [program("print-bytes"), String(16 * mebibyte)] });
    const connection = await rawConnection(server);
    connection.send(requestBytes(server, { method: "GET", path: `/v1/jobs/${id}/stdout` }));
    await connection.untilHead();
    for (const most of [1, 2, 5, 9].map((count) => count * mebibyte)) {
      connection.pause();
      expect((await run(server, ["echo", "x"])).text).toBe("x\n");
      connection.resume();
      await connection.until(() => connection.length > most, `${most} bytes`);
    }
    await connection.until(() => connection.length > 16 * mebibyte, "all bytes");
    const { body, complete } = await connection.untilAnswered();
    const expected = Bun.spawnSync([program("print-bytes"), String(16 * mebibyte)]).stdout;
    expect([complete, body.equals(expected)]).toEqual([true, true]);
    connection.close();
  });

  test("a client may leave: others are not held up", async () => {
    const { id } = await runJob(server, { shell: `head -c ${16 * mebibyte} /dev/zero` });
    const leaving = await rawConnection(server);
    leaving.send(requestBytes(server, { method: "GET", path: `/v1/jobs/${id}/stdout` }));
    await leaving.untilHead();
    leaving.pause();
    expect(await (await getOutput(server, id, "stdout")).bytes()).toHaveLength(16 * mebibyte);
    leaving.reset();
    expect(await (await getOutput(server, id, "stdout")).bytes()).toHaveLength(16 * mebibyte);
  });
});

describe("where nothing is kept it is 404:", () => {
  test("of a job that streamed, one that was let go, and one that failed", async () => {
    const streamed = (await run(server, ["echo", "x"])).job.id;
    const { id: detached } = await startJob(server, { command: ["true"], mode: "detached" });
    await start(server, ["/no/such/program"]);
    const [failed] = (await list(server, "?state=failed&limit=1")).jobs;
    for (const id of [streamed, detached, failed?.id ?? ""]) {
      for (const stream of streams) {
        const refused = await problem(server, `/v1/jobs/${id}/${stream}`);
        expect(refused).toMatchObject({
          status: 404,
          code: "not-found",
          detail: expect.stringContaining(id),
        });
      }
    }
  });

  test.each([
    "1",
    "0",
    "-1",
    "01",
    "abc",
    "9223372036854775808",
    "..",
    ".",
    "%2e%2e",
    "..%2f..",
    "a".repeat(3_000),
  ])("of %p", async (id) => {
    for (const stream of streams) {
      expect((await problem(server, `/v1/jobs/${id}/${stream}`)).status).toBe(404);
    }
  });

  test("under another name", async () => {
    const { id } = await runJob(server, { shell: "echo secret" });
    for (const name of [
      "Stdout",
      "STDERR",
      "stdout/",
      "stdout/..",
      "stdout%20",
      "timeline",
      "spec.json",
      "exit",
    ]) {
      expect(await problem(server, `/v1/jobs/${id}/${name}`)).toMatchObject({
        status: 404,
        code: "not-found",
      });
    }
  });
});

test("a credential is needed", async () => {
  const { id } = await runJob(server, { shell: "echo secret" });
  for (const stream of streams) {
    const refused = await problem(server, `/v1/jobs/${id}/${stream}`, { credential: false });
    expect([refused.status, refused.code]).toEqual([401, "unauthorized"]);
  }
});

describe("a parameter that there is not is 400:", () => {
  test.each(["offset=1", "Tail=5", "wait=1", "limit=1"])("?%s", async (query) => {
    const { id } = await runJob(server, { command: ["true"] });
    const refused = await problem(server, `/v1/jobs/${id}/stdout?${query}`);
    expect(refused).toMatchObject({ status: 400, code: "invalid-parameter" });
  });
});

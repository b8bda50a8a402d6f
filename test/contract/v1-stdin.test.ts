// Contract v1, `PUT /v1/jobs/{id}/stdin`: what is written while the command runs, each byte once.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { newAlias } from "../support/jobs.ts";
import { rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { problem } from "./support/v1.ts";
import { endOf, getOutput, startJob, startProblem, textOf, untilWritten } from "./support/v1-start.ts";
import { goOn, putStdin, stdinProblem, waitHere } from "./support/v1-stdin.ts";

const mebibyte = 1024 * 1024;

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const open = (shell: string) => startJob(server, { shell, stdin: "open" });

describe("what is written", () => {
  test("comes to the command as it is, byte for byte and in order", async () => {
    const { id } = await open("cat");
    expect(await putStdin(server, id, Uint8Array.of(0, 255, 10))).toEqual({ offset: 3, closed: false });
    expect(await putStdin(server, id, "more")).toEqual({ offset: 7, closed: false });
    expect(await putStdin(server, id, "", "?close=true")).toEqual({ offset: 7, closed: true });
    expect((await endOf(server, id)).outcome).toMatchObject({ code: 0 });
    const bytes = await (await getOutput(server, id, "stdout")).bytes();
    expect([...bytes]).toEqual([0, 255, 10, ...Buffer.from("more")]);
  });

  test("comes before the close that stands beside it", async () => {
    const { id } = await open("cat; echo end");
    expect(await putStdin(server, id, "a", "?close=true")).toEqual({ offset: 1, closed: true });
    await endOf(server, id);
    expect(await textOf(server, id)).toBe("aend\n");
  });

  test("is there at once for a command that reads line by line", async () => {
    const { id } = await open("while read line; do echo got $line; done");
    await putStdin(server, id, "one\n");
    await untilWritten(server, { id, text: "got one\n" });
    await putStdin(server, id, "two\n");
    await untilWritten(server, { id, text: "got one\ngot two\n" });
    await putStdin(server, id, "", "?close=true");
    await endOf(server, id);
  });

  test("may be as much as one request holds, and it is all there", async () => {
    const { id } = await open("sha256sum");
    const bytes = Buffer.alloc(8 * mebibyte, "0123456789abcdef\n");
    expect(await putStdin(server, id, bytes)).toEqual({ offset: bytes.length, closed: false });
    await putStdin(server, id, "", "?close=true");
    await endOf(server, id);
    const expected = createHash("sha256").update(bytes).digest("hex");
    expect(await textOf(server, id)).toBe(`${expected}  -\n`);
  });

  test("may come in many requests at once: each one stays whole", async () => {
    const { id } = await open("cat");
    const pieces = ["a", "b", "c", "d", "e"].map((letter) => letter.repeat(100_000));
    await Promise.all(pieces.map((piece) => putStdin(server, id, piece)));
    await putStdin(server, id, "", "?close=true");
    await endOf(server, id);
    const runs = (await textOf(server, id)).match(/(.)\1*/g) ?? [];
    expect(runs.toSorted()).toEqual(pieces);
  });

  test("waits for a command that does not read, and holds back nobody else", async () => {
    const { id } = await open(`sleep 0.5; wc -c`);
    let taken = false;
    const writing = putStdin(server, id, Buffer.alloc(4 * mebibyte), "?close=true").then((answer) => {
      taken = true;
      return answer;
    });
    expect((await server.request(`/v1/jobs/${id}`)).status).toBe(200);
    expect(taken).toBe(false);
    expect(await writing).toEqual({ offset: 4 * mebibyte, closed: true });
    await endOf(server, id);
    expect((await textOf(server, id)).trim()).toBe(String(4 * mebibyte));
  });
});

describe("an offset", () => {
  test("makes a repeated write count once", async () => {
    const { id } = await open("cat");
    for (let turn = 0; turn < 3; turn += 1)
      expect(await putStdin(server, id, "hello", "?offset=0")).toEqual({ offset: 5, closed: false });
    // The first part is known, the rest is new.
    expect(await putStdin(server, id, "lo, world", "?offset=3")).toEqual({ offset: 12, closed: false });
    expect(await putStdin(server, id, "!", "?offset=12&close=true")).toEqual({ offset: 13, closed: true });
    await endOf(server, id);
    expect(await textOf(server, id)).toBe("hello, world!");
  });

  test("may be sent twice at the same time", async () => {
    const { id } = await open("cat");
    const piece = "x".repeat(500_000);
    await Promise.all([1, 2, 3].map(() => putStdin(server, id, piece, "?offset=0")));
    expect(await putStdin(server, id, "", "?close=true")).toEqual({ offset: 500_000, closed: true });
    expect((await endOf(server, id)).stdout.bytes).toBe(500_000);
  });

  test("beyond what has been written is a gap, and nothing is taken", async () => {
    const { id } = await open("cat");
    await putStdin(server, id, "ab");
    const found = await stdinProblem(server, id, "x", "?offset=3");
    expect([found.status, found.code]).toEqual([409, "stdin-gap"]);
    expect(found.detail).toContain("2 bytes");
    expect(await putStdin(server, id, "", "?offset=2&close=true")).toEqual({ offset: 2, closed: true });
    await endOf(server, id);
    expect(await textOf(server, id)).toBe("ab");
  });
});

describe("no more is taken", () => {
  const closed = { status: 409, code: "stdin-closed" };

  test("after the close; the close itself, and what had been taken, may be said again", async () => {
    const { id } = await open(`cat; exec <&-; sleep 60`);
    expect(await putStdin(server, id, "all", "?close=true")).toEqual({ offset: 3, closed: true });
    expect(await stdinProblem(server, id, "more")).toMatchObject(closed);
    expect(await stdinProblem(server, id, "allmore", "?offset=0")).toMatchObject(closed);
    expect(await putStdin(server, id, "all", "?offset=0&close=true")).toEqual({ offset: 3, closed: true });
    expect(await putStdin(server, id, "", "?close=true")).toEqual({ offset: 3, closed: true });
  });

  test("after the end", async () => {
    const { id } = await open("exit 0");
    await endOf(server, id);
    for (const query of ["", "?offset=0", "?close=true"])
      expect(await stdinProblem(server, id, "x", query)).toMatchObject(closed);
  });

  test("when the command has closed it", async () => {
    const { id } = await open("exec <&-; echo closed; sleep 60");
    await untilWritten(server, { id, text: "closed\n" });
    expect(await stdinProblem(server, id, "x")).toMatchObject(closed);
    expect(await stdinProblem(server, id, "x")).toMatchObject(closed);
  });

  test("when the command ends while it is written to: whoever writes is told", async () => {
    const { id } = await open("sleep 0.3");
    expect(await stdinProblem(server, id, Buffer.alloc(4 * mebibyte))).toMatchObject(closed);
    expect((await endOf(server, id)).outcome).toMatchObject({ code: 0 });
  });

  test("when it never was open, or not yet", async () => {
    const given = await startJob(server, { shell: "sleep 60", stdin: { text: "x" } });
    expect(await stdinProblem(server, given.id, "x")).toMatchObject(closed);
    const alias = newAlias();
    const holder = await startJob(server, { shell: waitHere, stdin: "open", alias });
    const queued = await startJob(server, { shell: "cat", stdin: "open", alias, aliasPolicy: "queue" });
    expect(await stdinProblem(server, queued.id, "x")).toMatchObject(closed);
    await goOn(server, holder.id);
    const taken = async () =>
      (await server.request(`/v1/jobs/${queued.id}/stdin?close=true`, { method: "PUT", body: "y" })).ok;
    await until(taken, { describe: "the turn of the queued one" });
    await endOf(server, queued.id);
    expect(await textOf(server, queued.id)).toBe("y");
  });

  test("by a job that there is not", async () => {
    for (const id of ["1", "x"])
      expect(await stdinProblem(server, id, "x")).toMatchObject({ status: 404, code: "not-found" });
  });
});

test("a command that has written half of its answer gets the rest of its question, then the end", async () => {
  const { id } = await open("head -c 4; echo; cat");
  await putStdin(server, id, "half");
  await untilWritten(server, { id, text: "half\n" });
  expect(await putStdin(server, id, "w", "?close=true")).toMatchObject({ closed: true });
  await endOf(server, id);
  expect(await textOf(server, id)).toBe("half\nw");
});

test.each(["offset=-1", "offset=x", "offset=", "close=1", "close=", "offset=0&offset=0", "at=0"])(
  "the parameters %s are refused",
  async (query) => {
    const { id } = await open("sleep 60");
    const found = await stdinProblem(server, id, "x", `?${query}`);
    expect([found.status, found.code]).toEqual([400, "invalid-parameter"]);
  },
);

test("a body whose client goes in the middle of it is not taken, and may be sent again", async () => {
  const { id } = await open("cat");
  await putStdin(server, id, "first,");
  const body = Buffer.alloc(200_000, "half");
  const bytes = requestBytes(server, { method: "PUT", path: `/v1/jobs/${id}/stdin?offset=6`, body });
  for (const half of [bytes.length - 1, bytes.length - 100_000]) {
    const connection = await rawConnection(server);
    connection.send(bytes.subarray(0, half));
    await connection.sent();
    connection.reset();
  }
  expect(await putStdin(server, id, body, "?offset=6&close=true")).toEqual({ offset: 200_006, closed: true });
  await endOf(server, id);
  expect(await textOf(server, id)).toBe(`first,${body}`);
});

test("a body that is too large is refused, and nothing of it is taken", async () => {
  const { id } = await open("cat");
  const found = await stdinProblem(server, id, Buffer.alloc(8 * mebibyte + 1));
  expect([found.status, found.code]).toEqual([413, "too-large"]);
  expect(await putStdin(server, id, "", "?close=true")).toEqual({ offset: 0, closed: true });
});

test("POST is no way to write, and a detached command has nobody who could", async () => {
  const { id } = await open("sleep 60");
  const found = await problem(server, `/v1/jobs/${id}/stdin`, { method: "POST", body: "x" });
  expect([found.status, found.allow]).toEqual([405, "PUT"]);
  const spec = { command: ["cat"], mode: "detached", stdin: "open" };
  expect(await startProblem(server, spec)).toMatchObject({ status: 422, code: "invalid-spec" });
});

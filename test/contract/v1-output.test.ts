// Contract v1, `GET /v1/jobs/{id}/stdout` and `/stderr`: what is kept by now, byte for byte.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { newToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { endOf, getOutput, runJob, startJob, textOf, untilWritten } from "./support/v1-start.ts";

let server: Server;
let home: string;
beforeAll(async () => {
  home = temporaryDirectory("output");
  server = await startServer({ cwd: home });
});
afterAll(endEverything);

const streams = ["stdout", "stderr"] as const;
const mebibyte = 1024 * 1024;

describe("of an ended job", () => {
  test("each stream is there as it was written, as often as it is asked for", async () => {
    const bytes = Uint8Array.from({ length: 4_096 }, (_, index) => (index * 7 + (index >> 8)) % 256);
    writeFileSync(join(home, "values"), bytes);
    const { id } = await runJob(server, { shell: "cat values; cat values values >&2" });
    for (const [stream, expected] of [
      ["stdout", Buffer.from(bytes)],
      ["stderr", Buffer.concat([bytes, bytes])],
      ["stdout", Buffer.from(bytes)],
    ] as const) {
      const response = await getOutput(server, id, stream);
      expect(response.status).toBe(200);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "content-type": "application/octet-stream",
        "content-length": String(expected.byteLength),
        "cache-control": "no-store, no-transform",
        "x-accel-buffering": "no",
        "x-content-type-options": "nosniff",
      });
      expect(Buffer.from(await response.bytes()).equals(expected)).toBe(true);
    }
  });

  test("nothing is nothing", async () => {
    const { id } = await runJob(server, { command: ["true"] });
    for (const stream of streams) {
      const response = await getOutput(server, id, stream);
      expect([response.status, response.headers.get("content-length"), await response.text()]).toEqual([
        200,
        "0",
        "",
      ]);
    }
  });

  test("32 MiB come whole", async () => {
    const { id, stdout } = await runJob(server, { command: [program("print-bytes"), String(32 * mebibyte)] });
    expect(stdout).toEqual({ bytes: 32 * mebibyte, keptFrom: 0, truncated: false });
    const hash = new Bun.CryptoHasher("sha256");
    let length = 0;
    for await (const chunk of (await getOutput(server, id, "stdout")).body ?? []) {
      hash.update(chunk);
      length += chunk.byteLength;
    }
    const expected = Bun.spawnSync(["sh", "-c", `${program("print-bytes")} ${32 * mebibyte} | sha256sum`]);
    expect([length, hash.digest("hex")]).toEqual([
      32 * mebibyte,
      expected.stdout.toString().split(" ")[0] ?? "",
    ]);
  });

  test("merged, all is in stdout", async () => {
    const job = await runJob(server, { shell: "echo one; echo two >&2; echo three", mergeOutput: true });
    expect(await textOf(server, job.id)).toBe("one\ntwo\nthree\n");
    expect([await textOf(server, job.id, "stderr"), job.stderr.bytes]).toEqual(["", 0]);
  });

  test("HEAD tells the length and sends nothing", async () => {
    const { id } = await runJob(server, { shell: "printf 12345; printf 123 >&2" });
    for (const [stream, length] of [
      ["stdout", "5"],
      ["stderr", "3"],
    ] as const) {
      const connection = await rawConnection(server);
      const path = `/v1/jobs/${id}/${stream}`;
      connection.send(requestBytes(server, { method: "HEAD", path, headers: { connection: "close" } }));
      await connection.untilClosed();
      const { status, headers, body } = connection.answer();
      expect([status, headers["content-length"], body.byteLength]).toEqual([200, length, 0]);
      expect(headers["content-type"]).toBe("application/octet-stream");
    }
  });
});

describe("of a running job", () => {
  test("what is there by now comes at once, with its length", async () => {
    const token = newToken();
    const gate = join(home, `gate-${token}`);
    const shell = `printf before; printf err >&2; ${program("wait-for-file")} ${token} ${gate}; printf after`;
    const { id } = await startJob(server, { shell });
    await untilWritten(server, { id, text: "before" });
    await untilWritten(server, { id, text: "err", stream: "stderr" });
    const response = await getOutput(server, id, "stdout");
    expect([response.headers.get("content-length"), await response.text()]).toEqual(["6", "before"]);
    const head = await getOutput(server, id, "stdout", { method: "HEAD" });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "6"]);
    writeFileSync(gate, "");
    await endOf(server, id);
    expect(await textOf(server, id)).toBe("beforeafter");
  });

  test("of one that says nothing there is nothing", async () => {
    const { id } = await startJob(server, { command: [program("run-for-ever"), newToken()] });
    for (const stream of streams) expect(await textOf(server, id, stream)).toBe("");
    await server.request(`/v1/jobs/${id}/stop`, { method: "POST" });
    for (const stream of streams) expect(await textOf(server, id, stream)).toBe("");
  });

  test("one that floods can be read all the time, and each answer is as long as it says", async () => {
    const token = newToken();
    const { id } = await startJob(server, {
      command: [program("flood"), token],
      limits: { outputBytes: 16 * mebibyte },
    });
    let length = 0;
    for (let turn = 0; turn < 5; turn += 1) {
      const bytes = await (await getOutput(server, id, "stdout")).bytes();
      expect(bytes.byteLength).toBeGreaterThanOrEqual(length);
      length = bytes.byteLength;
      expect(Buffer.from(bytes.subarray(0, 22)).toString()).toBe(`${token}\n`.slice(0, 22).slice(0, length));
    }
    await server.request(`/v1/jobs/${id}/stop`, { method: "POST" });
    const { stdout } = await endOf(server, id);
    expect(
      Number((await getOutput(server, id, "stdout", { method: "HEAD" })).headers.get("content-length")),
    ).toBe(Math.min(stdout.bytes ?? 0, 16 * mebibyte));
  });
});

describe("more than is kept of one job", () => {
  test("is counted, thrown away and told, and the command runs on", async () => {
    const env = { ERRAND_LIMITS_KEPT_OUTPUT_BYTES: "1000" };
    const small = await startServer({ env });
    const job = await runJob(small, { command: [program("print-bytes"), "5000"] });
    expect(job.outcome).toMatchObject({ reason: "exited", code: 0, success: true });
    expect(job.stdout).toEqual({ bytes: 5_000, keptFrom: 0, truncated: true });
    expect(job.stderr).toEqual({ bytes: 0, keptFrom: 0, truncated: false });
    const whole = Bun.spawnSync([program("print-bytes"), "1000"]).stdout.toString();
    expect(await textOf(small, job.id)).toBe(whole);
  });
});

// Much output: all of it is kept or told to be cut, and the server holds a bounded part, whoever reads it or nobody.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createCipheriv, createHash } from "node:crypto";
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { stop } from "../support/jobs.ts";
import { bytesWrittenBy } from "../support/proc.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until, untilSteady } from "../support/wait.ts";
import { background, digest, ended, look, output, ran } from "./support/background.ts";
import { MemoryWatch } from "./support/memory-watch.ts";
import { PacedReader } from "./support/paced-reader.ts";

afterAll(endEverything);

const mebibyte = 1024 * 1024;
const total = 200_000_000;
const mostGrowth = 32 * mebibyte;
const timeoutMilliseconds = 90_000;
/** A flood is long when it has this many bytes. */
const flood = 1_000_000_000;

/** Writes a file that no shift or swap of its parts leaves as it is; its SHA-256. */
function writePattern(path: string): string {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, 7), Buffer.alloc(16));
  const hash = createHash("sha256");
  const zeros = Buffer.alloc(1_000_000);
  const file = openSync(path, "wx");
  for (let written = 0; written < total; written += zeros.length) {
    const bytes = cipher.update(zeros);
    hash.update(bytes);
    writeSync(file, bytes);
  }
  closeSync(file);
  return hash.digest("hex");
}

/** So much output in and out that the code is compiled and the heap has its usual size. */
async function warmUp(server: Server): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    const { id } = await ran(server, { command: ["head", "-c", String(64 * mebibyte), "/dev/zero"] });
    await digest(server, id, "stdout");
  }
}

describe(`${total} bytes`, () => {
  let server: Server;
  let sha256: string;
  let id: string;
  beforeAll(async () => {
    server = await startServer({ atRest: true });
    const path = join(temporaryDirectory("pattern"), "bytes");
    sha256 = writePattern(path);
    await warmUp(server);
    const memory = new MemoryWatch(server);
    id = (await background(server, { command: ["cat", path] })).id;
    const job = await memory.during(ended(server, id, 60));
    expect(job).toMatchObject({ outcome: { code: 0 }, stdout: { bytes: total, truncated: false } });
    console.log(`${total} bytes kept: memory grew by ${memory.text}`);
    expect(memory.grownBytes).toBeLessThanOrEqual(mostGrowth);
  }, timeoutMilliseconds);

  test(
    "are fetched as they were written, in bounded memory",
    async () => {
      const memory = new MemoryWatch(server);
      expect(await memory.during(digest(server, id, "stdout"))).toEqual({ bytes: total, sha256 });
      console.log(`${total} bytes fetched: memory grew by ${memory.text}`);
      expect(memory.grownBytes).toBeLessThanOrEqual(mostGrowth);
    },
    timeoutMilliseconds,
  );

  test(
    "are held back for readers that do not read, and not held in memory",
    async () => {
      const memory = new MemoryWatch(server);
      const readers = Array.from({ length: 10 }, () => new PacedReader(server, `/v1/jobs/${id}/stdout`));
      await Promise.all(readers.map((reader) => reader.headAlone()));
      await untilSteady(() => {
        memory.look();
        return server.memory().anonymousBytes >> 20;
      });
      const [first, ...rest] = readers;
      for (const reader of rest) reader.close();
      expect(first?.length).toBe(total);
      expect(first?.received).toBeLessThan(total / 2);
      expect(await memory.during(first?.readAll(timeoutMilliseconds) ?? Promise.resolve(""))).toBe(sha256);
      console.log(`${readers.length} stalled readers: memory grew by ${memory.text}`);
      expect(memory.grownBytes).toBeLessThanOrEqual(mostGrowth);
    },
    timeoutMilliseconds,
  );

  test(
    "and more that are discarded cost nothing, and the command is not held up",
    async () => {
      const memory = new MemoryWatch(server);
      const spec = { command: ["head", "-c", String(flood), "/dev/zero"], discardOutput: true };
      const job = await memory.during(ran(server, spec));
      const none = { bytes: null, keptFrom: null, truncated: false };
      expect(job).toMatchObject({ outcome: { reason: "exited", code: 0 }, stdout: none, stderr: none });
      expect(await output(server, job.id, "stdout")).toHaveLength(0);
      expect(memory.grownBytes).toBeLessThanOrEqual(mostGrowth);
    },
    timeoutMilliseconds,
  );
});

/** What `yes` prints, to that many bytes. */
const yes = (bytes: number) => Buffer.from("y\n".repeat(Math.ceil(bytes / 2))).subarray(0, bytes);

describe("a flood that nobody reads", () => {
  const kept = 1_000_001;
  let server: Server;
  beforeAll(async () => {
    server = await startServer({ atRest: true, config: `[limits]\nkeptOutputBytes = ${kept}\n` });
    await warmUp(server);
  }, timeoutMilliseconds);

  test(
    "runs on when no more of it is kept, and that is told",
    async () => {
      const memory = new MemoryWatch(server);
      const { id, pid } = await background(server, { command: ["yes"] });
      const written = until(() => bytesWrittenBy(pid ?? 0) > flood, { timeoutMilliseconds: 60_000 });
      await memory.during(written);
      expect(await look(server, id)).toMatchObject({ state: "running", outcome: null });
      expect((await stop(server, id, 5)).status).toBe(200);
      const job = await ended(server, id);
      const outcome = { reason: "stopped", code: null, signal: "SIGTERM", success: false };
      expect(job).toMatchObject({ outcome, stdout: { keptFrom: 0, truncated: true } });
      expect(job.stdout.bytes).toBeGreaterThan(flood - mebibyte);
      expect((await output(server, id, "stdout")).equals(yes(kept))).toBe(true);
      console.log(`${job.stdout.bytes} bytes of yes, ${kept} kept: memory grew by ${memory.text}`);
      expect(memory.grownBytes).toBeLessThanOrEqual(mostGrowth);
    },
    timeoutMilliseconds,
  );

  test(
    "on stderr grows no more than on stdout",
    async () => {
      const memory = new MemoryWatch(server);
      const job = await memory.during(ran(server, { shell: `head -c ${flood} /dev/zero >&2; echo end >&2` }));
      const stderr = { bytes: flood + 4, keptFrom: 0, truncated: true };
      expect(job).toMatchObject({ outcome: { reason: "exited", code: 0 }, stderr });
      expect(job.stderrTail).toEndWith("\0end\n");
      console.log(`${flood} bytes of stderr: memory grew by ${memory.text}`);
      expect(memory.grownBytes).toBeLessThanOrEqual(mostGrowth);
    },
    timeoutMilliseconds,
  );

  test("shares what is kept between both streams", async () => {
    const gate = join(temporaryDirectory("gate"), "gate");
    const script = `yes | head -c 900000; '${program("wait-for-file")}' 0 '${gate}'; yes | head -c 900000 >&2; echo more`;
    const { id } = await background(server, { shell: script });
    const first = async () => (await output(server, id, "stdout")).length === 900_000;
    await until(first, { describe: "all of the first stream to be kept" });
    writeFileSync(gate, "");
    expect(await ended(server, id)).toMatchObject({
      outcome: { reason: "exited", code: 0 },
      stdout: { bytes: 900_005, keptFrom: 0, truncated: true },
      stderr: { bytes: 900_000, keptFrom: 0, truncated: true },
    });
    expect((await output(server, id, "stdout")).equals(yes(900_000))).toBe(true);
    expect((await output(server, id, "stderr")).equals(yes(kept - 900_000))).toBe(true);
  });

  test.each([0, 1, 70_000, kept - 1])("is stopped at a limit of its own of %d bytes", async (outputBytes) => {
    const job = await ran(server, { command: ["yes"], limits: { outputBytes }, stopGraceSeconds: 5 });
    const outcome = { reason: "output-limit", code: null, signal: "SIGTERM", success: false };
    expect(job).toMatchObject({ outcome, stdout: { keptFrom: 0, truncated: true } });
    expect((await output(server, job.id, "stdout")).equals(yes(outputBytes))).toBe(true);
  });

  test("that has exactly as much as its limit is not stopped", async () => {
    const spec = { command: ["head", "-c", "70000", "/dev/zero"], limits: { outputBytes: 70_000 } };
    const job = await ran(server, spec);
    const stdout = { bytes: 70_000, keptFrom: 0, truncated: false };
    expect(job).toMatchObject({ outcome: { reason: "exited", code: 0 }, stdout });
  });
});

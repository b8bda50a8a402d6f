// Contract rexec, "slow reader" and `--stdout-size`: the server holds a bounded part of the output, the child blocks.
import { afterAll, describe, expect, test } from "bun:test";
import { endedJob, job, specOf } from "../support/jobs.ts";
import { bytesWrittenBy } from "../support/proc.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import type { RawConnection } from "../support/raw.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { queuedInKernel } from "../support/socket-queues.ts";
import { until, untilSteady } from "../support/wait.ts";

afterAll(endEverything);

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

interface Stalled {
  server: Server;
  connection: RawConnection;
  token: string;
  /** How much the command has written so far. */
  written: () => number;
  /** What the server and its pipe hold: written, and neither received nor in the kernel's buffers of the connection. */
  heldBytes: number;
}

/** Starts a flood, stops reading after the head of its answer, and waits until the command is blocked. */
async function stalledFlood(...args: string[]): Promise<Stalled> {
  const server = await startServer({ atRest: true, args });
  const token = newToken();
  const connection = await rawProcess(server, specOf([program("flood"), token]));
  connection.pause();
  const pids = await untilLiving(token, 2);
  const written = () => pids.reduce((sum, pid) => sum + bytesWrittenBy(pid), 0);
  const blockedAt = await untilSteady(written, {
    timeoutMilliseconds: 20_000,
    describe: "the flood to block",
  });
  const { socket } = connection;
  const heldBytes = blockedAt - socket.bytesRead - queuedInKernel(server.port, socket.localPort ?? 0);
  return { server, connection, token, written, heldBytes };
}

describe("a reader that stops reading", () => {
  test("blocks the command; it goes on when the reader does", async () => {
    const { server, connection, written } = await stalledFlood();
    const blockedAt = written();
    expect(blockedAt).toBeGreaterThan(64 * kibibyte);
    expect((await job(server, connection.jobId)).state).toBe("running");
    connection.resume();
    await until(() => written() > blockedAt + 16 * mebibyte, { describe: "the flood to go on" });
  }, 30_000);

  test("and leaves: the command is stopped", async () => {
    const { server, connection, token } = await stalledFlood();
    const { jobId } = connection;
    connection.reset();
    await untilGone(token);
    expect((await endedJob(server, jobId)).outcome).toMatchObject({ reason: "disconnected" });
  }, 30_000);

  test("does not cost the others anything", async () => {
    const { server, connection } = await stalledFlood();
    const other = await rawProcess(server, specOf(["echo", "x"]));
    expect((await other.untilAnswered()).body.toString()).toBe("x\n");
    expect(connection.ending).toBe("open");
  }, 30_000);

  test("gets every byte when it reads again", async () => {
    const server = await startServer({ atRest: true });
    const count = 24 * mebibyte;
    const connection = await rawProcess(server, specOf([program("print-bytes"), String(count)]));
    connection.pause();
    await untilSteady(() => connection.socket.bytesRead, { describe: "the reader to stand still" });
    connection.resume();
    await connection.until(() => connection.length > count && connection.answer().complete, "all of it");
    const answer = connection.answer();
    expect(answer).toMatchObject({ complete: true, cut: false });
    const lines = answer.body.toString("latin1").split("\n");
    expect(lines.findIndex((line, index) => Number(line) !== index)).toBe(count / 16);
    expect(answer.body).toHaveLength(count);
  }, 30_000);
});

describe("--stdout-size", () => {
  // The chunks that may wait, a pipe of the kernel, one chunk being read, one being sent, and one that was counted neither
  // as sent nor as received.
  const most = (chunks: number) => (chunks + 4) * 64 * kibibyte;

  test("1: the command blocks after that chunk and the kernel's buffers", async () => {
    const { heldBytes } = await stalledFlood("--stdout-size", "1");
    expect(heldBytes).toBeGreaterThan(0);
    expect(heldBytes).toBeLessThanOrEqual(most(1));
  }, 30_000);

  test("8 by default", async () => {
    const { heldBytes } = await stalledFlood();
    expect(heldBytes).toBeGreaterThan(0);
    expect(heldBytes).toBeLessThanOrEqual(most(8));
  }, 30_000);

  test("a greater one lets more wait", async () => {
    const [few, many] = [await stalledFlood("--stdout-size", "1"), await stalledFlood("--stdout-size", "64")];
    expect(many.heldBytes).toBeGreaterThan(few.heldBytes + 256 * kibibyte);
    expect(many.heldBytes).toBeLessThanOrEqual(most(64));
  }, 60_000);

  test("memory stays bounded while a reader stands still", async () => {
    const { server, connection } = await stalledFlood();
    const before = server.memory().anonymousBytes;
    const floods = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const other = await rawProcess(server, specOf([program("flood"), newToken()]));
        other.pause();
        return other;
      }),
    );
    await untilSteady(() => floods.reduce((sum, other) => sum + other.socket.bytesRead, 0));
    expect(server.memory().anonymousBytes - before).toBeLessThan(32 * mebibyte);
    expect(connection.ending).toBe("open");
  }, 60_000);
});

// R20: the output of a fast program is whole, to the last byte, every time.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { job, newAlias } from "../support/jobs.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { startRequest } from "./support/exclusive.ts";
import { overConnections } from "./support/keep-alive.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const total = count(2_000, 10_000);
const connections = 8;
const largest = 1024 * 1024;

/** Bytes that repeat nowhere within a megabyte, so that a hole, a swap or a repetition shows. */
function pattern(): Buffer {
  const bytes = Buffer.alloc(largest);
  let state = 0x2545f491;
  for (let offset = 0; offset < largest; offset += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state | 0, offset);
  }
  return bytes;
}

/** From 1 byte to 1 MiB, as many small ones as large ones, and the sizes around the pipe's and the chunk's. */
function sizeOf(index: number): number {
  const edges = [1, 4_095, 4_096, 4_097, 65_535, 65_536, 65_537, 131_072, 131_073, largest - 1, largest];
  return edges[index] ?? Math.round(2 ** (((index * 7) % 200) / 10));
}

interface Command {
  name: string;
  cmd: string;
  args: string[];
  expected: Buffer;
}

/** One write, many writes by one program, or two programs one after the other. */
function commandOf(index: number, bytes: Buffer, file: string): Command {
  const size = sizeOf(index);
  const expected = bytes.subarray(0, size);
  const count = String(size);
  const ways: Command[] = [
    { name: "head", cmd: "head", args: ["-c", count, file], expected },
    {
      name: "two programs",
      cmd: "sh",
      args: ["-c", 'head -c "$1" "$0"; printf end', file, count],
      expected: Buffer.concat([expected, Buffer.from("end")]),
    },
  ];
  const hex = expected.toString("hex");
  if (size <= 16_384)
    ways.push({ name: "printf", cmd: "printf", args: ["%s", hex], expected: Buffer.from(hex) });
  const way = ways[index % ways.length];
  if (way === undefined) throw new Error("no way to print");
  return way;
}

test(
  `R20: ${total} commands of 1 B to 1 MiB over ${connections} connections: every byte, every time`,
  async () => {
    const bytes = pattern();
    const file = join(temporaryDirectory("pattern"), "bytes");
    writeFileSync(file, bytes);
    const wrong: string[] = [];
    const ids: string[] = [];
    let received = 0;
    const began = performance.now();
    await overConnections(server, { connections, total }, async (connection, index) => {
      const { name, cmd, args, expected } = commandOf(index, bytes, file);
      const answer = await connection.request(startRequest({ alias: newAlias(), cmd, args }));
      received += answer.body.length;
      ids.push(answer.headers["errand-job-id"] ?? "");
      if (answer.status === 200 && answer.complete && answer.body.equals(expected)) return;
      wrong.push(`${name} of ${expected.length}: ${answer.status}, ${answer.body.length}, cut ${answer.cut}`);
    });
    const seconds = (performance.now() - began) / 1_000;
    report("R20", `${total} commands, ${received} bytes in ${seconds.toFixed(1)} s, ${wrong.length} wrong`);
    expect(wrong).toEqual([]);
    expect(new Set(ids).size).toBe(total);
    // The record agrees with what was sent, and ended with the answer.
    for (const id of ids.slice(-10)) {
      expect(await job(server, id, 0)).toMatchObject({ state: "ended", outcome: { code: 0, success: true } });
    }
  },
  patience(60_000),
);

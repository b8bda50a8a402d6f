import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { array, assert, constantFrom, integer, property, tuple } from "fast-check";
import { readTimeline, TimelineWriter, timelineRecordBytes } from "./timeline.ts";

let folder: string;
let path: string;
let descriptor: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "errand-timeline-"));
  path = join(folder, "timeline");
  descriptor = openSync(path, "wx");
});
afterEach(() => {
  closeSync(descriptor);
  rmSync(folder, { recursive: true, force: true });
});

const start = 1_800_000_000_000;
/** Room without end, and one that counts what is taken of it. */
const all = { mostBytes: Number.POSITIVE_INFINITY, take: () => true, give: () => {} };
function counted(mostBytes: number, quotaBytes: number) {
  const room = {
    mostBytes,
    left: quotaBytes,
    take(bytes: number) {
      if (bytes > room.left) return false;
      room.left -= bytes;
      return true;
    },
    give(bytes: number) {
      room.left += bytes;
    },
  };
  return room;
}
const read = () => readTimeline(readFileSync(path));
const entry = (stream: "stdout" | "stderr", bytes: number, after: number, cut = false) => ({
  stream,
  at: start + after,
  bytes,
  cut,
});

describe("a timeline", () => {
  test("gives back order, times and lengths", () => {
    const writer = new TimelineWriter(descriptor, all);
    writer.add("stdout", 3, start);
    writer.add("stderr", 5, start + 1);
    writer.add("stdout", 7, start + 1);
    writer.cut("stdout", start + 50);
    writer.add("stderr", 2 ** 40, start + 60);
    writer.cut("stderr", start + 61);
    writer.flush();
    expect(read()).toEqual([
      entry("stdout", 3, 0),
      entry("stderr", 5, 1),
      entry("stdout", 7, 1),
      entry("stdout", 0, 50, true),
      entry("stderr", 2 ** 40, 60),
      entry("stderr", 0, 61, true),
    ]);
  });

  test("takes what comes on one stream within ten milliseconds together", () => {
    const writer = new TimelineWriter(descriptor, all);
    for (const after of [0, 3, 9, 10, 19, 20]) writer.add("stdout", 1, start + after);
    writer.flush();
    expect(read()).toEqual([entry("stdout", 3, 0), entry("stdout", 2, 10), entry("stdout", 1, 20)]);
  });

  test("goes on when the clock goes back", () => {
    const writer = new TimelineWriter(descriptor, all);
    writer.add("stdout", 1, start);
    writer.add("stderr", 1, start - 5_000);
    writer.add("stdout", 1, start - 4_000);
    writer.flush();
    expect(read().map(({ at }) => at - start)).toEqual([0, -5_000, -4_000]);
  });

  test("keeps parts of a millisecond", () => {
    const writer = new TimelineWriter(descriptor, all);
    writer.add("stdout", 1, start + 0.25);
    writer.flush();
    expect(read()).toEqual([entry("stdout", 1, 0.25)]);
  });

  test("has the bytes of each stream, whatever comes", () => {
    const chunk = tuple(constantFrom("stdout" as const, "stderr" as const), integer({ min: 1, max: 1e6 }));
    assert(
      property(array(tuple(chunk, integer({ min: 0, max: 30 })), { maxLength: 50 }), (chunks) => {
        const own = openSync(path, "w");
        const writer = new TimelineWriter(own, all);
        const sums = { stdout: 0, stderr: 0 };
        let now = start;
        for (const [[stream, bytes], pause] of chunks) {
          now += pause;
          sums[stream] += bytes;
          writer.add(stream, bytes, now);
        }
        writer.flush();
        closeSync(own);
        const found = { stdout: 0, stderr: 0 };
        for (const { stream, bytes } of read()) found[stream] += bytes;
        expect(found).toEqual(sums);
      }),
      { numRuns: 50 },
    );
  });

  test("writes no more than it may, and counts it in blocks of the disk", () => {
    const room = counted(3 * timelineRecordBytes, 8_192);
    const writer = new TimelineWriter(descriptor, room);
    expect([writer.storedBytes, room.left]).toEqual([0, 8_192]);
    for (let turn = 0; turn < 5; turn += 1) writer.add("stdout", turn + 1, start + 100 * turn);
    writer.flush();
    expect(read()).toEqual([entry("stdout", 1, 0), entry("stdout", 2, 100), entry("stdout", 3, 200)]);
    expect([writer.storedBytes, room.left]).toEqual([4_096, 4_096]);
  });

  test("ends where the quota does: what came behind a hole would be in the wrong place", () => {
    const room = counted(Number.POSITIVE_INFINITY, 4_096);
    const writer = new TimelineWriter(descriptor, room);
    const perBlock = 4_096 / timelineRecordBytes;
    for (let turn = 0; turn < perBlock + 5; turn += 1) writer.add("stdout", 1, start + 100 * turn);
    writer.flush();
    expect([read().length, writer.storedBytes, room.left]).toEqual([perBlock, 4_096, 0]);
    room.give(4_096);
    writer.add("stderr", 9, start + 1e6);
    writer.flush();
    expect([read().length, read().at(-1)?.stream]).toEqual([perBlock, "stdout"]);
    expect([writer.storedBytes, room.left]).toEqual([4_096, 4_096]);
  });

  test("on a full disk fails nobody, and takes nothing", () => {
    const full = openSync("/dev/full", "w");
    const room = counted(Number.POSITIVE_INFINITY, 8_192);
    const writer = new TimelineWriter(full, room);
    writer.add("stdout", 1, start);
    writer.cut("stdout", start);
    writer.flush();
    closeSync(full);
    expect([writer.storedBytes, room.left]).toEqual([0, 8_192]);
  });
});

describe("reading", () => {
  test("of an empty one finds nothing", () => {
    expect(readTimeline(new Uint8Array(0))).toEqual([]);
  });

  test("of one that was cut at any byte finds the whole records", () => {
    const writer = new TimelineWriter(descriptor, all);
    for (let turn = 0; turn < 4; turn += 1) writer.add("stdout", turn + 1, start + 100 * turn);
    writer.flush();
    const bytes = readFileSync(path);
    const entries = readTimeline(bytes);
    expect(entries).toHaveLength(4);
    for (let length = 0; length <= bytes.byteLength; length += 1) {
      const whole = Math.floor(length / timelineRecordBytes);
      expect(readTimeline(bytes.subarray(0, length))).toEqual(entries.slice(0, whole));
    }
  });
});

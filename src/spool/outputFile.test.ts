import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { array, assert, integer, property, uint8Array } from "fast-check";
import { mountRefusal, smallDisk } from "../../test/crash/support/small-disk.ts";
import { endEverything } from "../../test/support/cleanup.ts";
import { DataQuota } from "../core/quota.ts";
import { onDisk } from "./layout.ts";
import { OutputFile } from "./outputFile.ts";

let folder: string;
let path: string;
let opened: number[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "errand-output-"));
  path = join(folder, "stdout");
  opened = [];
});
afterEach(() => {
  for (const descriptor of opened) closeSync(descriptor);
  rmSync(folder, { recursive: true, force: true });
});
afterAll(endEverything);

const why = await mountRefusal();
const all = Number.POSITIVE_INFINITY;
const bytes = (text: string) => Buffer.from(text);
const read = () => readFileSync(path, "utf8");

function openOutput(quota: DataQuota, file = path): OutputFile {
  const descriptor = openSync(file, "w");
  opened.push(descriptor);
  return new OutputFile({ descriptor, quota });
}

describe("an output file", () => {
  test("keeps what comes, in order, and counts it", () => {
    const quota = new DataQuota(1e6);
    const file = openOutput(quota);
    expect([file.write(bytes("ab"), all), file.write(bytes(""), all), file.write(bytes("cde"), all)]).toEqual(
      [2, 0, 3],
    );
    expect(read()).toBe("abcde");
    expect(file.summary()).toEqual({ bytes: 5, keptFrom: 0, truncated: false });
    expect([file.storedBytes, quota.usedBytes]).toEqual([4_096, 4_096]);
  });

  test("without output takes nothing", () => {
    const quota = new DataQuota(1e6);
    const file = openOutput(quota);
    expect(file.summary()).toEqual({ bytes: 0, keptFrom: 0, truncated: false });
    expect([file.storedBytes, quota.usedBytes]).toEqual([0, 0]);
  });

  test("keeps as much as is allowed, and nothing after the first byte that is missing", () => {
    const file = openOutput(new DataQuota(1e6));
    expect(file.write(bytes("abcde"), 5)).toBe(5);
    expect(file.truncated).toBe(false);
    expect([file.write(bytes("fgh"), 2), file.truncated]).toEqual([2, true]);
    expect([file.write(bytes("i"), all), read()]).toEqual([0, "abcdefg"]);
    expect(file.summary()).toEqual({ bytes: 9, keptFrom: 0, truncated: true });
  });

  test("of which nothing may be kept is empty, and told to be cut at its first byte", () => {
    const file = openOutput(new DataQuota(1e6));
    expect([file.write(bytes(""), 0), file.truncated]).toEqual([0, false]);
    expect([file.write(bytes("a"), 0), file.truncated, read()]).toEqual([0, true, ""]);
    expect(file.storedBytes).toBe(0);
  });

  test("takes blocks from the quota, and is cut where that ends", () => {
    const quota = new DataQuota(3 * 4_096);
    const file = openOutput(quota);
    const block = Buffer.alloc(4_096, "x");
    for (let turn = 0; turn < 3; turn += 1) expect(file.write(block, all)).toBe(4_096);
    expect([file.write(bytes("y"), all), file.truncated]).toEqual([0, true]);
    expect([read().length, quota.usedBytes, file.storedBytes]).toEqual([12_288, 12_288, 12_288]);
    // Room that comes later does not make a hole.
    quota.give(4_096);
    expect([file.write(bytes("z"), all), read().length]).toEqual([0, 12_288]);
  });

  test("on a full disk keeps nothing, says so, and gives back what it took", () => {
    const quota = new DataQuota(1e6);
    const file = openOutput(quota, "/dev/full");
    expect([file.write(Buffer.alloc(100_000), all), file.truncated]).toEqual([0, true]);
    expect(file.summary()).toEqual({ bytes: 100_000, keptFrom: 0, truncated: true });
    expect([file.storedBytes, quota.usedBytes]).toEqual([0, 0]);
  });

  test.skipIf(why !== undefined)(
    `on a disk that fills up keeps the part that fits${why ? ` (${why})` : ""}`,
    async () => {
      const size = 64 * 1024;
      const disk = await smallDisk(size);
      const quota = new DataQuota(1e6);
      disk.fill(4_096);
      const there = join(disk.path, "stdout");
      const file = openOutput(quota, there);
      const pattern = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
      expect(file.write(pattern.subarray(0, 30_000), all)).toBe(30_000);
      const kept = 30_000 + file.write(pattern.subarray(30_000), all);
      expect([kept > 30_000, kept < size, file.truncated]).toEqual([true, true, true]);
      expect(readFileSync(there).equals(pattern.subarray(0, kept))).toBe(true);
      expect([file.storedBytes, quota.usedBytes]).toEqual([onDisk(kept), onDisk(kept)]);
      disk.free();
      expect(file.write(Buffer.from("more"), all)).toBe(0);
      expect(statSync(there).size).toBe(kept);
    },
  );

  test("is the beginning of what came, whatever bounds it, and takes what it has", () => {
    const chunks = array(uint8Array({ maxLength: 9_000 }), { maxLength: 12 });
    assert(
      property(
        chunks,
        integer({ min: 0, max: 60_000 }),
        integer({ min: 0, max: 15 }),
        (parts, most, blocks) => {
          const quota = new DataQuota(4_096 * blocks);
          const file = openOutput(quota);
          let kept = 0;
          for (const part of parts) kept += file.write(part, most - kept);
          const whole = Buffer.concat(parts);
          expect(readFileSync(path).equals(whole.subarray(0, kept))).toBe(true);
          const truncated = kept < whole.length;
          expect(file.summary()).toEqual({ bytes: whole.length, keptFrom: 0, truncated });
          expect([file.storedBytes, quota.usedBytes]).toEqual([onDisk(kept), onDisk(kept)]);
          expect(kept).toBeLessThanOrEqual(Math.min(most, 4_096 * blocks));
        },
      ),
      { numRuns: 60 },
    );
  });
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LiveJobs, readLiveJobs } from "./liveJobs.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "errand-live-"));
  path = join(folder, "live");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = () => [...readLiveJobs(path)].sort((a, b) => (a < b ? -1 : 1));
const largest = (1n << 63n) - 1n;

describe("the file of live jobs", () => {
  test("holds at every moment what lives, as another process reads it", () => {
    const live = new LiveJobs(path, 4);
    expect(read()).toEqual([]);
    expect([live.add(1n), live.add(largest)]).toEqual([true, true]);
    expect(read()).toEqual([1n, largest]);
    live.delete(1n);
    expect(read()).toEqual([largest]);
    live.delete(largest);
    expect(read()).toEqual([]);
  });

  test("has room for so many, and again when one has ended", () => {
    const live = new LiveJobs(path, 2);
    expect([live.add(1n), live.add(2n), live.add(3n)]).toEqual([true, true, false]);
    expect(read()).toEqual([1n, 2n]);
    live.delete(1n);
    expect([live.add(3n), live.add(4n)]).toEqual([true, false]);
    expect(read()).toEqual([2n, 3n]);
  });

  test("forgets one that it does not know without harm", () => {
    const live = new LiveJobs(path, 2);
    live.add(1n);
    live.delete(9n);
    live.delete(1n);
    live.delete(1n);
    expect([live.add(1n), live.add(2n), live.add(3n)]).toEqual([true, true, false]);
  });

  test("is made anew, for its user alone", () => {
    new LiveJobs(path, 8).add(7n);
    expect(read()).toEqual([7n]);
    new LiveJobs(path, 2);
    expect(read()).toEqual([]);
    const { mode, size } = statSync(path);
    expect([mode & 0o777, size]).toEqual([0o600, 16]);
  });

  test("keeps what it held when many come and go", () => {
    const live = new LiveJobs(path, 100);
    const expected = new Set<bigint>();
    for (let id = 1n; id <= 5_000n; id += 1n) {
      expect(live.add(id)).toBe(true);
      expected.add(id);
      if (expected.size < 100) continue;
      for (const old of [...expected].filter((_, index) => index % 3 === 0)) {
        live.delete(old);
        expected.delete(old);
      }
    }
    expect(new Set(read())).toEqual(expected);
  });
});

describe("reading", () => {
  test("of no file finds nothing", () => {
    expect(read()).toEqual([]);
  });

  test("of a file that was cut finds the whole ids", () => {
    const bytes = Buffer.alloc(20);
    bytes.writeBigUInt64LE(5n, 0);
    bytes.writeBigUInt64LE(6n, 8);
    writeFileSync(path, bytes);
    expect(read()).toEqual([5n, 6n]);
  });
});

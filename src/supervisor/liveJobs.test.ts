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

/** Each job here has the mark that follows its id. */
const markOf = (id: bigint) => id + 1n;

/** The ids in the file, in order; each must have its mark. */
function read(): bigint[] {
  const jobs = readLiveJobs(path);
  for (const { id, mark } of jobs) expect([id, mark]).toEqual([id, markOf(id)]);
  return jobs.map(({ id }) => id).sort((a, b) => (a < b ? -1 : 1));
}

/** The writing side, with the marks that `read` expects. */
class Live extends LiveJobs {
  note(id: bigint): boolean {
    return this.add(id, markOf(id));
  }
}

const largest = (1n << 63n) - 1n;

describe("the file of live jobs", () => {
  test("holds at every moment what lives, as another process reads it", () => {
    const live = new Live(path, 4);
    expect(read()).toEqual([]);
    expect([live.note(1n), live.note(largest)]).toEqual([true, true]);
    expect(read()).toEqual([1n, largest]);
    live.delete(1n);
    expect(read()).toEqual([largest]);
    live.delete(largest);
    expect(read()).toEqual([]);
  });

  test("has room for so many, and again when one has ended", () => {
    const live = new Live(path, 2);
    expect([live.note(1n), live.note(2n), live.note(3n)]).toEqual([true, true, false]);
    expect(read()).toEqual([1n, 2n]);
    live.delete(1n);
    expect([live.note(3n), live.note(4n)]).toEqual([true, false]);
    expect(read()).toEqual([2n, 3n]);
  });

  test("forgets one that it does not know without harm", () => {
    const live = new Live(path, 2);
    live.note(1n);
    live.delete(9n);
    live.delete(1n);
    live.delete(1n);
    expect([live.note(1n), live.note(2n), live.note(3n)]).toEqual([true, true, false]);
  });

  test("is made anew, for its user alone", () => {
    new Live(path, 8).note(7n);
    expect(read()).toEqual([7n]);
    new Live(path, 2);
    expect(read()).toEqual([]);
    const { mode, size } = statSync(path);
    expect([mode & 0o777, size]).toEqual([0o600, 32]);
  });

  test("keeps what it held when many come and go", () => {
    const live = new Live(path, 100);
    const expected = new Set<bigint>();
    for (let id = 1n; id <= 5_000n; id += 1n) {
      expect(live.note(id)).toBe(true);
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

  test("of a file that was cut finds the whole jobs, and none without a mark", () => {
    const bytes = Buffer.alloc(60);
    for (const [index, number] of [5n, 6n, 7n, 0n, 8n, 9n, 10n].entries())
      bytes.writeBigUInt64LE(number, index * 8);
    writeFileSync(path, bytes);
    expect(readLiveJobs(path)).toEqual([
      { id: 5n, mark: 6n },
      { id: 8n, mark: 9n },
    ]);
  });
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits } from "../core/limits.ts";
import { type PooledShim, ShimPool } from "./pool.ts";

let folder: string;
let pool: ShimPool;
let refuseFrom: number;
let starts: number;
let errors: string[];

const setup = { limits: defaultLimits(), environment: {}, directory: "/", softOpenFiles: null };
const runtime = [process.execPath, "--config=/dev/null", "--no-env-file"];

function makePool(program = join(import.meta.dir, "entry.ts")): ShimPool {
  return new ShimPool({
    ...{ command: () => [...runtime, program], socket: join(folder, "shims.sock"), setup },
    checkRoom() {
      starts += 1;
      if (starts >= refuseFrom) throw new Error("no room");
    },
    onError: (message) => errors.push(message),
  });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "errand-pool-"));
  [refuseFrom, starts, errors] = [Number.POSITIVE_INFINITY, 0, []];
});
afterEach(() => {
  pool.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("shims", () => {
  test("are used again, one after the other", async () => {
    pool = makePool();
    const first = await pool.acquire();
    pool.release(first);
    let last: PooledShim = first;
    for (let turn = 2; turn <= 20; turn += 1) {
      last = await pool.acquire();
      pool.release(last);
    }
    // One is kept in reserve beside it; every job is counted for the one that had it.
    expect(starts).toBeLessThanOrEqual(2);
    expect(last.jobs).toBeGreaterThanOrEqual(10);
  });

  test("that are old go, and new ones come", async () => {
    pool = makePool();
    const shims = new Set<PooledShim>();
    for (let turn = 0; turn < 450; turn += 1) {
      const shim = await pool.acquire();
      shims.add(shim);
      pool.release(shim);
    }
    expect(shims.size).toBeGreaterThanOrEqual(3);
    expect(Math.max(...[...shims].map(({ jobs }) => jobs))).toBeLessThanOrEqual(200);
  });

  test("of which there can be no more: each who waits is served or told", async () => {
    refuseFrom = 3;
    pool = makePool();
    const waiting = Array.from({ length: 6 }, () => pool.acquire());
    const results = await Promise.allSettled(waiting);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
  });

  test("that die before they are there are told, and so is who waits", async () => {
    pool = makePool(join(folder, "no-such-program.ts"));
    const results = await Promise.allSettled([pool.acquire(), pool.acquire(), pool.acquire()]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(errors.length).toBeGreaterThanOrEqual(3);
  });

  test("are waited for by nobody once the pool is closed", async () => {
    pool = makePool();
    const waiting = pool.acquire();
    pool.close();
    expect((await Promise.allSettled([waiting]))[0]?.status).toBe("rejected");
  });
});

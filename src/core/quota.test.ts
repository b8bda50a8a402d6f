import { describe, expect, test } from "bun:test";
import { array, assert, integer, property } from "fast-check";
import { DataQuota } from "./quota.ts";

/** A quota whose ended jobs take so much each, oldest first; the ones that went are noted. */
function quotaOf(limit: number, jobs: number[]) {
  const quota = new DataQuota(limit);
  const gone: number[] = [];
  quota.onFull(() => {
    const bytes = jobs.shift();
    if (bytes === undefined) return false;
    gone.push(bytes);
    quota.give(bytes);
    return true;
  });
  for (const bytes of jobs) quota.adopt(bytes);
  return { quota, gone };
}

describe("a quota", () => {
  test("gives until it is used up, to the last byte", () => {
    const quota = new DataQuota(10);
    expect([quota.take(4), quota.take(6), quota.take(0), quota.take(1)]).toEqual([true, true, true, false]);
    expect([quota.usedBytes, quota.limitBytes]).toEqual([10, 10]);
    quota.give(1);
    expect([quota.take(2), quota.take(1), quota.usedBytes]).toEqual([false, true, 10]);
  });

  test("lets the oldest go, no more of them than are needed", () => {
    const { quota, gone } = quotaOf(10, [3, 3, 3]);
    expect([quota.take(1), gone]).toEqual([true, []]);
    expect([quota.take(4), gone]).toEqual([true, [3, 3]]);
    expect(quota.usedBytes).toBe(8);
  });

  test("refuses when nothing is left that could go", () => {
    const { quota, gone } = quotaOf(10, [3]);
    expect(quota.take(7)).toBe(true);
    expect([quota.take(4), gone, quota.usedBytes]).toEqual([false, [3], 7]);
    expect(quota.take(3)).toBe(true);
  });

  test("counts what is taken beside the jobs as it is now", () => {
    const quota = new DataQuota(10);
    quota.setOther(7);
    expect([quota.otherBytes, quota.usedBytes, quota.take(4), quota.take(3)]).toEqual([7, 7, false, true]);
    quota.setOther(2);
    expect([quota.usedBytes, quota.take(5)]).toEqual([5, true]);
    quota.setOther(20);
    expect([quota.usedBytes, quota.take(1)]).toEqual([28, false]);
  });

  test("is never below nothing, whatever is given back", () => {
    const quota = new DataQuota(10);
    quota.take(3);
    quota.give(5);
    expect(quota.usedBytes).toBe(0);
    expect([quota.take(10), quota.take(1)]).toEqual([true, false]);
  });

  test("that holds more than is allowed, as after its limit was lowered, makes room first", () => {
    const { quota, gone } = quotaOf(10, [8, 8, 8]);
    expect([quota.usedBytes, quota.take(2), gone, quota.usedBytes]).toEqual([24, true, [8, 8], 10]);
  });

  test("is kept, whatever is taken and given", () => {
    const bytes = integer({ min: 0, max: 40 });
    assert(
      property(array(bytes), array(bytes), integer({ min: 0, max: 100 }), (jobs, wanted, limit) => {
        const { quota } = quotaOf(limit, [...jobs]);
        let held = 0;
        for (const one of wanted) {
          if (quota.take(one)) held += one;
          else expect([held + one > limit, quota.usedBytes >= held]).toEqual([true, true]);
          if (one % 3 === 0 && held >= one) {
            quota.give(one);
            held -= one;
          }
        }
        expect(held).toBeLessThanOrEqual(limit);
      }),
    );
  });
});

import { describe, expect, test } from "bun:test";
import { defaultWaitsSeconds, nextWaitMilliseconds } from "./schedule.ts";
import { verdictOf } from "./verdict.ts";

const even = { waitsSeconds: defaultWaitsSeconds, random: () => 0.5 };
const tried = { begun: 1_000, ended: 2_000 };

describe("the schedule", () => {
  test("is ten tries over about 75 hours", () => {
    const waits = Array.from({ length: 10 }, (_, tries) =>
      nextWaitMilliseconds(defaultWaitsSeconds, tries + 1, () => 0.5),
    );
    expect(waits.pop()).toBeNull();
    const hours = waits.map((wait) => (wait ?? 0) / 3_600_000);
    expect(hours.map((wait) => Number(wait.toFixed(4)))).toEqual([0.0014, 0.0833, 0.5, 2, 5, 10, 14, 20, 24]);
    expect(hours.reduce((sum, wait) => sum + wait, 0)).toBeCloseTo(75.58, 1);
  });

  test("goes up to a tenth either way", () => {
    const at = (random: number) => nextWaitMilliseconds([5, 300], 2, () => random);
    expect([at(0), at(0.25), at(0.5), at(1)]).toEqual([270_000, 285_000, 300_000, 330_000]);
  });
});

describe("a try", () => {
  const verdict = (answer: Parameters<typeof verdictOf>[1]["answer"], attempts = 0) =>
    verdictOf({ attempts }, { ...tried, answer }, even);

  test("is delivery with any 2xx, and nothing else is", () => {
    for (const status of [200, 201, 202, 204, 226, 299])
      expect(verdict({ status }, 4)).toEqual({
        state: "delivered",
        attempts: 5,
        nextAttemptAt: null,
        lastAttemptAt: 1_000,
        lastStatus: status,
        lastError: null,
      });
    for (const status of [0, 101, 199, 300, 301, 304, 307, 400, 401, 404, 429, 500, 503, 999])
      expect(verdict({ status })).toMatchObject({
        state: "pending",
        lastStatus: status,
        lastError: expect.stringContaining(`${status}`),
      });
  });

  test("is followed by another, counted from its end, until there are no more", () => {
    expect(verdict({ error: "no" })).toEqual({
      state: "pending",
      attempts: 1,
      nextAttemptAt: 7_000,
      lastAttemptAt: 1_000,
      lastStatus: null,
      lastError: "no",
    });
    expect(verdict({ error: "no" }, 8)).toMatchObject({ state: "pending", attempts: 9 });
    expect(verdict({ status: 500 }, 9)).toMatchObject({ state: "failed", attempts: 10, nextAttemptAt: null });
  });

  test("is the last one with 410, and when there is nothing to tell", () => {
    expect(verdict({ status: 410 })).toMatchObject({
      state: "disabled",
      nextAttemptAt: null,
      lastStatus: 410,
    });
    expect(verdict({ gone: "no job" })).toMatchObject({ state: "failed", lastError: "no job" });
  });
});

import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import type { LimitReason } from "../core/job.ts";
import { Timeouts } from "./timeouts.ts";

const day = 86_400;
let reached: LimitReason[];
let timeouts: Timeouts;
beforeEach(() => {
  jest.useFakeTimers();
  reached = [];
});
afterEach(() => {
  timeouts.end();
  jest.useRealTimers();
});

function watch(runTimeoutSeconds: number | null, idleTimeoutSeconds: number | null): void {
  timeouts = new Timeouts({ runTimeoutSeconds, idleTimeoutSeconds }, (reason) => reached.push(reason));
}

const pass = (seconds: number) => jest.advanceTimersByTime(seconds * 1_000);

describe("the run timeout", () => {
  test("is told once, when it is over, whatever is said meanwhile", () => {
    watch(10, null);
    for (let turn = 0; turn < 9; turn += 1) {
      pass(1);
      timeouts.noteOutput();
    }
    pass(0.999);
    expect(reached).toEqual([]);
    pass(0.001);
    expect(reached).toEqual(["timeout"]);
    pass(1_000);
    expect(reached).toEqual(["timeout"]);
  });

  test("is not told after the end", () => {
    watch(10, 20);
    pass(9);
    timeouts.end();
    timeouts.end();
    pass(1_000);
    expect(reached).toEqual([]);
  });
});

describe("the idle timeout", () => {
  test("is told once, after so much silence", () => {
    watch(null, 10);
    pass(9.999);
    expect(reached).toEqual([]);
    pass(0.001);
    expect(reached).toEqual(["idle"]);
    timeouts.noteOutput();
    pass(1_000);
    expect(reached).toEqual(["idle"]);
  });

  test("begins anew with each output", () => {
    watch(null, 10);
    for (let turn = 0; turn < 100; turn += 1) {
      pass(9.9);
      timeouts.noteOutput();
    }
    expect(reached).toEqual([]);
    pass(9.999);
    expect(reached).toEqual([]);
    pass(0.001);
    expect(reached).toEqual(["idle"]);
  });
});

describe("both", () => {
  test("are told, each for itself", () => {
    watch(10, 3);
    pass(3);
    expect(reached).toEqual(["idle"]);
    pass(7);
    expect(reached).toEqual(["idle", "timeout"]);
  });

  test("are nothing when nobody wants them", () => {
    watch(null, null);
    timeouts.noteOutput();
    expect(jest.getTimerCount()).toBe(0);
  });

  // A timer of the runtime holds no more than 24.8 days.
  test.each([24, 25, 50, 100, 3_650])("may be %d days long", (days) => {
    watch(days * day, days * day);
    timeouts.noteOutput();
    pass(0.01);
    for (let passed = 1; passed < days; passed += 1) pass(day);
    expect(reached).toEqual([]);
    pass(day - 1);
    expect(reached).toEqual([]);
    pass(1);
    expect([...reached].sort()).toEqual(["idle", "timeout"]);
  });
});

test("a timer of the real runtime does not fire at once for a long time", async () => {
  jest.useRealTimers();
  watch(25 * day, 3_650 * day);
  timeouts.noteOutput();
  await Bun.sleep(20);
  expect(reached).toEqual([]);
});

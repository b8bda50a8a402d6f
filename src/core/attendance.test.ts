import { beforeEach, describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/contract/support/fake-ports.ts";
import { Attendance } from "./attendance.ts";
import type { DisconnectPolicy } from "./job.ts";

let clock: ManualClock;
let abandoned: number;
beforeEach(() => {
  clock = new ManualClock();
  abandoned = 0;
});

function make(policy: DisconnectPolicy): Attendance {
  const onAbandoned = () => {
    abandoned += 1;
  };
  return new Attendance({ policy, clock, onAbandoned });
}

describe("kill", () => {
  test("is told when the last one has gone, and at once", () => {
    const attendance = make("kill");
    const [one, two] = [attendance.enter(), attendance.enter()];
    one();
    expect(abandoned).toBe(0);
    two();
    expect([abandoned, clock.timers.size]).toEqual([1, 0]);
  });

  test("counts nobody twice who says twice that he has gone", () => {
    const attendance = make("kill");
    const one = attendance.enter();
    attendance.enter();
    one();
    one();
    expect(abandoned).toBe(0);
  });

  test("leaves alone what nobody has followed yet", () => {
    make("kill");
    clock.pass(1e9);
    expect(abandoned).toBe(0);
  });
});

test("detach never tells", () => {
  const attendance = make("detach");
  attendance.enter()();
  attendance.enter()();
  clock.pass(1e9);
  expect([abandoned, clock.timers.size]).toEqual([0, 0]);
});

describe("killAfterSeconds", () => {
  const policy = { killAfterSeconds: 30 };

  test("is told when the time is over, and once", () => {
    make(policy).enter()();
    clock.pass(29_999);
    expect(abandoned).toBe(0);
    clock.pass(1);
    clock.pass(1e9);
    expect(abandoned).toBe(1);
  });

  test("is not told when somebody has come back in time; the time begins anew with each end", () => {
    const attendance = make(policy);
    attendance.enter()();
    clock.pass(20_000);
    const back = attendance.enter();
    clock.pass(1e6);
    expect([abandoned, clock.timers.size]).toEqual([0, 0]);
    back();
    clock.pass(20_000);
    attendance.enter()();
    clock.pass(29_999);
    expect(abandoned).toBe(0);
    clock.pass(1);
    expect(abandoned).toBe(1);
  });

  test("begins when the last of several has gone", () => {
    const attendance = make(policy);
    const leave = [attendance.enter(), attendance.enter()];
    leave[0]?.();
    clock.pass(1e6);
    leave[1]?.();
    expect([abandoned, clock.timers.size]).toEqual([0, 1]);
  });

  test("of 0 is told in the next moment", () => {
    make({ killAfterSeconds: 0 }).enter()();
    clock.pass(0);
    expect(abandoned).toBe(1);
  });
});

describe("a job that has ended", () => {
  test("is not waited for: neither a time that runs nor a leaving counts", () => {
    const attendance = make({ killAfterSeconds: 30 });
    attendance.enter()();
    attendance.close();
    expect(clock.timers.size).toBe(0);
    attendance.enter()();
    clock.pass(1e9);
    expect([abandoned, clock.timers.size]).toEqual([0, 0]);
  });

  test("is not told to be abandoned", () => {
    const attendance = make("kill");
    const leave = attendance.enter();
    attendance.close();
    leave();
    expect(abandoned).toBe(0);
  });
});

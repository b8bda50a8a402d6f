import { beforeEach, describe, expect, test } from "bun:test";
import { Folders, ManualClock, Records } from "../../test/contract/support/fake-ports.ts";
import { ended, running } from "../../test/support/callback-jobs.ts";
import type { EndedJob, JobId } from "./job.ts";
import { DataQuota } from "./quota.ts";
import { Retention } from "./retention.ts";

const limit = 1_000;
let clock: ManualClock;
let history: Records;
let spool: Counted;
let quota: DataQuota;
let errors: unknown[];
let otherBytes: number;

/** A spool that gives back to the quota what its jobs took; each of these takes a hundred bytes. */
class Counted extends Folders {
  refused = new Set<JobId>();
  override remove = (id: JobId): undefined => {
    if (this.refused.has(id)) throw new Error(`cannot remove ${id}`);
    if (history.jobs.has(id) && !this.removed.includes(id)) quota.give(100);
    this.removed.push(id);
  };
}

beforeEach(() => {
  clock = new ManualClock();
  history = new Records();
  quota = new DataQuota(limit);
  spool = new Counted();
  errors = [];
  otherBytes = 0;
});

function start(): Retention {
  const onError = (error: unknown) => void errors.push(error);
  const retention = new Retention({ clock, history, spool, quota, otherBytes: () => otherBytes, onError });
  retention.start();
  return retention;
}

/** A job that ends now and is kept so long, with a hundred bytes of files. */
function put(retainSeconds: number): EndedJob {
  const job = ended(running(null, { startedAt: clock.wall() }), clock.wall());
  const kept = { ...job, retainSeconds, output: { ...job.output, storedBytes: 100 } };
  history.put(kept);
  quota.adopt(100);
  return kept;
}

const known = (jobs: readonly EndedJob[]) => jobs.map(({ id }) => history.jobs.has(id));
const idsOf = (jobs: readonly EndedJob[]) => jobs.map(({ id }) => id);

describe("a job whose time is over", () => {
  test("goes with its files, and not before", () => {
    start();
    const jobs = [put(10), put(20)];
    clock.pass(1_000);
    clock.pass(8_999);
    expect(known(jobs)).toEqual([true, true]);
    clock.pass(1);
    expect([known(jobs), spool.removed]).toEqual([[false, true], idsOf(jobs.slice(0, 1))]);
    clock.pass(9_999);
    expect(known(jobs)).toEqual([false, true]);
    clock.pass(1);
    expect([known(jobs), quota.usedBytes, errors]).toEqual([[false, false], 0, []]);
  });

  test("goes at the first look of a server that was not there in time", () => {
    const jobs = [put(10), put(20), put(30)];
    clock.pass(25_000);
    start();
    expect(known(jobs)).toEqual([false, false, true]);
  });

  test("goes within a second when it ended after the last look", () => {
    start();
    clock.pass(400);
    const job = put(0.1);
    for (let turn = 0; turn < 10; turn += 1) clock.pass(100);
    expect(known([job])).toEqual([false]);
  });

  test("stays as long as its callback is to be delivered, and is looked at now and then", () => {
    const jobs = [put(1), put(1)];
    history.unsettled.add(jobs[0]?.id ?? "");
    start();
    for (let turn = 0; turn < 60; turn += 1) {
      clock.pass(1_000);
      expect(clock.timers.size).toBe(1);
    }
    expect(known(jobs)).toEqual([true, false]);
    history.unsettled.clear();
    clock.pass(1_000);
    expect(known(jobs)).toEqual([false, false]);
  });

  test("goes in steps when there are many, and no step is without end", () => {
    const jobs = Array.from({ length: 250 }, () => put(1));
    clock.pass(1_000);
    start();
    expect(spool.removed).toEqual(idsOf(jobs.slice(0, 100)));
    clock.pass(20);
    expect(spool.removed).toHaveLength(200);
    clock.pass(20);
    expect([spool.removed.length, history.jobs.size]).toEqual([250, 0]);
  });

  test("is looked for no more after the stop", () => {
    const retention = start();
    const job = put(1);
    retention.stop();
    clock.pass(1e6);
    expect([known([job]), clock.timers.size]).toEqual([[true], 0]);
  });
});

describe("what cannot be done", () => {
  test("for one job is told, and the others go; it is tried again", () => {
    const jobs = [put(1), put(1), put(1)];
    spool.refused.add(jobs[1]?.id ?? "");
    clock.pass(1_000);
    start();
    expect([known(jobs), errors.map(String)]).toEqual([
      [false, true, false],
      [`Error: cannot remove ${jobs[1]?.id}`],
    ]);
    spool.refused.clear();
    clock.pass(1_000);
    expect(known(jobs)).toEqual([false, false, false]);
  });

  test("for a hundred jobs does not keep the server busy", () => {
    const jobs = Array.from({ length: 150 }, () => put(1));
    for (const { id } of jobs.slice(0, 100)) spool.refused.add(id);
    clock.pass(1_000);
    start();
    // Not in the steps of those that make headway.
    for (let turn = 0; turn < 49; turn += 1) clock.pass(20);
    expect(errors.length).toBe(100);
    clock.pass(20);
    expect(errors.length).toBe(200);
  });

  test.each(["expired", "nextExpiry", "forget", "oldestEnded"] as const)(
    "when the history fails at %s is told, and looked at again",
    (call) => {
      const job = put(1);
      const works = history[call];
      const failure = new Error("database or disk is full");
      otherBytes = call === "oldestEnded" ? limit : 0;
      history[call] = () => {
        throw failure;
      };
      clock.pass(1_000);
      start();
      expect([errors, clock.timers.size]).toEqual([[failure], 1]);
      Object.assign(history, { [call]: works });
      otherBytes = 0;
      clock.pass(1_000);
      expect([known([job]), clock.timers.size]).toEqual([[false], 1]);
    },
  );
});

describe("when there is no room", () => {
  test("the oldest jobs that have files go, whatever their time, and no more than are needed", () => {
    start();
    const jobs = [put(10), put(3_600), put(10), put(3_600)];
    expect([quota.usedBytes, quota.take(600), spool.removed]).toEqual([400, true, []]);
    expect(quota.take(150)).toBe(true);
    expect([known(jobs), spool.removed]).toEqual([[false, false, true, true], idsOf(jobs.slice(0, 2))]);
    expect(errors).toEqual([]);
  });

  test("what runs, and what has a callback to be delivered, stays: then there is none", () => {
    start();
    const alive = running(null);
    history.put(alive);
    const jobs = [put(10), put(10)];
    history.unsettled.add(jobs[0]?.id ?? "");
    expect([quota.take(limit), known(jobs), history.jobs.has(alive.id)]).toEqual([
      false,
      [true, false],
      true,
    ]);
    expect([quota.take(900), quota.take(1)]).toEqual([true, false]);
  });

  test("one that cannot be removed makes none, and nobody waits for it for ever", () => {
    start();
    const job = put(10);
    spool.refused.add(job.id);
    expect([quota.take(limit), known([job]), errors.length]).toEqual([false, [true], 1]);
  });

  test("a history that fails makes none, and fails nobody", () => {
    start();
    put(10);
    history.oldestKept = () => {
      throw new Error("database or disk is full");
    };
    expect([quota.take(limit), errors.length]).toEqual([false, 1]);
  });

  test("records that take more than half of it go, too, the oldest first", () => {
    const jobs = Array.from({ length: 150 }, () => put(3_600));
    const before = quota.usedBytes;
    otherBytes = limit;
    start();
    expect(spool.removed).toEqual(idsOf(jobs.slice(0, 10)));
    otherBytes = limit / 2;
    clock.pass(20);
    expect([spool.removed.length, quota.usedBytes]).toEqual([10, before - 1_000 + limit / 2]);
  });
});

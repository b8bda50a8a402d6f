import { beforeEach, describe, expect, test } from "bun:test";
import {
  Claims,
  Commands,
  Folders,
  ManualClock,
  noOutput,
  noShims,
  Records,
} from "../../test/contract/support/fake-ports.ts";
import { Broker } from "./broker.ts";
import { ErrandError } from "./errors.ts";
import { EventBus } from "./eventBus.ts";
import { IdSource } from "./ids.ts";
import { type Job, type JobSpec, plainSpec } from "./job.ts";
import { defaultLimits, type Limits } from "./limits.ts";

let clock: ManualClock;
let history: Records;
let aliases: Claims;
let supervisor: Commands;
let spool: Folders;
let logged: Job[];
beforeEach(() => {
  spool = new Folders();
  [clock, history, aliases, supervisor, logged] = [
    new ManualClock(),
    new Records(),
    new Claims(),
    new Commands(),
    [],
  ];
});

function makeBroker(limits: Partial<Limits> = {}): Broker {
  return new Broker({
    node: "here",
    supervisor,
    shims: noShims,
    spool,
    history,
    aliases,
    clock,
    ids: new IdSource(clock.wall, 0),
    bus: new EventBus(8),
    limits: { ...defaultLimits(), ...limits },
    log: { started: (job) => void logged.push(job), ended: (job) => void logged.push(job) },
  });
}

const origin = { owner: "local", door: "rexec" };
const spec = (alias: string | null): JobSpec => ({ ...plainSpec, command: ["true"], alias });

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof ErrandError) return error.code;
    throw error;
  }
  return "none";
}

describe("a start", () => {
  test("gives a running job, which is on record and in memory", () => {
    const broker = makeBroker();
    const { job } = broker.startAttached(spec("a"), origin);
    expect(job).toMatchObject({
      state: "running",
      node: "here",
      owner: "local",
      door: "rexec",
      pid: 4_711,
      alias: "a",
    });
    expect([broker.get(job.id), history.get(job.id), broker.runningJobs]).toEqual([job, job, 1]);
    expect(broker.get("1")).toBeUndefined();
  });

  test("that is refused leaves a record with the reason and throws on", () => {
    const broker = makeBroker();
    supervisor.refuse = new ErrandError("start-failed", "No such file");
    expect(() => broker.startAttached(spec("a"), origin)).toThrow(supervisor.refuse);
    expect([...history.jobs.values()]).toEqual([
      expect.objectContaining({ state: "failed", failure: "No such file" }),
    ]);
    expect([logged.length, broker.runningJobs]).toEqual([1, 0]);
  });

  test("that fails inside tells the record nothing of the inside", () => {
    const broker = makeBroker();
    supervisor.refuse = new Error("secret path");
    expect(() => broker.startAttached(spec("a"), origin)).toThrow("secret path");
    expect(JSON.stringify([...history.jobs.values()])).not.toContain("secret path");
  });

  test("above the limit is refused, and below it again is not", () => {
    const broker = makeBroker({ maxRunningJobs: 2 });
    for (const alias of ["a", "b"]) broker.startAttached(spec(alias), origin);
    expect(codeOf(() => broker.startAttached(spec("c"), origin))).toBe("too-many-jobs");
    expect(aliases.holders.has("c")).toBe(false);
    supervisor.last.end();
    broker.startAttached(spec("c"), origin);
    expect(broker.runningJobs).toBe(2);
  });
});

describe("an alias", () => {
  test("is held by one job, and by none without an alias", () => {
    const broker = makeBroker();
    broker.startAttached(spec("a"), origin);
    expect(codeOf(() => broker.startAttached(spec("a"), origin))).toBe("already-running");
    broker.startAttached(spec("b"), origin);
    broker.startAttached(spec(null), origin);
    broker.startAttached(spec(null), origin);
    expect([...aliases.holders.keys()]).toEqual(["a", "b"]);
    expect(history.jobs.size).toBe(4);
  });

  test("is free after a start that failed", () => {
    const broker = makeBroker();
    supervisor.refuse = new ErrandError("start-failed", "no");
    expect(codeOf(() => broker.startAttached(spec("a"), origin))).toBe("start-failed");
    supervisor.refuse = null;
    expect(broker.startAttached(spec("a"), origin).job.state).toBe("running");
  });

  test("is free when the job has finished, not when the leader has exited", () => {
    const broker = makeBroker();
    broker.startAttached(spec("a"), origin);
    supervisor.last.listener.exited({ code: 0, signal: null });
    expect(codeOf(() => broker.startAttached(spec("a"), origin))).toBe("already-running");
    supervisor.last.listener.finished(noOutput, null);
    expect(broker.startAttached(spec("a"), origin).job.state).toBe("running");
  });

  test.each(["stop", "disconnect", "drain", "killAll"] as const)(
    "is free after %s only when the tree is gone",
    (way) => {
      const broker = makeBroker();
      const active = broker.startAttached(spec("a"), origin);
      if (way === "stop") broker.stop(active.job.id, 1);
      else if (way === "disconnect") broker.disconnect(active);
      else if (way === "drain") broker.drain();
      else broker.killAll();
      clock.pass(60_000);
      expect([supervisor.last.graces.length, aliases.holders.has("a")]).toEqual([1, true]);
      supervisor.last.end();
      expect(aliases.holders.has("a")).toBe(false);
    },
  );
});

describe("waiting", () => {
  test("answers at the end, for each who waits, and leaves no timer", async () => {
    const broker = makeBroker();
    const { job } = broker.startAttached(spec("a"), origin);
    const waits = [broker.wait(job.id, 10), broker.wait(job.id, 20)];
    clock.pass(9_000);
    supervisor.last.end(3);
    for (const ended of await Promise.all(waits)) {
      expect(ended).toMatchObject({ state: "ended", outcome: { code: 3 }, durationNanoseconds: 9e9 });
    }
    expect(clock.timers.size).toBe(0);
  });

  test("answers with the job as it is when the wait is over, and does not stop it", async () => {
    const broker = makeBroker();
    const { job } = broker.startAttached(spec("a"), origin);
    const waiting = broker.wait(job.id, 0.5);
    clock.pass(500);
    expect(await waiting).toEqual(job);
    expect(supervisor.last.graces).toEqual([]);
    supervisor.last.end();
    expect(broker.get(job.id)?.state).toBe("ended");
  });

  test("is over when the one who waits has gone, and leaves nothing", async () => {
    const broker = makeBroker();
    const { job } = broker.startAttached(spec("a"), origin);
    const there = new AbortController();
    const waiting = broker.wait(job.id, 300, there.signal);
    there.abort();
    expect(await waiting).toEqual(job);
    expect([clock.timers.size, supervisor.last.graces]).toEqual([0, []]);
    expect(await broker.wait(job.id, 300, there.signal)).toEqual(job);
    expect(clock.timers.size).toBe(0);
  });

  test("is over at once without a time, for an ended job and for none", async () => {
    const broker = makeBroker();
    const { job } = broker.startAttached(spec("a"), origin);
    expect(await broker.wait(job.id, 0)).toEqual(job);
    supervisor.last.end();
    expect((await broker.wait(job.id, 99))?.state).toBe("ended");
    expect(await broker.wait("1", 99)).toBeUndefined();
    expect(clock.timers.size).toBe(0);
  });
});

describe("a stop", () => {
  test("answers when the job has finished, each time it is asked", async () => {
    const broker = makeBroker();
    const { job } = broker.startAttached(spec("a"), origin);
    const stops = [broker.stop(job.id, 5), broker.stop(job.id, 0)];
    supervisor.last.end();
    for (const stopped of await Promise.all(stops))
      expect(stopped).toMatchObject({ outcome: { reason: "stopped" } });
    expect(supervisor.last.graces).toEqual([5, 0]);
    expect(await broker.stop(job.id, 0)).toEqual(broker.get(job.id));
    expect(await broker.stop("1", 0)).toBeUndefined();
  });

  test("after a disconnection does not change its reason", async () => {
    const broker = makeBroker({ disconnectGraceSeconds: 0.25 });
    const active = broker.startAttached(spec("a"), origin);
    broker.disconnect(active);
    const stopping = broker.stop(active.job.id, 0);
    supervisor.last.end();
    expect(await stopping).toMatchObject({ outcome: { reason: "disconnected" } });
    expect(supervisor.last.graces).toEqual([0.25, 0]);
    broker.disconnect(active);
    expect(supervisor.last.graces).toHaveLength(2);
  });
});

describe("a drain", () => {
  test("takes no new jobs, lets the running ones end, and resolves when none is left", async () => {
    const broker = makeBroker();
    for (const alias of ["a", "b"]) broker.startAttached(spec(alias), origin);
    const drained = broker.drain();
    expect([broker.draining, codeOf(() => broker.startAttached(spec("c"), origin))]).toEqual([
      true,
      "shutting-down",
    ]);
    for (const command of supervisor.started) command.end();
    await drained;
    expect(supervisor.started.flatMap(({ graces }) => graces)).toEqual([]);
    expect(clock.timers.size).toBe(0);
  });

  test("stops what is left after its time", async () => {
    const broker = makeBroker({ shutdownDrainSeconds: 3, stopGraceSeconds: 2 });
    const { job } = broker.startAttached(spec("a"), origin);
    const drained = broker.drain();
    clock.pass(2_999);
    expect(supervisor.last.graces).toEqual([]);
    clock.pass(1);
    expect(supervisor.last.graces).toEqual([2]);
    supervisor.last.end();
    await drained;
    expect(broker.get(job.id)).toMatchObject({ outcome: { reason: "shutdown" } });
  });

  test("is over at once without jobs, and hastened by killAll", async () => {
    await makeBroker().drain();
    const broker = makeBroker();
    broker.startAttached(spec("a"), origin);
    const drained = broker.drain();
    broker.killAll();
    expect(supervisor.last.graces).toEqual([0]);
    supervisor.last.end();
    await drained;
  });
});

test("listeners hear of each start, end and failure", async () => {
  const broker = makeBroker();
  const listener = broker.subscribe();
  broker.startAttached(spec("a"), origin);
  supervisor.last.end();
  supervisor.refuse = new ErrandError("start-failed", "no");
  expect(codeOf(() => broker.startAttached(spec("b"), origin))).toBe("start-failed");
  const seen = [await listener.next(), await listener.next(), await listener.next()];
  expect(seen.map((event) => event?.type)).toEqual(["started", "ended", "failed"]);
  expect(logged.map(({ state }) => state)).toEqual(["running", "ended", "failed"]);
});

import { beforeEach, describe, expect, test } from "bun:test";
import {
  Claims,
  Commands,
  Folders,
  ManualClock,
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

/** The id that the broker gives first. */
const firstId = () => new IdSource(clock.wall, 0).next().toString();

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

describe("a background start", () => {
  const background = (alias: string | null = null): JobSpec => ({ ...spec(alias), mode: "background" });
  const calls = () => spool.made.map((files) => files.calls);

  test("has its files before it is executed, and tells them of its life", async () => {
    const broker = makeBroker();
    const { job } = await broker.startBackground(background(), origin);
    expect([job.state, calls()]).toEqual(["running", [["started 4711"]]]);
    supervisor.last.end(3);
    expect(calls()).toEqual([["started 4711", "ended exited"]]);
    expect(history.get(job.id)).toMatchObject({ state: "ended", outcome: { code: 3 } });
  });

  test("counts and holds its alias while its directory is made", async () => {
    const broker = makeBroker({ maxRunningJobs: 1 });
    const starting = broker.startBackground(background("a"), origin);
    expect([broker.runningJobs, supervisor.started.length]).toEqual([1, 0]);
    expect(codeOf(() => broker.startAttached(spec(null), origin))).toBe("too-many-jobs");
    expect((await starting).job.state).toBe("running");
  });

  test("that finds no room leaves a record and frees the alias", async () => {
    const broker = makeBroker();
    spool.refuse = new ErrandError("storage-full", "full");
    await expect(broker.startBackground(background("a"), origin)).rejects.toBe(spool.refuse);
    expect([...history.jobs.values()]).toEqual([
      expect.objectContaining({ state: "failed", failure: "full" }),
    ]);
    expect([broker.runningJobs, supervisor.started.length, aliases.holders.size]).toEqual([0, 0, 0]);
  });

  test("that cannot be executed leaves no files", async () => {
    const broker = makeBroker();
    supervisor.refuse = new ErrandError("start-failed", "No such file");
    await expect(broker.startBackground(background(), origin)).rejects.toBe(supervisor.refuse);
    expect([calls(), broker.runningJobs]).toEqual([[["discard"]], 0]);
  });

  test("that is overtaken by the drain is refused, and the drain ends", async () => {
    const broker = makeBroker();
    const disk = Promise.withResolvers<void>();
    spool.ready = disk.promise;
    const starting = broker.startBackground(background(), origin);
    const draining = broker.drain();
    disk.resolve();
    await expect(starting).rejects.toMatchObject({ code: "shutting-down" });
    await draining;
    expect([calls(), supervisor.started.length]).toEqual([[["discard"]], 0]);
  });

  test("that is asked to stop meanwhile is stopped at once, with the reason", async () => {
    const broker = makeBroker();
    const disk = Promise.withResolvers<void>();
    spool.ready = disk.promise;
    const starting = broker.startBackground(background(), origin);
    // The first id of the clock's first millisecond.
    const stopping = broker.stop(firstId(), 2);
    disk.resolve();
    await starting;
    expect(supervisor.last.graces).toEqual([2]);
    supervisor.last.end();
    expect(await stopping).toMatchObject({ outcome: { reason: "stopped" } });
  });

  test("at a limit of its own is stopped with its grace, and the limit is the reason", async () => {
    const broker = makeBroker({ stopGraceSeconds: 7 });
    const { job } = await broker.startBackground({ ...background(), stopGraceSeconds: 1 }, origin);
    supervisor.last.listener.limitReached("idle");
    supervisor.last.listener.limitReached("timeout");
    expect(supervisor.last.graces).toEqual([1, 1]);
    supervisor.last.end();
    expect(history.get(job.id)).toMatchObject({ outcome: { reason: "idle" } });
  });
});

describe("a detached start", () => {
  test("is on record when it is acknowledged, and no longer this server's", () => {
    const broker = makeBroker();
    const job = broker.startDetached({ ...spec(null), mode: "detached" }, origin);
    expect(job).toMatchObject({ state: "detached", pid: 4_712 });
    expect([history.flushes, history.get(job.id), broker.runningJobs]).toEqual([1, job, 0]);
  });
});

describe("forgetting", () => {
  test("takes an ended job and its files, and refuses one that runs", async () => {
    const broker = makeBroker();
    const { job } = await broker.startBackground({ ...spec(null), mode: "background" }, origin);
    expect(codeOf(() => broker.forget(job.id))).toBe("still-running");
    supervisor.last.end();
    expect(broker.forget(job.id)).toMatchObject({ state: "ended" });
    expect([broker.get(job.id), broker.forget(job.id), spool.removed]).toEqual([
      undefined,
      undefined,
      [job.id],
    ]);
  });

  test("has happened to what has expired, even before it is removed", async () => {
    const broker = makeBroker();
    const { job } = await broker.startBackground(
      { ...spec(null), mode: "background", retainSeconds: 1 },
      origin,
    );
    supervisor.last.end();
    clock.pass(999);
    expect(broker.get(job.id)?.state).toBe("ended");
    clock.pass(1);
    expect(broker.get(job.id)).toBeUndefined();
  });
});

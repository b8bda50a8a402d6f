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
import { EventBus } from "./eventBus.ts";
import { IdSource } from "./ids.ts";
import { type JobEnd, plainSpec, type StartingJob } from "./job.ts";
import { defaultLimits } from "./limits.ts";
import type { SupervisedProcess } from "./ports.ts";

const clock = new ManualClock();
const ids = new IdSource(clock.wall, 0);
let spool: Folders;
let history: Records;
let broker: Broker;
beforeEach(() => {
  [spool, history] = [new Folders(), new Records()];
  broker = new Broker({
    ...{ node: "here", supervisor: new Commands(), shims: noShims, spool, history, clock, ids },
    ...{ aliases: new Claims(), bus: new EventBus(8), limits: defaultLimits() },
    log: { started() {}, ended() {} },
  });
});

/** A job of an earlier server. */
function earlier(): StartingJob {
  const { tty, labels, leftovers } = plainSpec;
  return {
    ...{ id: ids.next().toString(), node: "here", alias: "a", command: ["true"], cwd: null },
    ...{ mode: "background", survive: true, tty, labels, leftovers, owner: "local", door: "v1" },
    ...{ retainSeconds: 60, callback: null, createdAt: clock.wall(), state: "starting" },
  } as unknown as StartingJob;
}

const end: JobEnd = {
  ...{ startedAt: 5, endedAt: 7, durationNanoseconds: 2_000_000, pid: 4_711, output: noOutput },
  outcome: { reason: "exited", code: 3, signal: null, success: false, detail: null },
};

describe("a job of an earlier server whose shim goes before it has told anything", () => {
  test("has ended as its directory says", () => {
    const job = earlier();
    spool.remains = { started: { pid: 4_711, startedAt: 5 }, end, output: noOutput };
    broker.adopt({ job, onDisconnect: "detach", started: null }).vanished();
    expect(history.get(job.id)).toMatchObject({ state: "ended", ...end });
  });

  test("is lost, with what is known of its execution, when that says no end", () => {
    const job = earlier();
    spool.remains = { started: { pid: 4_711, startedAt: 5 }, end: null, output: noOutput };
    broker.adopt({ job, onDisconnect: "detach", started: null }).vanished();
    expect(history.get(job.id)).toMatchObject({ state: "lost", pid: 4_711, startedAt: 5 });
  });

  test("is lost when nothing is known of it", () => {
    const job = earlier();
    broker.adopt({ job, onDisconnect: "detach", started: null }).vanished();
    expect(history.get(job.id)).toMatchObject({ state: "lost", pid: null, startedAt: null });
  });
});

test("a job of an earlier server that was executed runs, though its shim does not answer for now", async () => {
  const job = earlier();
  const listener = broker.adopt({ job, onDisconnect: "kill", started: { pid: 4_711, startedAt: 5 } });
  expect(broker.get(job.id)).toMatchObject({ state: "running", pid: 4_711, startedAt: 5 });
  const { signal } = new AbortController();
  const [heard, tooLate] = [broker.reach(job.id, signal), broker.reach(job.id, AbortSignal.abort())];
  await tooLate;
  clock.pass(10_000);
  await expect(heard).rejects.toMatchObject({ code: "internal", message: expect.stringContaining("halted") });
  // It goes on without this server, which does not wait for it.
  await broker.drain();
  const stopped = broker.stop(job.id, 3);
  const reached = broker.reach(job.id, signal);
  const process = new Recorder(4_711);
  listener.started(process, { startedAt: 5, terminalSize: null, wasFollowed: false });
  await reached;
  expect(process.stops).toEqual([{ graceSeconds: 3, reason: "stopped" }]);
  listener.ended({ ...end, endedAt: clock.wall() });
  expect(await stopped).toMatchObject({ state: "ended" });
});

/** Notes how it is stopped. */
class Recorder implements SupervisedProcess {
  readonly input = null;
  readonly stops: object[] = [];

  constructor(readonly pid: number) {}

  stop(graceSeconds: number, reason: string): void {
    this.stops.push({ graceSeconds, reason });
  }

  signal(): boolean {
    return true;
  }

  resize(): boolean {
    return false;
  }
}

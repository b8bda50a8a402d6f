import { describe, expect, test } from "bun:test";
import { noOutput } from "../../test/contract/support/fake-ports.ts";
import {
  type Exit,
  expiresAt,
  type Job,
  type JobState,
  jobStates,
  type StartingJob,
  type StopReason,
} from "./job.ts";
import { type JobEvent, lostWithoutRecord, transition, transitionTable } from "./transitions.ts";

const base = {
  id: "42",
  node: "here",
  owner: "local",
  door: "rexec",
  command: ["true"],
  cwd: null,
  alias: "a",
  mode: "background",
  survive: false,
  tty: null,
  labels: {},
  leftovers: "leave",
  successExitCodes: [0, 3],
  retainSeconds: 60,
  callback: null,
  createdAt: 1_000,
} as const satisfies Omit<StartingJob, "state">;
const exit: Exit = { code: 3, signal: null };
const output = { ...noOutput, stderrTail: "x" };
const outcome = { reason: "exited", code: 0, signal: null, success: true, detail: null } as const;

const starting: StartingJob = { ...base, state: "starting" };
const running = {
  ...base,
  state: "running",
  startedAt: 1_001,
  startedMonotonic: 500,
  pid: 7,
  stop: null,
  exit: null,
} as const satisfies Job;

const jobs: { readonly [State in JobState]: Extract<Job, { state: State }> } = {
  queued: { ...base, state: "queued" },
  starting,
  running,
  ended: {
    ...base,
    state: "ended",
    startedAt: 1_001,
    endedAt: 1_002,
    durationNanoseconds: 5,
    pid: 7,
    outcome,
    output,
  },
  failed: { ...base, state: "failed", endedAt: 1_002, failure: "no" },
  detached: { ...base, state: "detached", startedAt: 1_001, pid: 7 },
  lost: lostWithoutRecord("42", { node: "here", createdAt: 1_000, lostAt: 1_500, retainSeconds: 60 }),
};

const at = { wall: 2_000, monotonic: 1_500 };
const events: { readonly [Type in JobEvent["type"]]: Extract<JobEvent, { type: Type }> } = {
  admitted: { type: "admitted" },
  executed: { type: "executed", at, pid: 7 },
  released: { type: "released", at, pid: 7 },
  refused: { type: "refused", at, failure: "no" },
  stop: { type: "stop", reason: "stopped" },
  exited: { type: "exited", exit },
  finished: { type: "finished", at, output, detail: null },
  reported: {
    type: "reported",
    end: {
      ...{ startedAt: 1_001, endedAt: 2_000, durationNanoseconds: 1, pid: 7, output },
      outcome: { reason: "exited", code: 3, signal: null, success: true, detail: null },
    },
  },
  vanished: { type: "vanished", at, output },
};

/** Nothing happens to a job that is over. */
const over = {
  ...{
    admitted: null,
    executed: null,
    released: null,
    refused: null,
    stop: null,
    exited: null,
    finished: null,
    reported: null,
  },
  vanished: null,
} as const;

/** Every cell: the state after the event, or null where there is none. */
const cells: { readonly [State in JobState]: { readonly [Type in JobEvent["type"]]: JobState | null } } = {
  queued: { ...over, admitted: "starting", refused: "failed", vanished: "lost" },
  starting: { ...over, executed: "running", released: "detached", refused: "failed", vanished: "lost" },
  running: {
    ...over,
    stop: "running",
    exited: "running",
    finished: "ended",
    reported: "ended",
    vanished: "lost",
  },
  ended: over,
  failed: over,
  detached: over,
  lost: over,
};

describe("every cell of state × event", () => {
  for (const state of jobStates) {
    test.each(Object.values(events))(`${state} × $type`, (event) => {
      const before = structuredClone(jobs[state]);
      const next = cells[state][event.type];
      if (next === null)
        expect(() => transition(jobs[state], event)).toThrow(`from ${state} on ${event.type}`);
      else expect(transition(jobs[state], event).state).toBe(next);
      expect(jobs[state]).toEqual(before);
    });
  }

  test("and the table has no other", () => {
    const filled = Object.entries(transitionTable).map(([state, row]) => [state, Object.keys(row).sort()]);
    const expected = Object.entries(cells).map(([state, row]) => {
      const types = Object.entries(row).flatMap(([type, next]) => (next === null ? [] : [type]));
      return [state, types.sort()];
    });
    expect(filled).toEqual(expected);
    expect(Object.keys(transitionTable)).toEqual([...jobStates]);
  });
});

/** The job after these events, from its execution on. */
function after(...more: JobEvent[]): Job {
  return [events.executed, ...more].reduce(transition, starting);
}

const exited = (code: number | null, signal: string | null): JobEvent => ({
  type: "exited",
  exit: (signal === null ? { code, signal } : { code: null, signal }) as Exit,
});
const stop = (reason: StopReason): JobEvent => ({ type: "stop", reason });

describe("the outcome", () => {
  const ended = (...more: JobEvent[]) => {
    const job = after(...more, events.finished);
    return job.state === "ended" ? job.outcome : job.state;
  };

  test.each([
    ["an end with 0", [exited(0, null)], { reason: "exited", code: 0, signal: null, success: true }],
    ["an end with 137", [exited(137, null)], { reason: "exited", code: 137, signal: null, success: false }],
    [
      "a signal",
      [exited(null, "SIGKILL")],
      { reason: "signaled", code: null, signal: "SIGKILL", success: false },
    ],
    [
      "a stop",
      [stop("stopped"), exited(null, "SIGTERM")],
      { reason: "stopped", code: null, signal: "SIGTERM", success: false },
    ],
    [
      "a stop that the command ends well",
      [stop("disconnected"), exited(0, null)],
      { reason: "disconnected", code: 0, signal: null, success: false },
    ],
    [
      "two stops: the first one counts",
      [stop("disconnected"), stop("shutdown"), exited(null, "SIGKILL")],
      { reason: "disconnected", code: null, signal: "SIGKILL", success: false },
    ],
    [
      "a stop after the exit: it had ended by itself",
      [exited(0, null), stop("stopped")],
      { reason: "exited", code: 0, signal: null, success: true },
    ],
    [
      "an end with a code that counts as success",
      [exited(3, null)],
      { reason: "exited", code: 3, signal: null, success: true },
    ],
    [
      "a timeout",
      [stop("timeout"), exited(null, "SIGTERM")],
      { reason: "timeout", code: null, signal: "SIGTERM", success: false },
    ],
    ["no exit that was seen", [], { reason: "lost", code: null, signal: null, success: false }],
    [
      "a stop without an exit that was seen",
      [stop("stopped")],
      { reason: "stopped", code: null, signal: null, success: false },
    ],
  ] as const)("of %s", (_name, more, expected) => {
    expect(ended(...more)).toMatchObject(expected);
  });

  test("holds the detail, and the job what came", () => {
    const finished = { ...events.finished, detail: "2 of its processes could not be killed" };
    expect(after(stop("stopped"), exited(null, "SIGKILL"), finished)).toMatchObject({
      outcome: { detail: "2 of its processes could not be killed" },
      output,
      startedAt: 2_000,
      endedAt: 2_000,
      durationNanoseconds: 0,
    });
  });

  test("of an ended job has no field of a running one", () => {
    const fields = Object.keys(after(exited(0, null), events.finished)).sort();
    expect(fields).toEqual(Object.keys(jobs.ended).sort());
  });
});

describe("a lost job", () => {
  const nothing = {
    reason: "lost" as const,
    code: null,
    signal: null,
    success: false,
    detail: expect.any(String),
  };

  test("keeps what is known and makes nothing up", () => {
    expect(transition(running, events.vanished)).toEqual({
      ...base,
      state: "lost",
      startedAt: 1_001,
      pid: 7,
      lostAt: at.wall,
      outcome: nothing,
      output,
    });
    expect(transition(starting, events.vanished)).toEqual({
      ...base,
      state: "lost",
      startedAt: null,
      pid: null,
      lostAt: at.wall,
      outcome: nothing,
      output,
    });
  });

  test("is one that waited, if it did, as is one that could not be started", () => {
    const queued = { ...jobs.queued, waited: true } as const;
    const admitted = transition(queued, events.admitted);
    for (const event of [events.vanished, events.refused])
      expect([transition(queued, event).waited, transition(admitted, event).waited]).toEqual([true, true]);
    expect("waited" in transition(starting, events.vanished)).toBe(false);
  });

  test("of which nothing but its id is left is all unknown", () => {
    expect(jobs.lost).toMatchObject({
      owner: null,
      command: [],
      outcome: nothing,
    });
  });
});

test("a job expires so long after its end, and never before it", () => {
  const times = Object.fromEntries(jobStates.map((state) => [state, expiresAt(jobs[state])]));
  expect(times).toEqual({
    queued: null,
    starting: null,
    running: null,
    ended: 61_002,
    failed: 61_002,
    detached: 61_001,
    lost: 61_500,
  });
});

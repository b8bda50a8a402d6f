import { describe, expect, test } from "bun:test";
import type { EndedJob, LostJob, Outcome, RunningJob, StartingJob } from "../../core/job.ts";
import { encodeEnded, encodeStarted, encodeUnended, hasOutput } from "./encodeJob.ts";

const base: Omit<StartingJob, "state"> = {
  id: "7",
  node: "here",
  owner: "local",
  door: "flexideo",
  command: ["true"],
  cwd: null,
  alias: null,
  mode: "background",
  survive: false,
  tty: null,
  labels: {},
  leftovers: "leave",
  successExitCodes: [0],
  retainSeconds: 60,
  callback: null,
  createdAt: 0,
};
const whole = { bytes: 0, keptFrom: 0, truncated: false };
const output = { stdout: whole, stderr: whole, stderrTail: "", storedBytes: 0 };
const name = { id: "7", command: "true" };

function ended(outcome: Partial<Outcome>): EndedJob {
  const plain: Outcome = { reason: "exited", code: 0, signal: null, success: false, detail: null };
  const times = { startedAt: 1_000, endedAt: 2_500, durationNanoseconds: 1_500_000_123, pid: 9 };
  return { ...base, ...times, state: "ended", outcome: { ...plain, ...outcome }, output };
}

describe("an ended job", () => {
  test.each([
    [{ success: true }, "ok", 0],
    [{ code: 3 }, "fail", 3],
    [{ reason: "signaled", code: null, signal: "SIGKILL" }, "fail", 137],
    [{ reason: "signaled", code: null, signal: "SIG34" }, "fail", 162],
    [{ reason: "signaled", code: null, signal: "SIGNEW" }, "fail", null],
    [{ reason: "timeout", code: null, signal: "SIGTERM" }, "killed", 143],
    [{ reason: "stopped", code: 0 }, "killed", 0],
    [{ reason: "disconnected", code: 0 }, "killed", 0],
    [{ reason: "shutdown", code: 1 }, "killed", 1],
    [{ reason: "idle", code: null, signal: "SIGTERM" }, "killed", 143],
    [{ reason: "output-limit", code: null, signal: "SIGTERM" }, "killed", 143],
    [{ reason: "timeout", code: null, signal: null }, "killed", null],
  ] as const)("%j: %s, %p", (outcome, status, result) => {
    const job = ended(outcome);
    expect(hasOutput(job)).toBe(true);
    expect(encodeEnded(job, name)).toEqual({
      ...{ status, id: "7", command: "true", result, detail: null, duration: 1_500_000_123 },
      ...{ start: "1970-01-01T00:00:01.000Z", stop: "1970-01-01T00:00:02.500Z" },
    });
  });

  test("whose exit nobody saw is an error without output", () => {
    const job = ended({ reason: "lost", code: null, detail: "its exit was not seen" });
    expect(hasOutput(job)).toBe(false);
    expect(encodeEnded(job, name)).toMatchObject({
      status: "error",
      result: null,
      detail: "the job is lost: its exit was not seen",
    });
  });

  test("that did not keep all says of what", () => {
    const cut = { ...whole, truncated: true };
    const of = (streams: object) =>
      encodeEnded({ ...ended({}), output: { ...output, ...streams } }, name).detail;
    expect(of({ stdout: cut })).toBe("of stdout the beginning alone is kept");
    expect(of({ stdout: cut, stderr: cut })).toBe("of stdout and stderr the beginning alone is kept");
  });
});

describe("any other job", () => {
  const running: RunningJob = {
    ...base,
    state: "running",
    startedAt: 0,
    startedMonotonic: 0,
    pid: 9,
    stop: "timeout",
    exit: null,
  };
  const lost: LostJob = {
    ...base,
    state: "lost",
    startedAt: null,
    pid: null,
    lostAt: 5,
    output: null,
    outcome: { reason: "lost", code: null, signal: null, success: false, detail: "the server ended" },
  };

  test("is told without output", () => {
    const start = "1970-01-01T00:00:00.000Z";
    expect(encodeUnended({ ...base, state: "starting" }, name)).toEqual({
      status: "running",
      ...name,
      start: null,
    });
    // One that is being stopped still runs.
    expect(encodeUnended(running, name)).toEqual({ status: "running", ...name, start });
    expect(encodeUnended({ ...base, state: "failed", endedAt: 3, failure: "why" }, name)).toEqual({
      status: "error",
      ...name,
      detail: "why",
    });
    expect(encodeUnended(lost, name)).toEqual({
      status: "error",
      ...name,
      start: null,
      detail: "the job is lost: the server ended",
    });
    expect(encodeUnended({ ...lost, startedAt: 0 }, name)).toMatchObject({ start });
  });

  test("that was just started is told so, even when it has ended by now", () => {
    const start = "1970-01-01T00:00:01.000Z";
    expect(encodeStarted(ended({}), "running", name)).toEqual({ status: "running", ...name, start });
    expect(
      encodeStarted({ ...base, mode: "detached", state: "detached", startedAt: 1_000, pid: 9 }, "detached", {
        ...name,
        id: null,
      }),
    ).toEqual({
      ...{ status: "detached", id: null, command: "true", start },
    });
  });
});

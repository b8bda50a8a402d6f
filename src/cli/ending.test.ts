import { describe, expect, test } from "bun:test";
import { ErrandError } from "../sdk/errors.ts";
import type { JobRecord, Outcome } from "../sdk/jobTypes.ts";
import { endingOf, signalNumber, startError } from "./ending.ts";

function ended(outcome: Partial<Outcome> | null, more: Partial<JobRecord> = {}): JobRecord {
  const whole = outcome && {
    reason: "exited",
    code: null,
    signal: null,
    success: false,
    detail: null,
    ...outcome,
  };
  return { id: "1", state: "ended", outcome: whole, failure: null, ...more } as JobRecord;
}

describe("the exit code is the command's:", () => {
  test.each([0, 1, 125, 126, 127, 128, 255])("code %i", (code) => {
    expect(endingOf(ended({ code, success: code === 0 }))).toEqual({ exitCode: code, note: null });
  });
  test.each([
    ["SIGHUP", 129],
    ["SIGINT", 130],
    ["SIGKILL", 137],
    ["SIGTERM", 143],
    ["SIG34", 162],
    ["SIGRTMIN+1", 163],
    ["SIGRTMAX-1", 191],
  ])("%s", (signal, exitCode) => {
    expect(endingOf(ended({ reason: "signaled", signal }))).toEqual({ exitCode, note: null });
  });
});

describe("what was stopped is told, and never looks like a success:", () => {
  test.each(["timeout", "idle", "stopped", "disconnected", "shutdown", "output-limit", "lost"] as const)(
    "%s",
    (reason) => {
      expect(endingOf(ended({ reason, code: 0 }))).toEqual({
        exitCode: 125,
        note: expect.stringMatching(/job/),
      });
      expect(endingOf(ended({ reason, code: 3 })).exitCode).toBe(3);
      expect(endingOf(ended({ reason })).exitCode).toBe(125);
      expect(endingOf(ended({ reason, signal: "SIGKILL" })).exitCode).toBe(137);
    },
  );
  test("an end that nobody knows", () => {
    expect(endingOf(ended(null, { state: "detached" }))).toMatchObject({ exitCode: 125 });
    expect(endingOf(ended({ reason: "signaled", signal: "SIGWHAT" })).exitCode).toBe(125);
  });
});

describe("a start that failed ends as in a shell:", () => {
  const words: [string, number][] = [
    ["No such file or directory (os error 2): nosuch (looked up in PATH=/bin)", 127],
    ["No such file or directory (os error 2): /x: its interpreter /no/such", 127],
    ["Permission denied (os error 13): /etc/passwd", 126],
    ["Exec format error (os error 8): /x", 126],
    ["Not a directory (os error 20): /etc/passwd/x", 126],
    ["No such file or directory (os error 2): cwd /nowhere", 125],
    ["the system refused", 125],
  ];
  test.each(words)("%s", (detail, exitCode) => {
    const error = new ErrandError({
      code: "start-failed",
      status: 422,
      detail,
      field: null,
      retryAfterSeconds: null,
    });
    expect(startError(error)).toMatchObject({ exitCode, message: `${detail} (start-failed)` });
    expect(endingOf(ended(null, { state: "failed", failure: detail }))).toEqual({ exitCode, note: detail });
  });
  test("another refusal is none of them", () => {
    const error = new ErrandError({
      code: "unauthorized",
      status: 401,
      detail: "",
      field: null,
      retryAfterSeconds: null,
    });
    expect(startError(error)).toBe(error);
  });
});

test("signals have numbers", () => {
  expect(["SIGTERM", "SIG7", "TERM", "SIG", "SIGTERMINATE", "toString"].map(signalNumber)).toEqual([
    15,
    7,
    null,
    null,
    null,
    null,
  ]);
});

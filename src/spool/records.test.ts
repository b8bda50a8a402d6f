import { describe, expect, test } from "bun:test";
import { assert, constantFrom, integer, maxSafeInteger, option, property, string } from "fast-check";
import { ended, running } from "../../test/support/callback-jobs.ts";
import { type EndedJob, type JobSpec, plainSpec, type StartingJob } from "../core/job.ts";
import { encodeRecord } from "./fixedRecord.ts";
import { currentBoot } from "./identity.ts";
import {
  decodeExit,
  decodeSpec,
  decodeStarted,
  encodeExit,
  encodeSpec,
  encodeStarted,
  exitRecordBytes,
  startedRecord,
  startedRecordBytes,
} from "./records.ts";

const {
  startedAt: _,
  startedMonotonic: _m,
  pid: _p,
  stop: _s,
  exit: _e,
  ...base
} = running({ url: "http://a/" });
const starting: StartingJob = {
  ...base,
  state: "starting",
  alias: "a",
  command: ["echo", "\u00e9 \ud83e\udd8a \u0000 '\"\\ "],
};
const spec: JobSpec = {
  ...plainSpec,
  command: ["echo"],
  env: { SECRET: "hidden value" },
  stdin: Buffer.from("hidden input"),
  runTimeoutSeconds: 1.5,
};

describe("spec.json", () => {
  test("holds the job, and what to run without what may be secret", () => {
    const text = encodeSpec(starting, spec);
    expect(decodeSpec(text)).toEqual({ job: starting, onDisconnect: "kill", bootId: currentBoot() });
    expect(JSON.parse(text)).toMatchObject({
      version: 1,
      spec: { env: ["SECRET"], stdinBytes: 12, runTimeoutSeconds: 1.5 },
    });
    for (const secret of ["hidden", Buffer.from("hidden").toString("base64")])
      expect(text).not.toContain(secret);
  });

  test("that was cut at any byte is none", () => {
    const bytes = Buffer.from(encodeSpec(starting, spec));
    for (let length = 0; length < bytes.byteLength; length += 1) {
      expect([length, decodeSpec(bytes.toString("utf8", 0, length))]).toEqual([length, null]);
    }
  });

  test.each([
    ["of another version", JSON.stringify({ version: 2, job: starting })],
    ["without a version", JSON.stringify({ job: starting })],
    ["without a job", '{"version":1}'],
    ["whose job is none", '{"version":1,"job":7}'],
    ["whose job is null", '{"version":1,"job":null}'],
    ["whose job has another state", JSON.stringify({ version: 1, job: running(null) })],
    ["that is no object", "7"],
    ["that is null", "null"],
    ["that is a list", "[]"],
  ])("%s is none", (_name, text) => {
    expect(decodeSpec(text)).toBeNull();
  });
});

describe("started.json", () => {
  test("names the process by boot, number and start time", () => {
    const block = encodeStarted(startedRecord({ ...running(null), pid: process.pid, startedAt: 42 }));
    expect([block.byteLength, block.at(-1)]).toEqual([startedRecordBytes, 10]);
    const record = decodeStarted(Buffer.from(block).toString());
    expect(record).toMatchObject({ version: 1, pid: process.pid, startedAt: 42, cut: [] });
    expect(record?.startTicks).toBeGreaterThan(0);
    expect(record?.bootId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("of a process that has gone still has its number", () => {
    const record = startedRecord({ ...running(null), pid: 2 ** 30 });
    expect(record).toMatchObject({ pid: 2 ** 30, startTicks: null });
  });

  test("has room for all that it may say", () => {
    const record = { ...startedRecord({ ...running(null), pid: 2 ** 31 - 1, startedAt: 8.64e15 - 0.123 }) };
    const full = { ...record, startTicks: 2 ** 53 - 1, cut: ["stdout", "stderr"] } as const;
    const block = encodeStarted(full);
    expect([block.byteLength, decodeStarted(Buffer.from(block).toString())]).toEqual([
      startedRecordBytes,
      full,
    ]);
  });

  test("is blank before, and says nothing when it is torn or of another version", () => {
    expect(decodeStarted(" ".repeat(startedRecordBytes))).toBeNull();
    expect(decodeStarted('{"version":2,"pid":1,"startedAt":1}')).toBeNull();
    const text = Buffer.from(encodeStarted(startedRecord(running(null))))
      .toString()
      .trimEnd();
    for (let length = 0; length < text.length; length += 1) {
      const torn = text.slice(0, length).padEnd(startedRecordBytes);
      expect([length, decodeStarted(torn)]).toEqual([length, null]);
    }
  });
});

describe("exit", () => {
  const job: EndedJob = {
    ...ended(running(null)),
    endedAt: 1_800_000_000_123.5,
    durationNanoseconds: 2 ** 53 - 1,
    outcome: { reason: "output-limit", code: null, signal: "SIGVTALRM", success: false, detail: "so it was" },
    output: {
      stdout: { bytes: 2 ** 53 - 1, keptFrom: 0, truncated: true },
      stderr: { bytes: null, keptFrom: null, truncated: false },
      stderrTail: "not in the record",
      storedBytes: 2 ** 53 - 1,
    },
  };

  test("says how it ended, in a block of its size", () => {
    const block = encodeExit(job);
    const { startedAt, endedAt, durationNanoseconds, pid, outcome } = job;
    const { stderrTail: _tail, ...output } = job.output;
    const expected = { version: 1, startedAt, endedAt, durationNanoseconds, pid, outcome, output };
    expect<unknown>([block.byteLength, decodeExit(block)]).toEqual([exitRecordBytes, expected]);
  });

  test.each([
    ["ASCII", "x"],
    ["characters of three bytes", "\u20ac"],
    ["pairs of surrogates", "\ud83e\udd8a"],
    ["control characters", "\u0001"],
    ["halves of pairs", "\ud83e"],
    ["quotes", '"'],
  ])("has room for its details, be they long and made of %s", (_name, character) => {
    const outcome = { ...job.outcome, detail: character.repeat(10_000) };
    const detail = decodeExit(encodeExit({ ...job, outcome }))?.outcome.detail;
    expect(detail?.length).toBeGreaterThan(0);
    expect(outcome.detail.startsWith(detail ?? "-") || detail?.endsWith("\ufffd")).toBe(true);
  });

  test("has any end", () => {
    const codes = option(integer({ min: 0, max: 255 }));
    const reasons = constantFrom("exited", "signaled", "stopped", "timeout", "idle", "shutdown", "lost");
    assert(
      property(
        codes,
        reasons,
        maxSafeInteger(),
        string({ maxLength: 30 }),
        (code, reason, number, detail) => {
          const signal = code === null ? "SIGKILL" : null;
          const outcome = { reason, code, signal, success: code === 0, detail } as EndedJob["outcome"];
          const block = encodeExit({ ...job, durationNanoseconds: Math.abs(number), outcome });
          const found = decodeExit(block);
          expect([found?.outcome, found?.durationNanoseconds]).toEqual([outcome, Math.abs(number)]);
        },
      ),
    );
  });

  test("is blank before, and says nothing when it is torn at any byte", () => {
    const block = encodeExit(job);
    const blank = Buffer.alloc(exitRecordBytes, " ");
    expect(decodeExit(blank)).toBeNull();
    const textBytes = Buffer.from(block).toString().trimEnd().length;
    for (let written = 0; written < textBytes; written += 1) {
      const torn = Buffer.concat([block.subarray(0, written), blank.subarray(written)]);
      expect([written, decodeExit(torn)]).toEqual([written, null]);
      expect(decodeExit(block.subarray(0, written))).toBeNull();
    }
  });

  test.each(['{"version":2}', "{}", "7", "null", "no JSON"])("that says %s is none", (text) => {
    expect(decodeExit(encodeRecord(text, exitRecordBytes))).toBeNull();
  });
});

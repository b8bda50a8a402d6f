import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ended, running } from "../../test/support/callback-jobs.ts";
import type { EndedJob } from "../core/job.ts";
import type { OutputStream } from "../core/ports.ts";
import { DataQuota } from "../core/quota.ts";
import { type DirectoryParts, fixedBytes, JobDirectory } from "./jobDirectory.ts";
import { fileNames, storedBytes } from "./layout.ts";
import { decodeExit, decodeStarted, exitRecordBytes, startedRecordBytes } from "./records.ts";
import { readTimeline } from "./timeline.ts";

const start = 1_800_000_000_000;
let jobs: string;
let quota: DataQuota;
let now: number;
let errors: unknown[];
const job = running(null);
const path = () => join(jobs, job.id);
beforeEach(() => {
  jobs = mkdtempSync(join(tmpdir(), "errand-job-"));
  quota = new DataQuota(1e9);
  now = start;
  errors = [];
});
afterEach(() => rmSync(jobs, { recursive: true, force: true }));

function make({ spec = '{"version":1}', ...more }: Partial<DirectoryParts> & { spec?: string } = {}) {
  (more.quota ?? quota).take(fixedBytes(spec.length));
  const parts: DirectoryParts = {
    ...{ path: path(), keptBytes: Number.POSITIVE_INFINITY, limits: { timelineBytes: 1e6 }, quota },
    ...{ wall: () => now, onError: (error) => errors.push(error), ...more },
  };
  return JobDirectory.create(parts, spec);
}

const file = (name: keyof typeof fileNames) => readFileSync(join(path(), fileNames[name]));
const openDescriptors = () => readdirSync("/proc/self/fd").length;
const write = (files: JobDirectory, stream: OutputStream, text: string) =>
  files.write(stream, Buffer.from(text));

/** Ends it as the broker does: the summary goes into the record. */
function finish(files: JobDirectory, output: Partial<EndedJob["output"]> = {}): EndedJob {
  const done = ended(job, start + 10);
  const result = { ...done, output: { ...done.output, ...files.summary(), ...output } };
  files.ended(result);
  return result;
}

describe("a job's directory", () => {
  test("has all its files before the execution, for its user alone", async () => {
    const files = await make({ spec: "the spec" });
    expect(readdirSync(path()).sort()).toEqual([...Object.values(fileNames)].sort());
    const modes = Object.values(fileNames).map((name) => statSync(join(path(), name)).mode & 0o777);
    expect([statSync(path()).mode & 0o777, ...modes]).toEqual([0o700, ...modes.map(() => 0o600)]);
    expect(file("spec").toString()).toBe("the spec");
    // Real bytes, which a full disk cannot refuse later.
    const blank = [file("started"), file("exit")].map((bytes) => [bytes.byteLength, bytes.toString().trim()]);
    expect(blank).toEqual([
      [startedRecordBytes, ""],
      [exitRecordBytes, ""],
    ]);
    for (const name of ["started.json", "exit"])
      expect(statSync(join(path(), name)).blocks).toBeGreaterThan(0);
    files.discard();
  });

  test("tells of the job's life, and of its output", async () => {
    const files = await make();
    files.started({ ...job, pid: process.pid });
    expect(decodeStarted(file("started").toString())).toMatchObject({ pid: process.pid, cut: [] });
    write(files, "stdout", "ab");
    now += 100;
    write(files, "stderr", "cde");
    now += 100;
    write(files, "stdout", "f");
    expect([file("stdout").toString(), file("stderr").toString()]).toEqual(["abf", "cde"]);
    expect(decodeExit(file("exit"))).toBeNull();
    const { outcome, output } = finish(files);
    expect(output).toMatchObject({ stdout: { bytes: 3 }, stderr: { bytes: 3 } });
    const { stderrTail: _, ...sums } = output;
    expect(decodeExit(file("exit"))).toMatchObject({ outcome, output: sums, pid: job.pid });
    const told = readTimeline(file("timeline")).map(({ stream, bytes, at }) => [stream, bytes, at - start]);
    expect<unknown>(told).toEqual([
      ["stdout", 2, 0],
      ["stderr", 3, 100],
      ["stdout", 1, 200],
    ]);
    expect(errors).toEqual([]);
  });

  test("keeps so many bytes of both streams together, and notes each cut where the disk has room already", async () => {
    const files = await make({ keptBytes: 5 });
    files.started(job);
    write(files, "stdout", "abc");
    write(files, "stderr", "defg");
    expect(decodeStarted(file("started").toString())?.cut).toEqual(["stderr"]);
    write(files, "stdout", "h");
    write(files, "stderr", "i");
    write(files, "stdout", "j");
    expect(decodeStarted(file("started").toString())?.cut).toEqual(["stderr", "stdout"]);
    const { output } = finish(files);
    expect([file("stdout").toString(), file("stderr").toString()]).toEqual(["abc", "de"]);
    expect(output).toMatchObject({
      stdout: { bytes: 5, keptFrom: 0, truncated: true },
      stderr: { bytes: 5, keptFrom: 0, truncated: true },
    });
    const cuts = readTimeline(file("timeline")).filter(({ cut }) => cut);
    expect(cuts.map(({ stream }) => stream)).toEqual(["stderr", "stdout"]);
  });

  test("cuts when the quota is used up, and the job can still end", async () => {
    const small = new DataQuota(fixedBytes(1) + 3 * 4_096);
    const files = await make({ spec: "x", quota: small });
    files.started(job);
    write(files, "stdout", "a".repeat(4_096));
    write(files, "stderr", "b");
    write(files, "stdout", "c".repeat(5_000));
    write(files, "stderr", "d".repeat(4_096));
    const { output } = finish(files);
    expect(output.stdout).toEqual({ bytes: 9_096, keptFrom: 0, truncated: true });
    expect(output.stderr).toEqual({ bytes: 4_097, keptFrom: 0, truncated: true });
    expect(decodeExit(file("exit"))?.output.stdout.truncated).toBe(true);
    expect(decodeStarted(file("started").toString())?.cut).toEqual(["stdout", "stderr"]);
    expect(small.usedBytes).toBe(storedBytes(jobs, job.id));
  });

  test("gives up the timeline at its limit, and nothing else", async () => {
    const files = await make({ limits: { timelineBytes: 64 } });
    files.started(job);
    for (let turn = 0; turn < 50; turn += 1) write(files, turn % 2 === 0 ? "stdout" : "stderr", "x");
    finish(files);
    expect([file("timeline").length, file("stdout").length, file("stderr").length]).toEqual([64, 25, 25]);
  });
});

describe("what a directory is counted for", () => {
  test.each([
    [0, 0, 10],
    [1, 0, 10],
    [4_096, 4_097, 10],
    [1_000_000, 123_456, 5_000],
  ])("is what lies on the disk: %d and %d bytes, and a spec of %d", async (out, err, specLength) => {
    const files = await make({ spec: "s".repeat(specLength) });
    files.started(job);
    write(files, "stdout", "o".repeat(out));
    now += 50;
    for (let turn = 0; turn < 300; turn += 1) write(files, turn % 2 === 0 ? "stdout" : "stderr", "");
    write(files, "stderr", "e".repeat(err));
    const { output } = finish(files);
    const measured = storedBytes(jobs, job.id);
    expect([quota.usedBytes, output.storedBytes]).toEqual([measured, measured]);
    // The system agrees: nothing takes more blocks than are counted.
    const blocks = readdirSync(path()).map((name) => statSync(join(path(), name)).blocks * 512);
    expect(blocks.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(measured);
  });

  test("is the same with a long timeline", async () => {
    const files = await make();
    files.started(job);
    for (let turn = 0; turn < 1_000; turn += 1) write(files, turn % 2 === 0 ? "stdout" : "stderr", "x");
    const { output } = finish(files);
    expect(file("timeline").length).toBe(16_000);
    expect([quota.usedBytes, output.storedBytes]).toEqual([storedBytes(jobs, job.id), quota.usedBytes]);
  });
});

describe("descriptors and files", () => {
  test("are let go at the end, and after a start that came to nothing", async () => {
    const before = openDescriptors();
    const first = await make();
    expect(openDescriptors()).toBe(before + Object.keys(fileNames).length);
    first.started(job);
    finish(first);
    expect(openDescriptors()).toBe(before);
    rmSync(path(), { recursive: true });
    const second = await make();
    second.discard();
    second.discard();
    expect([openDescriptors(), existsSync(path())]).toEqual([before, false]);
  });

  test("of a start that came to nothing are counted no more", async () => {
    const files = await make();
    const other = quota.usedBytes - fixedBytes('{"version":1}'.length);
    files.discard();
    expect(quota.usedBytes).toBe(other);
  });

  test("that cannot be made leave nothing behind", async () => {
    const before = openDescriptors();
    const nowhere = join(jobs, "missing", job.id);
    await expect(make({ path: nowhere })).rejects.toMatchObject({ code: "ENOENT" });
    expect([openDescriptors(), readdirSync(jobs)]).toEqual([before, []]);
  });

  test("of another job under the same id are not touched", async () => {
    mkdirSync(path());
    writeFileSync(join(path(), "stdout"), "kept");
    await expect(make()).rejects.toMatchObject({ code: "EEXIST" });
    expect(file("stdout").toString()).toBe("kept");
  });
});

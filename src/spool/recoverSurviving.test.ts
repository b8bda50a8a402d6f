import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ended, running } from "../../test/support/callback-jobs.ts";
import { plainSpec } from "../core/job.ts";
import type { JobFiles } from "../core/ports.ts";
import { DataQuota } from "../core/quota.ts";
import { recoverJob } from "./recover.ts";
import { claimJob, noteFailure } from "./shimRecord.ts";
import { FileSpool } from "./spool.ts";

const now = 1_900_000_000_000;
const job = { ...running(null), survive: true };
let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "errand-recover-"));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

const folder = () => join(data, "jobs", job.id);

/** What there is of the job when nobody has begun with it. */
async function make(): Promise<JobFiles> {
  const limits = { keptOutputBytes: 1e6, timelineBytes: 1e6, dataBytes: 1e8, stderrTailBytes: 100 };
  const quota = new DataQuota(1e8);
  const spool = new FileSpool({ data, limits, quota, wall: () => job.startedAt, onError: () => {} });
  const { startedAt: _, startedMonotonic: _m, pid: _p, stop: _s, exit: _e, ...base } = job;
  return spool.create({ ...base, state: "starting" }, { ...plainSpec, command: ["true"] });
}

describe("a job that had a shim", () => {
  const mark = 2n ** 61n + 7n;
  const shimFile = () => join(folder(), "shim.json");
  const found = () => recoverJob(job.id, { data, now, stderrTailBytes: 100, mayHaveRun: false });

  test("that never claimed it was never executed, and none can claim it afterwards", async () => {
    const files = await make();
    files.summary();
    expect(found()).toEqual({ state: "nothing" });
    expect(existsSync(folder())).toBe(false);
    expect(() => claimJob(folder(), mark)).toThrow();
  });

  test.each(["", "{", null])(
    "whose record is %j after a power failure is lost with what it wrote",
    async (text) => {
      const files = await make();
      files.started(job);
      files.write("stdout", Buffer.from("out"));
      files.write("stderr", Buffer.from("err"));
      if (text !== null) writeFileSync(shimFile(), text);
      expect(found()).toMatchObject({
        state: "settled",
        job: { state: "lost", output: { stdout: { bytes: 3 }, stderrTail: "err" } },
        mark: null,
      });
      expect(readFileSync(join(folder(), "stdout"), "utf8")).toBe("out");
      // And again, when the server that found it so dies before it has noted that.
      expect(found()).toMatchObject({ state: "settled", job: { state: "lost" } });
    },
  );

  test("that could not execute it has failed, and says why", async () => {
    await make();
    claimJob(folder(), mark);
    noteFailure(folder(), "no such program");
    expect(found()).toMatchObject({ state: "settled", job: { state: "failed", failure: "no such program" } });
  });

  test("that lives goes on; the exit record says that it has ended, and its leftovers are not swept", async () => {
    const files = await make();
    claimJob(folder(), mark);
    files.started(job);
    const started = { pid: job.pid, startedAt: job.startedAt };
    expect(found()).toMatchObject({ state: "supervised", job: { id: job.id }, started });
    const done = ended(job);
    files.ended({ ...done, output: { ...done.output, ...files.summary() } });
    expect(found()).toMatchObject({ state: "settled", job: { state: "ended" }, mark: null });
  });

  test("that has gone without an end is lost, and its tree is to be swept", async () => {
    const files = await make();
    claimJob(folder(), mark);
    files.started(job);
    const record = JSON.parse(readFileSync(shimFile(), "utf8")) as { shim: { startTicks: number } };
    record.shim.startTicks += 1;
    writeFileSync(shimFile(), JSON.stringify(record));
    expect(found()).toMatchObject({ state: "settled", job: { state: "lost" }, mark });
  });
});

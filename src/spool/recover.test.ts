import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { snapshot } from "../../test/crash/support/snapshot.ts";
import { ended, running } from "../../test/support/callback-jobs.ts";
import { type EndedJob, type Job, plainSpec, type RunningJob } from "../core/job.ts";
import type { JobFiles } from "../core/ports.ts";
import { DataQuota } from "../core/quota.ts";
import { fileNames, storedBytes } from "./layout.ts";
import { recoverJob } from "./recover.ts";
import { FileSpool } from "./spool.ts";

const now = 1_900_000_000_000;
let data: string;
let job: RunningJob;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "errand-recover-"));
  job = { ...running({ url: "http://a/" }), alias: "a" };
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

const path = (name: keyof typeof fileNames) => join(data, "jobs", job.id, fileNames[name]);
const folder = () => join(data, "jobs", job.id);
const recover = (id = job.id, stderrTailBytes = 100, mayHaveRun = true): Job | null => {
  const found = recoverJob(id, { data, now, stderrTailBytes, mayHaveRun });
  if (found.state === "supervised") throw new Error("nobody supervises this one");
  return found.state === "nothing" ? null : found.job;
};

/** What the last server had of the job when it was killed. */
async function make(keptOutputBytes = 1e6): Promise<JobFiles> {
  const limits = { keptOutputBytes, timelineBytes: 1e6, dataBytes: 1e8, stderrTailBytes: 100 };
  const quota = new DataQuota(1e8);
  const spool = new FileSpool({ data, limits, quota, wall: () => job.startedAt, onError: () => {} });
  const { startedAt: _, startedMonotonic: _m, pid: _p, stop: _s, exit: _e, ...base } = job;
  return spool.create({ ...base, state: "starting" }, { ...plainSpec, command: ["true"] });
}

function write(files: JobFiles, stdout: string, stderr = ""): void {
  files.write("stdout", Buffer.from(stdout));
  files.write("stderr", Buffer.from(stderr));
}

function finish(files: JobFiles, stderrTail: string): EndedJob {
  const done = ended(job);
  const outcome = { reason: "exited", code: 7, signal: null, success: false, detail: null } as const;
  const result = { ...done, outcome, output: { ...done.output, ...files.summary(), stderrTail } };
  files.ended(result);
  return result;
}

describe("a job with its exit record", () => {
  test("has ended just so", async () => {
    const files = await make();
    files.started(job);
    write(files, "out", "err");
    const result = finish(files, "err");
    expect(recover()).toEqual(result);
    expect(recover()?.id).toBe(job.id);
  });

  test("has ended, whatever else is torn", async () => {
    const files = await make();
    files.started(job);
    write(files, "out", "err");
    const result = finish(files, "err");
    for (const name of ["started", "timeline", "stdout"] as const) rmSync(path(name));
    expect(recover()).toEqual(result);
  });

  test("that was torn at any byte is lost, and its end is not made up", async () => {
    const files = await make();
    files.started(job);
    write(files, "out");
    const result = finish(files, "");
    const whole = readFileSync(path("exit"));
    const text = whole.toString().trimEnd().length;
    for (let length = 0; length < text; length += 7) {
      writeFileSync(path("exit"), whole.subarray(0, length).toString().padEnd(whole.length));
      expect([length, recover()?.state]).toEqual([length, "lost"]);
      writeFileSync(path("exit"), whole.subarray(0, length));
      expect([length, recover()?.state]).toEqual([length, "lost"]);
    }
    rmSync(path("exit"));
    expect(recover()?.state).toBe("lost");
    writeFileSync(path("exit"), whole);
    expect(recover()).toEqual(result);
  });
});

describe("a job without one is lost", () => {
  const outcome = { reason: "lost", code: null, signal: null, success: false };

  test("with what is known of its start and its output", async () => {
    const files = await make();
    files.started(job);
    write(files, "out", "error");
    const { startedAt, pid, alias, callback, command } = job;
    expect(recover()).toMatchObject({
      ...{ state: "lost", startedAt, pid, alias, callback, command, lostAt: now, outcome },
      output: {
        stdout: { bytes: 3, keptFrom: 0, truncated: false },
        stderr: { bytes: 5, keptFrom: 0, truncated: false },
        stderrTail: "error",
        storedBytes: storedBytes(join(data, "jobs"), job.id),
      },
    });
    finish(files, "");
  });

  test("without a start when it may have been executed", async () => {
    const files = await make();
    expect(recover()).toMatchObject({ state: "lost", startedAt: null, pid: null, outcome });
    files.discard();
  });

  test("when its server had not noted it, but has written something", async () => {
    const files = await make();
    write(files, "out");
    expect(recover(job.id, 100, false)).toMatchObject({ state: "lost", startedAt: null });
    expect(existsSync(folder())).toBe(true);
    finish(files, "");
  });

  test.each([
    ["another boot", '"bootId":"another"'],
    ["an earlier version", '"later":1'],
  ])("when its server had not noted it, and its spec is of %s", async (_name, text) => {
    const files = await make();
    writeFileSync(path("spec"), readFileSync(path("spec"), "utf8").replace(/"bootId":"[^"]+"/, text));
    expect(recover(job.id, 100, false)).toMatchObject({ state: "lost", startedAt: null });
    files.discard();
  });

  test("with its start, or without: never with half of it", async () => {
    const files = await make();
    files.started(job);
    const whole = readFileSync(path("started"), "utf8");
    for (let length = 0; length <= whole.length; length += 3) {
      writeFileSync(path("started"), whole.slice(0, length).padEnd(whole.length));
      const found = recover();
      const known = length >= whole.trimEnd().length;
      expect(found).toMatchObject({ state: "lost", startedAt: known ? job.startedAt : null, outcome });
    }
    finish(files, "");
  });

  test("and told to be cut where it was", async () => {
    const files = await make(4);
    files.started(job);
    write(files, "abc", "defg");
    const stdout = { bytes: 3, keptFrom: 0, truncated: false };
    const stderr = { bytes: null, keptFrom: 0, truncated: true };
    expect(recover()).toMatchObject({ output: { stdout, stderr, stderrTail: "d" } });
    // Nor does a timeline that could not be written change that.
    truncateSync(path("timeline"), 0);
    expect(recover()).toMatchObject({ output: { stdout, stderr } });
    finish(files, "");
  });

  test("with the last bytes of stderr, from the beginning of a character", async () => {
    const files = await make();
    files.started(job);
    write(files, "", "x\u20ac\u20ac");
    const tail = (most: number) => {
      const found = recover(job.id, most);
      return found?.state === "lost" ? found.output?.stderrTail : undefined;
    };
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8].map(tail)).toEqual([
      ...["", "", "", "\u20ac", "\u20ac", "\u20ac", "\u20ac\u20ac", "x\u20ac\u20ac", "x\u20ac\u20ac"],
    ]);
    finish(files, "");
  });
});

test("a job that its server had not noted as about to be executed was not, and its files are gone", async () => {
  await make();
  expect([recover(job.id, 100, false), existsSync(folder())]).toEqual([null, false]);
});

describe("a directory whose spec was never whole", () => {
  test("is gone, when nothing was executed, whatever byte it was cut at", async () => {
    const files = await make();
    const whole = readFileSync(path("spec"));
    const blank = readFileSync(path("started"));
    files.discard();
    for (let length = 0; length < whole.length; length += 5) {
      mkdirSync(folder());
      writeFileSync(path("spec"), whole.subarray(0, length));
      if (length % 2 === 0) writeFileSync(path("started"), blank);
      if (length % 3 === 0) writeFileSync(path("stdout"), "");
      expect([recover(), existsSync(folder())]).toEqual([null, false]);
    }
    mkdirSync(folder());
    expect([recover(), existsSync(folder())]).toEqual([null, false]);
  });
});

describe("a directory that this program does not know", () => {
  /** It must be refused and left as it is. */
  function expectLeft(): void {
    const before = snapshot(data);
    let found: Job | null | undefined;
    expect(() => {
      found = recover();
    }).toThrow();
    expect([found, snapshot(data)]).toEqual([undefined, before]);
  }

  test.each([
    ["of a newer version", '{"version":2,"job":{"id":"1"},"more":1}'],
    ["without a job", '{"version":1}'],
    ["of another program", '{"hello":"world"}'],
    ["whose job is half a one", '{"version":1,"job":{"id":"1"}}'],
  ])("%s is left as it is", (_name, text) => {
    mkdirSync(folder(), { recursive: true });
    writeFileSync(path("spec"), text);
    writeFileSync(path("stdout"), "");
    expectLeft();
  });

  test("of another job is left as it is", async () => {
    const files = await make();
    const text = readFileSync(path("spec"), "utf8").replaceAll(job.id, "4242");
    writeFileSync(path("spec"), text);
    expectLeft();
    files.discard();
  });

  test.each(["started", "stdout", "stderr", "timeline"] as const)(
    "with a torn spec, but with %s, is left",
    (name) => {
      mkdirSync(folder(), { recursive: true });
      writeFileSync(path("spec"), '{"version":1,"job":');
      writeFileSync(path(name), "something");
      expectLeft();
    },
  );

  test("that cannot be read is left as it is", () => {
    mkdirSync(folder(), { recursive: true });
    mkdirSync(path("spec"));
    writeFileSync(path("stdout"), "output");
    let found: Job | null | undefined;
    expect(() => {
      found = recover();
    }).toThrow();
    expect([found, existsSync(path("stdout"))]).toEqual([undefined, true]);
  });

  test("that is a file is left as it is", () => {
    mkdirSync(join(data, "jobs"));
    writeFileSync(folder(), "no directory");
    expect(() => recover()).toThrow();
    expect(readFileSync(folder(), "utf8")).toBe("no directory");
  });
});

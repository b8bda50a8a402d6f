import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mountRefusal, smallDisk } from "../../test/crash/support/small-disk.ts";
import { snapshot } from "../../test/crash/support/snapshot.ts";
import { ended, running } from "../../test/support/callback-jobs.ts";
import { endEverything } from "../../test/support/cleanup.ts";
import { type JobSpec, plainSpec, type RunningJob, type StartingJob } from "../core/job.ts";
import type { JobFiles } from "../core/ports.ts";
import { DataQuota } from "../core/quota.ts";
import { storedBytes } from "./layout.ts";
import { FileSpool } from "./spool.ts";

const start = 1_800_000_000_000;
let folder: string;
let data: string;
let quota: DataQuota;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "errand-spool-"));
  data = join(folder, "data");
  mkdirSync(data);
  quota = new DataQuota(1e8);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
afterAll(endEverything);

const why = await mountRefusal();
const spec: JobSpec = { ...plainSpec, command: ["true"] };
const bytes = (text: string) => Buffer.from(text);
const jobs = () => join(data, "jobs");

function open({ keptOutputBytes = 1e6, place = data } = {}): FileSpool {
  return new FileSpool({
    ...{ data: place, quota, wall: () => start },
    limits: { keptOutputBytes, timelineBytes: 1e6, dataBytes: quota.limitBytes, stderrTailBytes: 100 },
    onError: (error) => {
      throw error;
    },
  });
}

function asStarting({
  startedAt: _,
  startedMonotonic: _m,
  pid: _p,
  stop: _s,
  exit: _e,
  ...rest
}: RunningJob) {
  return { ...rest, state: "starting" } satisfies StartingJob;
}

interface Kept {
  id: string;
  files: JobFiles;
}

/** A job that has run, with this output. */
async function keep(spool: FileSpool, text: string, more: Partial<JobSpec> = {}): Promise<Kept> {
  const job = running(null);
  const files = await spool.create(asStarting(job), { ...spec, ...more });
  files.started(job);
  files.write("stdout", bytes(text));
  const done = ended(job);
  files.ended({ ...done, output: { ...done.output, ...files.summary() } });
  return { id: job.id, files };
}

async function read(spool: FileSpool, id: string, offset: number, length: number): Promise<string> {
  return Buffer.from(await spool.read(id, "stdout", offset, length)).toString();
}

describe("output", () => {
  test("is read from any place, as far as it goes", async () => {
    const spool = open();
    const { id } = await keep(spool, "0123456789");
    expect([spool.size(id, "stdout"), spool.size(id, "stderr")]).toEqual([10, 0]);
    expect(await read(spool, id, 0, 10)).toBe("0123456789");
    expect(await read(spool, id, 3, 4)).toBe("3456");
    expect(await read(spool, id, 8, 100)).toBe("89");
    expect([
      await read(spool, id, 10, 5),
      await read(spool, id, 1e12, 5),
      await read(spool, id, 2, 0),
    ]).toEqual(["", "", ""]);
  });

  test("is read while it grows", async () => {
    const spool = open();
    const job = running(null);
    const files = await spool.create(asStarting(job), spec);
    let all = "";
    for (let turn = 0; turn < 20; turn += 1) {
      files.write("stdout", bytes(`line ${turn}\n`));
      const size = spool.size(job.id, "stdout") ?? 0;
      all += await read(spool, job.id, all.length, size - all.length);
    }
    expect(all).toBe(Array.from({ length: 20 }, (_, turn) => `line ${turn}\n`).join(""));
    files.discard();
  });

  test("is kept up to the smaller of both limits", async () => {
    const spool = open({ keptOutputBytes: 5 });
    const lengths = [undefined, 3, 5, 9].map(async (outputBytes) => {
      const { id } = await keep(spool, "0123456789", { outputBytes: outputBytes ?? null });
      return spool.size(id, "stdout");
    });
    expect(await Promise.all(lengths)).toEqual([5, 3, 5, 5]);
  });

  test("of a job without files is none, and cannot be read", async () => {
    const spool = open();
    expect(spool.size("77", "stdout")).toBeNull();
    await expect(spool.read("77", "stdout", 0, 1)).rejects.toMatchObject({ code: "ENOENT" });
    const { id } = await keep(spool, "x");
    spool.remove(id);
    expect(spool.size(id, "stdout")).toBeNull();
    await expect(spool.read(id, "stdout", 0, 1)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("the quota", () => {
  test("counts what lies there, from the start to the removal", async () => {
    const spool = open();
    const kept = [await keep(spool, ""), await keep(spool, "x".repeat(10_000))];
    const there = kept.map(({ id }) => storedBytes(jobs(), id));
    expect(quota.usedBytes).toBe(there.reduce((sum, one) => sum + one, 0));
    spool.remove(kept[1]?.id ?? "");
    expect(quota.usedBytes).toBe(there[0] ?? -1);
    spool.remove(kept[0]?.id ?? "");
    expect([quota.usedBytes, readdirSync(jobs())]).toEqual([0, []]);
  });

  test("that is used up refuses the next start, which leaves nothing", async () => {
    quota = new DataQuota(40_000);
    const spool = open();
    await keep(spool, "x".repeat(20_000));
    const before = [quota.usedBytes, readdirSync(jobs()).length];
    const refused = { code: "storage-full", message: expect.stringContaining("of 40000 bytes (dataBytes)") };
    await expect(spool.create(asStarting(running(null)), spec)).rejects.toMatchObject(refused);
    expect([quota.usedBytes, readdirSync(jobs()).length]).toEqual(before);
  });

  test("is given back by a start that the system refuses", async () => {
    const spool = open();
    const job = asStarting(running(null));
    mkdirSync(join(jobs(), job.id));
    await expect(spool.create(job, spec)).rejects.toMatchObject({ code: "EEXIST" });
    expect(quota.usedBytes).toBe(0);
  });

  test.skipIf(why !== undefined)(`agrees with a disk that fills up${why ? ` (${why})` : ""}`, async () => {
    const disk = await smallDisk(256 * 1024);
    const spool = open({ place: disk.path });
    const { id, files } = await keep(spool, "x".repeat(1e6));
    const there = storedBytes(join(disk.path, "jobs"), id);
    expect(files.summary().stdout).toEqual({ bytes: 1e6, keptFrom: 0, truncated: true });
    expect([quota.usedBytes, files.summary().storedBytes]).toEqual([there, there]);
    const full = { code: "storage-full", message: expect.stringContaining("ENOSPC") };
    await expect(spool.create(asStarting(running(null)), spec)).rejects.toMatchObject(full);
    expect([quota.usedBytes, spool.ids()]).toEqual([there, [id]]);
    spool.remove(id);
    expect(quota.usedBytes).toBe(0);
    await keep(spool, "y");
  });
});

describe("ids", () => {
  const wrong = [
    "",
    ".",
    "..",
    "../x",
    "1/../2",
    "0",
    "01",
    "-1",
    "1 ",
    "1\n",
    "1e3",
    "9223372036854775808",
    "stdout",
  ];

  test.each(wrong)("%p names no place", async (id) => {
    const spool = open();
    mkdirSync(join(data, "x"));
    writeFileSync(join(data, "x", "stdout"), "outside");
    const before = snapshot(data);
    expect(() => spool.size(id, "stdout")).toThrow("is no id of a job");
    expect(() => spool.remove(id)).toThrow("is no id of a job");
    await expect(spool.read(id, "stdout", 0, 1)).rejects.toThrow("is no id of a job");
    expect(snapshot(data)).toEqual(before);
  });

  test("are told of all that has a directory, and of nothing else", async () => {
    const spool = open();
    const { id } = await keep(spool, "");
    for (const name of wrong.slice(5, 8)) mkdirSync(join(jobs(), name));
    writeFileSync(join(jobs(), "notes"), "");
    expect(spool.ids()).toEqual([id]);
    rmSync(jobs(), { recursive: true });
    expect(spool.ids()).toEqual([]);
  });
});

describe("removing", () => {
  test("takes the whole directory, and no link leads it elsewhere", async () => {
    const outside = join(folder, "outside");
    mkdirSync(join(outside, "deep"), { recursive: true });
    for (const name of ["stdout", "file", "deep/file"]) writeFileSync(join(outside, name), name);
    const before = snapshot(outside);
    const spool = open();
    const { id } = await keep(spool, "x");
    const other = await keep(spool, "other");
    const own = join(jobs(), id);
    rmSync(join(own, "stdout"));
    symlinkSync(join(outside, "stdout"), join(own, "stdout"));
    symlinkSync(outside, join(own, "folder"));
    symlinkSync("../..", join(own, "up"));
    mkdirSync(join(own, "deep"));
    symlinkSync(join(jobs(), other.id), join(own, "deep", "other"));
    spool.remove(id);
    expect([snapshot(outside), existsSync(own), await read(spool, other.id, 0, 9)]).toEqual([
      before,
      false,
      "other",
    ]);
  });

  test("takes a link in the place of a directory, not what it leads to", () => {
    const outside = join(folder, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "stdout"), "kept");
    const spool = open();
    symlinkSync(outside, join(jobs(), "77"));
    spool.remove("77");
    expect([snapshot(outside), spool.ids()]).toEqual([["stdout: kept"], []]);
  });

  test("of what is not there, or not any more, is no error", async () => {
    const spool = open();
    const { id } = await keep(spool, "x");
    spool.remove("77");
    spool.remove(id);
    spool.remove(id);
    expect(quota.usedBytes).toBe(0);
  });
});

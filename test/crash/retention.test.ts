// Results go when their time is over and not before, the oldest first when the disk is full, and nothing else ever goes.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answering, Receiver } from "../support/callback-receiver.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { run, stop } from "../support/jobs.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import {
  type BackgroundJob,
  background,
  ended,
  look,
  output,
  outputText,
  post,
  ran,
  refusal,
  shell,
} from "./support/background.ts";
import { overConnections } from "./support/keep-alive.ts";
import { snapshot } from "./support/snapshot.ts";

afterAll(endEverything);

const timeoutMilliseconds = 60_000;
const mebibyte = 1024 * 1024;
const folderOf = ({ dataDir }: Server, id: string) => join(dataDir, "jobs", id);
const expiryOf = ({ expiresAt }: BackgroundJob) => Date.parse(expiresAt ?? "");

/** Waits until the job is gone; it must have been told until its time was over, and not longer. */
async function untilExpired(server: Server, job: BackgroundJob): Promise<void> {
  const expiry = expiryOf(job);
  await until(
    async () => {
      const before = Date.now();
      const { status } = await server.request(`/v1/jobs/${job.id}/stdout`);
      if (status === 200) expect(before).toBeLessThan(expiry);
      else expect(Date.now()).toBeGreaterThanOrEqual(expiry);
      return status === 404;
    },
    { describe: "the job to be gone" },
  );
  expect((await server.request(`/v1/jobs/${job.id}`)).status).toBe(404);
  await until(() => !existsSync(folderOf(server, job.id)), { describe: "its files to be gone" });
}

async function listed(server: Server): Promise<string[]> {
  const { jobs } = (await (await server.request("/v1/jobs?limit=500")).json()) as { jobs: BackgroundJob[] };
  return jobs.map(({ id }) => id);
}

describe("a result", () => {
  test("goes with its files when its time is over: its own, or the configured one", async () => {
    const server = await startServer({ config: "[limits]\nretainSeconds = 2\n" });
    const spec = { command: ["echo", "x"] };
    const [short, usual, long] = [
      await ran(server, { ...spec, retainSeconds: 1 }),
      await ran(server, spec),
      await ran(server, { ...spec, retainSeconds: 3_600 }),
    ];
    const kept = [short, usual, long].map((job) => expiryOf(job) - Date.parse(job.endedAt ?? ""));
    expect(kept).toEqual([1_000, 2_000, 3_600_000]);
    await untilExpired(server, short);
    expect(await outputText(server, usual.id, "stdout")).toBe("x\n");
    await untilExpired(server, usual);
    expect(await outputText(server, long.id, "stdout")).toBe("x\n");
    await until(async () => (await listed(server)).join() === long.id, { describe: "the list to tell it" });
  });

  test.each(["in order", "by SIGKILL"])("goes also while no server is there, which ended %s", async (how) => {
    const server = await startServer();
    const spec = { command: ["echo", "x"] };
    const short = await ran(server, { ...spec, retainSeconds: 0.5 });
    const long = await ran(server, spec);
    await (how === "in order" ? server.stop() : server.kill9());
    await until(() => Date.now() >= expiryOf(short), { describe: "its time to be over" });
    const next = await startServer({ dataDir: server.dataDir });
    await untilExpired(next, short);
    expect(await look(next, long.id)).toEqual(long);
    expect(await outputText(next, long.id, "stdout")).toBe("x\n");
  });

  test("stays as long as its callback is to be delivered, then goes", async () => {
    const config = '[callbacks]\nallowPrivate = ["127.0.0.1"]\nretrySeconds = [0.2]\n';
    const tries = Array.from({ length: 90 }, () => "0.2").join(", ");
    const server = await startServer({ config: config.replace("[0.2]", `[${tries}]`) });
    const receiver = await Receiver.start(answering(500));
    const callback = { url: receiver.url("/") };
    const other = await ran(server, { command: ["true"], retainSeconds: 0.5 });
    const { id } = await background(server, { command: ["echo", "x"], retainSeconds: 0.5, callback });
    await ended(server, id);
    await untilExpired(server, other);
    // It expired soon after the other one, which has been noticed; each further try takes a fifth of a second.
    const tried = receiver.received.length;
    await receiver.untilReceived(tried + 10);
    expect(existsSync(folderOf(server, id))).toBe(true);
    receiver.behaviour = answering(204);
    await until(() => !existsSync(folderOf(server, id)), { describe: "its files to be gone" });
    expect(receiver.received.at(-1)?.body).toContain(id);
  });
});

const dataBytes = 16 * mebibyte;
/** What SQLite's log may grow by, and the directory of all jobs, between two looks. */
const toleranceBytes = 2 * mebibyte;
const quota = `[limits]\ndataBytes = ${dataBytes}\n`;

/** What all files below take on the disk. */
function diskUsage(path: string): number {
  let bytes = 0;
  for (const entry of readdirSync(path, { withFileTypes: true, recursive: true })) {
    const stat = statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false });
    bytes += (stat?.blocks ?? 0) * 512;
  }
  return bytes;
}

describe(`a data directory of ${dataBytes} bytes`, () => {
  test(
    "holds under a flood of jobs: the oldest go first",
    async () => {
      const server = await startServer({ config: quota });
      const ids: string[] = [];
      let peak = 0;
      await overConnections(server, { connections: 4, total: 300 }, async (connection, index) => {
        const body = JSON.stringify(shell('head -c 250000 /dev/zero; echo "$1" >&2', String(index)));
        const answer = await connection.request({ method: "POST", path: "/v1/jobs", body });
        expect(answer.status).toBe(201);
        const { id } = JSON.parse(answer.body.toString()) as BackgroundJob;
        ids.push(id);
        await connection.request({ method: "GET", path: `/v1/jobs/${id}?wait=20` });
        if (index % 5 === 0) peak = Math.max(peak, diskUsage(server.dataDir));
      });
      peak = Math.max(peak, diskUsage(server.dataDir));
      const kept = (await listed(server)).reverse();
      console.log(
        `75 MB of output in ${ids.length} jobs: at most ${peak} bytes on disk, ${kept.length} jobs kept`,
      );
      expect(peak).toBeLessThanOrEqual(dataBytes + toleranceBytes);
      // The quota is used, and what is kept is whole.
      expect(kept.length).toBeGreaterThan(30);
      expect(readdirSync(join(server.dataDir, "jobs")).sort()).toEqual([...kept].sort());
      expect(kept).toEqual(ids.sort((one, other) => Number(BigInt(one) - BigInt(other))).slice(-kept.length));
      for (const id of kept) {
        expect(await look(server, id)).toMatchObject({ stdout: { bytes: 250_000, truncated: false } });
      }
    },
    timeoutMilliseconds,
  );

  test(
    "that running jobs hold alone refuses starts, cuts their output, and goes on",
    async () => {
      const server = await startServer({ config: quota });
      const before = await ran(server, { command: ["head", "-c", "1000000", "/dev/zero"] });
      const token = newToken();
      const script = 'head -c 6000000 /dev/zero; exec sleep 120 "$1"';
      const ids: string[] = [];
      for (let turn = 0; turn < 4; turn += 1) ids.push((await background(server, shell(script, token))).id);
      await untilLiving(token, 4);
      const full = async () => (await post(server, { command: ["true"] })).status === 507;
      await until(full, { describe: "the data directory to be full" });
      const refused = await post(server, { command: ["true"] });
      expect(await refusal(refused)).toEqual({ status: 507, code: "storage-full" });
      expect(diskUsage(server.dataDir)).toBeLessThanOrEqual(dataBytes + toleranceBytes);
      // What had ended made room first.
      expect((await server.request(`/v1/jobs/${before.id}`)).status).toBe(404);
      expect((await run(server, ["echo", "x"])).text).toBe("x\n");
      const jobs: BackgroundJob[] = [];
      for (const id of ids) {
        expect((await stop(server, id, 5)).status).toBe(200);
        jobs.push(await ended(server, id));
      }
      const cut = jobs.filter(({ stdout }) => stdout.truncated);
      expect(cut.length).toBeGreaterThanOrEqual(2);
      for (const { id, outcome, stdout } of jobs) {
        expect([outcome?.reason, stdout.bytes]).toEqual(["stopped", 6_000_000]);
        const kept = await output(server, id, "stdout");
        expect(kept.length < 6_000_000).toBe(stdout.truncated);
        expect(kept.equals(Buffer.alloc(kept.length))).toBe(true);
      }
      // Now the oldest of them makes room.
      const after = await ran(server, { command: ["head", "-c", "6000000", "/dev/zero"] });
      expect(after.stdout).toEqual({ bytes: 6_000_000, keptFrom: 0, truncated: false });
      expect((await server.request(`/v1/jobs/${ids[0]}`)).status).toBe(404);
    },
    timeoutMilliseconds,
  );

  test(
    "of many records without files has room for output again",
    async () => {
      const server = await startServer({ config: quota });
      const script = "head -c 65536 /dev/zero | tr '\\0' x >&2";
      await overConnections(server, { connections: 4, total: 300 }, async (connection, index) => {
        const body = JSON.stringify({ alias: `a${index}`, cmd: "/bin/sh", args: ["-c", script] });
        expect((await connection.request({ method: "POST", path: "/process", body })).status).toBe(200);
      });
      const fits = async () => {
        const job = await ran(server, { command: ["head", "-c", "6000000", "/dev/zero"] });
        return !job.stdout.truncated;
      };
      await until(fits, { describe: "room for output" });
      await until(() => diskUsage(server.dataDir) <= dataBytes + toleranceBytes, {
        describe: () => `the quota to hold; there are ${diskUsage(server.dataDir)} bytes`,
      });
      const left = (await listed(server)).length;
      console.log(`300 records of 64 KiB: ${left} are left, ${diskUsage(server.dataDir)} bytes`);
      // Not all had to go for it.
      expect(left).toBeGreaterThan(20);
    },
    timeoutMilliseconds,
  );
});

describe("nothing else is removed", () => {
  /** Things beside and inside the jobs' directories that lead elsewhere, or are no jobs. */
  function plant(jobs: string, id: string, outside: string): void {
    for (const name of ["notes", "0123", "9223372036854775808", ".hidden", "-1"]) {
      mkdirSync(join(jobs, name));
      writeFileSync(join(jobs, name, "file"), name);
    }
    writeFileSync(join(jobs, "file"), "beside");
    symlinkSync(outside, join(jobs, "link"));
    symlinkSync(outside, join(jobs, id, "directory"));
    symlinkSync(join(outside, "file"), join(jobs, id, "file"));
    mkdirSync(join(jobs, id, "deep"));
    symlinkSync("../../../../..", join(jobs, id, "deep", "up"));
    symlinkSync(outside, join(jobs, id, "deep", "stdout"));
  }

  function fill(outside: string, id: string): void {
    for (const name of ["file", "stdout", "stderr", "exit", "timeline"])
      writeFileSync(join(outside, name), name);
    mkdirSync(join(outside, "folder"));
    writeFileSync(join(outside, "folder", "file"), "deep");
    // Even a directory that says it is a job's, but is none of ours.
    writeFileSync(join(outside, "spec.json"), JSON.stringify({ version: 1, job: { id, retainSeconds: 1 } }));
  }

  test("when jobs expire, are forgotten or make room, and when a server starts", async () => {
    const outside = temporaryDirectory("outside");
    const linked = "4611686018427387904";
    fill(outside, linked);
    const before = snapshot(outside);
    const server = await startServer({ config: quota });
    const jobs = join(server.dataDir, "jobs");
    const beside = () =>
      snapshot(jobs).filter((line) => !/^\d{18,19}\b/.test(line) || line.startsWith("92233"));

    const [expiring, forgotten, evicted] = [
      await ran(server, { command: ["echo", "x"], retainSeconds: 1.5 }),
      await ran(server, { command: ["echo", "x"] }),
      await ran(server, { command: ["echo", "x"] }),
    ];
    plant(jobs, forgotten.id, outside);
    const decoys = beside();
    for (const { id } of [expiring, evicted]) {
      symlinkSync(outside, join(jobs, id, "directory"));
      symlinkSync("../../..", join(jobs, id, "up"));
    }
    expect((await server.request(`/v1/jobs/${forgotten.id}`, { method: "DELETE" })).status).toBe(204);
    for (const name of ["..%2F..", "..%2Ffile", "%2e%2e", "0123", "notes", "link", "9223372036854775808"]) {
      expect((await server.request(`/v1/jobs/${name}`, { method: "DELETE" })).status).toBe(404);
      expect((await server.request(`/v1/jobs/${name}/stdout`)).status).toBe(404);
    }
    await untilExpired(server, expiring);
    const gone = async () => {
      await ran(server, { command: ["head", "-c", "4000000", "/dev/zero"] });
      return !existsSync(join(jobs, evicted.id));
    };
    await until(gone, { describe: "room to be made" });
    expect([snapshot(outside), beside()]).toEqual([before, decoys]);

    // A link where a job's directory would be, and a file.
    await server.kill9();
    symlinkSync(outside, join(jobs, linked));
    symlinkSync(temporaryDirectory("empty"), join(jobs, "4611686018427387905"));
    writeFileSync(join(jobs, "4611686018427387906"), "no directory");
    const next = await startServer({ dataDir: server.dataDir, config: quota });
    const response = await next.request(`/v1/jobs/${linked}`, { method: "DELETE" });
    expect([204, 404]).toContain(response.status);
    expect((await ran(next, { command: ["true"] })).outcome).toMatchObject({ code: 0 });
    expect([snapshot(outside), beside()]).toEqual([before, decoys]);
  });
});

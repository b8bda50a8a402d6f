// Results go when their time is over and not before, with their files, and nothing else ever goes.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { endOf, startJob } from "../contract/support/v1-start.ts";
import { attach } from "../support/attach.ts";
import { answering, Receiver } from "../support/callback-receiver.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { run } from "../support/jobs.ts";
import { RawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { type BackgroundJob, listed, look, outputText, ran } from "./support/background.ts";
import { PacedReader } from "./support/paced-reader.ts";
import { snapshot } from "./support/snapshot.ts";

afterAll(endEverything);

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

describe.concurrent("a result", () => {
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
    await untilExpired(server, usual);
    expect(await outputText(server, long.id, "stdout")).toBe("x\n");
    await until(async () => (await listed(server)).join() === long.id, { describe: "the list to tell it" });
  });

  test.each(["in order", "by SIGKILL"])("goes also while no server is there, which ended %s", async (how) => {
    const server = await startServer();
    const spec = { command: ["echo", "x"] };
    const short = await ran(server, { ...spec, retainSeconds: 1.5 });
    const long = await ran(server, spec);
    await (how === "in order" ? server.stop() : server.kill9());
    await until(() => Date.now() >= expiryOf(short), { describe: "its time to be over" });
    const next = await startServer({ dataDir: server.dataDir });
    await untilExpired(next, short);
    expect(await look(next, long.id)).toEqual(long);
    expect(await outputText(next, long.id, "stdout")).toBe("x\n");
  });

  test("stays as long as its callback is to be delivered, then goes", async () => {
    const waits = Array.from({ length: 90 }, () => "0.2").join(", ");
    const config = `[callbacks]\nallowPrivate = ["127.0.0.1"]\nretrySeconds = [${waits}]\n`;
    const server = await startServer({ config });
    const receiver = await Receiver.start(answering(500));
    const callback = { url: receiver.url("/") };
    const job = await ran(server, { command: ["echo", "x"], retainSeconds: 1.5, callback });
    const { id } = job;
    await until(() => Date.now() >= expiryOf(job), { describe: "its time to be over" });
    // Each takes a fifth of a second, and expired jobs are looked for every second.
    const tried = receiver.received.length;
    await receiver.untilReceived(tried + 8);
    expect(existsSync(folderOf(server, id))).toBe(true);
    receiver.behaviour = answering(204);
    await until(() => !existsSync(folderOf(server, id)), { describe: "its files to be gone" });
    expect(receiver.received.at(-1)?.body).toContain(id);
  });

  test("that goes while it is read cuts the answer, visibly", async () => {
    const server = await startServer();
    const { id } = await ran(server, {
      command: ["head", "-c", "20000000", "/dev/zero"],
      retainSeconds: 3_600,
    });
    const readers = [1, 2].map(() => new PacedReader(server, `/v1/jobs/${id}/stdout`));
    for (const reader of readers) await reader.headAlone();
    expect((await server.request(`/v1/jobs/${id}`, { method: "DELETE" })).status).toBe(204);
    for (const reader of readers) {
      await reader.readAll(10_000);
      expect([reader.length, reader.received < 20_000_000]).toEqual([20_000_000, true]);
    }
    expect((await run(server, ["echo", "x"])).text).toBe("x\n");
    expect(server.logLines().filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });

  test("that goes while it is followed ends in a cut, or comes whole: never short, never twice", async () => {
    const server = await startServer();
    const bytes = 20_000_000;
    const { id } = await startJob(server, { shell: `read go; head -c ${bytes} /dev/zero`, stdin: "open" });
    const { host, port } = server;
    const raw = new RawConnection(connect({ host, port }));
    raw.send(requestBytes(server, { method: "GET", path: `/v1/jobs/${id}/stdout?follow=true` }));
    await raw.untilHead();
    raw.pause();
    await server.request(`/v1/jobs/${id}/stdin`, { method: "PUT", body: "go\n" });
    await endOf(server, id);
    const attached = await attach(server, id, { digest: true });
    attached.socket.pause();
    expect((await server.request(`/v1/jobs/${id}`, { method: "DELETE" })).status).toBe(204);
    raw.resume();
    attached.socket.resume();
    const answer = await raw.untilAnswered();
    expect([answer.complete, answer.body.length < bytes]).toEqual([false, true]);
    expect(await attached.untilClosed()).toBe(1000);
    expect([attached.outputBytes, attached.messages.at(-1)?.type]).toEqual([bytes, "ended"]);
  });
});

/** Room for a few of the jobs here. */
const quota = "[limits]\ndataBytes = 16777216\n";

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

// A data directory that is full: the oldest results go first, then starts are refused; what runs is cut, not the server.
import { afterAll, describe, expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { answering, Receiver } from "../support/callback-receiver.ts";
import { run, stop } from "../support/jobs.ts";
import { argumentsOf } from "../support/proc.ts";
import { newToken, withToken } from "../support/processes.ts";
import { endEverything, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import {
  type BackgroundJob,
  background,
  ended,
  listed,
  look,
  output,
  outputText,
  post,
  ran,
  refusal,
  shell,
} from "./support/background.ts";
import { overConnections } from "./support/keep-alive.ts";

afterAll(endEverything);

const timeoutMilliseconds = 60_000;
const mebibyte = 1024 * 1024;
const dataBytes = 16 * mebibyte;
/** What SQLite's log may grow by, and the directory of all jobs, between two looks. */
const toleranceBytes = mebibyte + mebibyte / 2;
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
      const config = `${quota}[callbacks]\nallowPrivate = ["127.0.0.1"]\nretrySeconds = [3600]\n`;
      const server = await startServer({ config });
      const receiver = await Receiver.start(answering(500));
      const callback = { url: receiver.url("/") };
      const waiting = await ran(server, { command: ["echo", "x"], callback });
      await receiver.untilReceived(1);
      const ids: string[] = [];
      let peak = 0;
      await overConnections(server, { connections: 4, total: 100 }, async (connection, index) => {
        const body = JSON.stringify(shell('head -c 500000 /dev/zero; echo "$1" >&2', String(index)));
        const answer = await connection.request({ method: "POST", path: "/v1/jobs", body });
        expect(answer.status).toBe(201);
        const { id } = JSON.parse(answer.body.toString()) as BackgroundJob;
        ids.push(id);
        await connection.request({ method: "GET", path: `/v1/jobs/${id}?wait=20` });
        if (index % 5 === 0) peak = Math.max(peak, diskUsage(server.dataDir));
      });
      peak = Math.max(peak, diskUsage(server.dataDir));
      const [first, ...kept] = (await listed(server)).reverse();
      console.log(
        `50 MB of output in ${ids.length} jobs: at most ${peak} bytes on disk, ${kept.length} jobs kept`,
      );
      expect(peak).toBeLessThanOrEqual(dataBytes + toleranceBytes);
      // It is the oldest, but its callback is still to be delivered.
      expect([first, await outputText(server, waiting.id, "stdout")]).toEqual([waiting.id, "x\n"]);
      // The quota is used, and what is kept is whole.
      expect(kept.length).toBeGreaterThan(20);
      expect(readdirSync(join(server.dataDir, "jobs")).sort()).toEqual([waiting.id, ...kept].sort());
      expect(kept).toEqual(ids.sort((one, other) => Number(BigInt(one) - BigInt(other))).slice(-kept.length));
      for (const id of kept) {
        expect(await look(server, id)).toMatchObject({ stdout: { bytes: 500_000, truncated: false } });
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
      // Each has printed all when it is `sleep`.
      const printed = () => withToken(token).filter((pid) => argumentsOf(pid)[0] === "sleep").length === 4;
      await until(printed, { describe: "four jobs to have printed all" });
      // Small ones fit in beside, as long as they do not end.
      let refused = await post(server, { command: ["sleep", "120", token] });
      for (let tries = 0; tries < 100 && refused.status === 201; tries += 1) {
        refused = await post(server, { command: ["sleep", "120", token] });
      }
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
      // Records are looked at once a second: until then a start may be refused, or cut.
      const fits = async () => {
        const response = await post(server, { command: ["head", "-c", "6000000", "/dev/zero"] });
        if (response.status === 507) return false;
        const { id } = (await response.json()) as BackgroundJob;
        return !(await ended(server, id)).stdout.truncated;
      };
      await until(fits, { describe: "room for output" });
      await until(() => diskUsage(server.dataDir) <= dataBytes, {
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

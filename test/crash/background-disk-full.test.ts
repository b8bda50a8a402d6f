// R6: the disk is full. Ends are exact, cut output is told to be cut, and the server answers and goes on.
import { afterAll, describe, expect, test } from "bun:test";
import { run } from "../support/jobs.ts";
import { argumentsOf, isLiving } from "../support/proc.ts";
import { newToken, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import {
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
import { mountRefusal, smallDisk } from "./support/small-disk.ts";

afterAll(endEverything);

const times = 5;
/** So often each kind of end. */
const rounds = count(1, 10);
const diskBytes = 1024 * 1024;
/** More than fits, in numbered lines. */
const flood = `'${program("print-bytes")}' 2000000`;
const why = await mountRefusal();

/** What the flood prints. */
function numbered(bytes: number): Buffer {
  const lines = Array.from({ length: bytes / 16 + 1 }, (_, line) => `${String(line).padStart(15, "0")}\n`);
  return Buffer.from(lines.join("")).subarray(0, bytes);
}

const ends = [
  ["exit 0", { reason: "exited", code: 0, signal: null, success: true }],
  ["exit 7", { reason: "exited", code: 7, signal: null, success: false }],
  ["exit 255", { reason: "exited", code: 255, signal: null, success: false }],
  ["kill -TERM $$", { reason: "signaled", code: null, signal: "SIGTERM", success: false }],
  ["kill -KILL $$", { reason: "signaled", code: null, signal: "SIGKILL", success: false }],
] as const;

async function expectCut(server: Server, id: string): Promise<void> {
  const kept = await output(server, id, "stdout");
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.length).toBeLessThan(diskBytes);
  expect(kept.equals(numbered(kept.length))).toBe(true);
}

/** Removes the job, and waits until the disk takes another one whole. */
async function forget(server: Server, id: string): Promise<void> {
  expect((await server.request(`/v1/jobs/${id}`, { method: "DELETE" })).status).toBe(204);
  const job = await ran(server, { shell: "echo out; echo err >&2; exit 3" });
  expect(job).toMatchObject({
    outcome: { reason: "exited", code: 3 },
    stdout: { bytes: 4, truncated: false },
  });
  expect(await outputText(server, job.id, "stdout")).toBe("out\n");
  expect((await server.request(`/v1/jobs/${job.id}`, { method: "DELETE" })).status).toBe(204);
}

describe.skipIf(why !== undefined)(`R6 on a disk of ${diskBytes} bytes${why ? ` (${why})` : ""}`, () => {
  test(
    `${times * rounds} jobs that write more than fits, one after the other`,
    async () => {
      const disk = await smallDisk(diskBytes);
      const server = await startServer({ dataDir: disk.data });
      for (const [end, outcome] of Array.from({ length: rounds }, () => ends).flat()) {
        const job = await ran(server, { shell: `${flood}; ${end}` });
        const stdout = { bytes: 2_000_000, keptFrom: 0, truncated: true };
        expect(job).toMatchObject({ state: "ended", outcome, stdout, stderr: { truncated: false } });
        disk.fill();
        expect(await look(server, job.id)).toEqual(job);
        await expectCut(server, job.id);
        expect((await run(server, ["echo", "x"])).text).toBe("x\n");
        const refused = await post(server, { command: ["true"] });
        expect(await refusal(refused)).toEqual({ status: 507, code: "storage-full" });
        disk.free();
        await forget(server, job.id);
      }
      expect(server.logLines().filter(({ level }) => level === 60)).toEqual([]);
      report(
        "R6",
        `${times * rounds} jobs cut by a full disk: ends exact, told to be cut, the server answers`,
      );
    },
    patience(40_000),
  );

  test("jobs that run when it fills up go on, and end as they end", async () => {
    const disk = await smallDisk(diskBytes);
    const server = await startServer({ dataDir: disk.data });
    const token = newToken();
    const gate = `${disk.data}/gate`;
    const script = `echo before; '${program("wait-for-file")}' "$1" "$2"; ${flood}; exit "$3"`;
    const ids: string[] = [];
    for (let code = 0; code < times; code += 1) {
      const spec = { ...shell(script, token, gate, String(code)), alias: `a${code}` };
      ids.push((await background(server, spec)).id);
    }
    const said = async () => {
      const texts = await Promise.all(ids.map((id) => outputText(server, id, "stdout")));
      return texts.every((text) => text === "before\n");
    };
    await until(said, { describe: "the first line of each" });
    disk.fill();
    // It needs no block of its own.
    expect(Bun.spawnSync(["ln", "-s", "/", gate]).exitCode).toBe(0);
    for (const [code, id] of ids.entries()) {
      const stdout = { bytes: 2_000_007, truncated: true };
      expect(await ended(server, id)).toMatchObject({ outcome: { reason: "exited", code }, stdout });
      const kept = await outputText(server, id, "stdout");
      expect(`before\n${numbered(kept.length)}`.startsWith(kept)).toBe(true);
    }
    expect((await run(server, ["echo", "x"], { alias: "a0" })).text).toBe("x\n");
    disk.free();
    for (const id of ids) await forget(server, id);
  }, 20_000);

  test("what expires meanwhile goes, and the server lives", async () => {
    const disk = await smallDisk(diskBytes);
    const server = await startServer({ dataDir: disk.data });
    const { id } = await ran(server, { shell: `${flood}; exit 7`, retainSeconds: 2 });
    disk.fill();
    const gone = async () => (await server.request(`/v1/jobs/${id}`)).status === 404;
    await until(gone, { describe: "the job to be gone" });
    // Its files make room again, though the disk was full when they went.
    const runs = async () => (await post(server, { command: ["true"] })).status === 201;
    await until(runs, { describe: "room for another job" });
    expect(isLiving(server.pid)).toBe(true);
    expect(server.logLines().filter(({ level }) => level === 60)).toEqual([]);
  });

  test.each(ends)(
    "a server that is killed after %p leaves the end in the exit record",
    async (end, outcome) => {
      const disk = await smallDisk(diskBytes);
      const server = await startServer({ dataDir: disk.data });
      disk.fill(8 * 4_096);
      const job = await ran(server, { shell: `${flood}; ${end}`, alias: "a" });
      expect(job).toMatchObject({ outcome, stdout: { truncated: true } });
      disk.fill();
      await server.kill9();
      // The next one finds the disk as full.
      const next = await startServer({ dataDir: disk.data });
      expect(await look(next, job.id)).toEqual(job);
      await expectCut(next, job.id);
      expect((await run(next, ["echo", "x"], { alias: "a" })).text).toBe("x\n");
      disk.free();
      await forget(next, job.id);
      expect(await look(next, job.id).catch(String)).toContain("404");
    },
  );

  test("a server that is killed while a job is being cut leaves a lost one that is told to be cut", async () => {
    const disk = await smallDisk(diskBytes);
    const server = await startServer({ dataDir: disk.data });
    disk.fill(8 * 4_096);
    const token = newToken();
    const { id } = await background(server, {
      ...shell(`${flood}; exec sleep 120 "$1"`, token),
      survive: false,
    });
    // By then all but a pipe's content has been read, which is far more than the disk holds.
    await until(() => withToken(token).some((pid) => argumentsOf(pid)[0] === "sleep"));
    await server.kill9();
    disk.free();
    const next = await startServer({ dataDir: disk.data });
    const stdout = { bytes: null, keptFrom: 0, truncated: true };
    expect(await look(next, id)).toMatchObject({
      state: "lost",
      outcome: { reason: "lost", code: null },
      stdout,
    });
    await expectCut(next, id);
  });

  test("a server that is full from its first moment on refuses and lives", async () => {
    const disk = await smallDisk(diskBytes);
    const server = await startServer({ atRest: true, dataDir: disk.data });
    disk.fill();
    expect((await run(server, ["echo", "x"])).text).toBe("x\n");
    const descriptors = server.openDescriptors();
    for (let turn = 0; turn < 20; turn += 1) {
      const refused = await post(server, { command: ["true"], alias: "same" });
      expect(await refusal(refused)).toEqual({ status: 507, code: "storage-full" });
    }
    const few = () => server.openDescriptors() <= descriptors + 2;
    await until(few, { describe: () => `about ${descriptors} descriptors, not ${server.openDescriptors()}` });
    disk.free();
    expect(await ran(server, { shell: "exit 9" })).toMatchObject({ outcome: { code: 9 } });
  });
});

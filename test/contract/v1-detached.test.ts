// Contract v1, `mode: "detached"`: started and let go; whatever becomes of the server, the command runs on.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { job } from "../support/jobs.ts";
import {
  allProcesses,
  environmentOf,
  groupOf,
  isLiving,
  parentOf,
  readProcess,
  sessionOf,
} from "../support/proc.ts";
import { killByToken, newToken, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { list, timePattern } from "./support/v1.ts";
import { startJob } from "./support/v1-start.ts";

let server: Server;
let home: string;
beforeAll(async () => {
  home = temporaryDirectory("detached");
  server = await startServer({ cwd: home });
});
afterAll(endEverything);

async function letGo(of: Server, name = "run-for-ever") {
  const token = newToken();
  return { token, job: await startJob(of, { command: [program(name), token], mode: "detached" }) };
}

describe("the record", () => {
  test("says that it was started, and nothing of an end", async () => {
    const { token, job: started } = await letGo(server);
    const time = expect.stringMatching(timePattern);
    const unknown = { bytes: null, keptFrom: null, truncated: false };
    expect(started as unknown).toMatchObject({
      ...{ mode: "detached", state: "detached", survive: false, alias: null, owner: "local" },
      ...{ outcome: null, failure: null, createdAt: time, startedAt: time, endedAt: null, expiresAt: time },
      ...{ durationNanoseconds: null, pid: expect.any(Number), callback: null },
      ...{ stdout: unknown, stderr: unknown, stderrTail: null },
    });
    expect((await job(server, started.id)) as unknown).toEqual(started);
    expect((await list(server, "?state=detached")).jobs[0] as unknown).toEqual(started);
    expect((await list(server, "?state=running")).jobs).toEqual([]);
    // There is no end to wait for.
    expect((await job(server, started.id, 300)) as unknown).toEqual(started);
    await killByToken(token);
    expect((await job(server, started.id)) as unknown).toEqual(started);
  });

  test("is kept for its time", async () => {
    const { startedAt, expiresAt } = await startJob(server, {
      ...{ command: ["true"], mode: "detached", retainSeconds: 60 },
    });
    expect(Date.parse(expiresAt ?? "") - Date.parse(startedAt ?? "")).toBe(60_000);
  });

  test("counts no longer among the running jobs", async () => {
    const small = await startServer({ env: { ERRAND_LIMITS_MAX_RUNNING_JOBS: "1" } });
    const many = [await letGo(small), await letGo(small), await letGo(small)];
    for (const { token } of many) await untilLiving(token, 1);
  });
});

describe("the command", () => {
  test("has a session of its own, nothing of the server's open, and the environment of every job", async () => {
    const token = newToken();
    // A shell would add variables of its own.
    const started = await startJob(server, { command: ["sleep", "120", token], mode: "detached" });
    const pid = started.pid ?? 0;
    expect(await untilLiving(token, 1)).toEqual([pid]);
    expect([sessionOf(pid), groupOf(pid)]).toEqual([pid, pid]);
    for (const descriptor of [0, 1, 2])
      expect(readlinkSync(`/proc/${pid}/fd/${descriptor}`)).toBe("/dev/null");
    expect(
      environmentOf(pid)
        .filter(Boolean)
        .map((entry) => entry.split("=", 1)[0])
        .sort(),
    ).toEqual(["HOME", "LANG", "PATH", "SHELL", "USER"]);
    // It carries no mark, by which a sweep would find it.
    expect(readProcess(pid, "limits")).toMatch(/^Max realtime timeout\s+unlimited\s+unlimited/m);
    await killByToken(token);
  });

  test("gets its directory, its variables and its input", async () => {
    const proof = join(home, "proof");
    const shell = `{ pwd -P; echo "$NAME"; cat; } >proof.new && mv proof.new proof`;
    await startJob(server, {
      shell,
      mode: "detached",
      cwd: home,
      env: { NAME: "own" },
      stdin: { text: "input" },
    });
    const written = () => {
      try {
        return readFileSync(proof, "utf8");
      } catch {
        return undefined;
      }
    };
    expect(await until(written, { describe: "the proof" })).toBe(`${home}\nown\ninput`);
  });

  test("that has ended leaves no zombie", async () => {
    const { pid } = await startJob(server, { command: ["true"], mode: "detached" });
    await until(() => !allProcesses().includes(pid ?? 0), { describe: "the process to be reaped" });
  });

  test("may write as much as it likes", async () => {
    const token = newToken();
    const shell = `head -c 1048576 /dev/zero; head -c 1048576 /dev/zero >&2; exec sleep 120 ${token}`;
    await startJob(server, { shell, mode: "detached" });
    await untilLiving(token, 1);
    await killByToken(token);
  });
});

describe("outlives", () => {
  test("the orderly end of the server, which does not wait for it", async () => {
    // For a running job it would wait longer than this test may take.
    const first = await startServer({ env: { ERRAND_LIMITS_SHUTDOWN_DRAIN_SECONDS: "600" } });
    const { token, job: started } = await letGo(first, "setsid-child");
    await untilLiving(token, 2);
    expect(await first.stop()).toBe(0);
    await untilLiving(token, 2);
    const second = await startServer({ dataDir: first.dataDir });
    expect((await job(second, started.id)) as unknown).toEqual(started);
    expect(withToken(token)).toHaveLength(2);
    await killByToken(token);
  });

  test("the death of the server, and the next one does not touch it", async () => {
    const first = await startServer();
    const { token, job: started } = await letGo(first, "child");
    const kept = newToken();
    await startJob(first, { command: [program("child"), kept], survive: false });
    await untilLiving(token, 2);
    await untilLiving(kept, 2);
    await first.kill9();
    // What was not let go ends with the server.
    await untilLiving(kept, 0);
    const second = await startServer({ dataDir: first.dataDir });
    expect((await job(second, started.id)) as unknown).toEqual(started);
    expect(withToken(token)).toHaveLength(2);
    expect(await second.stop()).toBe(0);
    expect(withToken(token)).toHaveLength(2);
    await killByToken(token);
  });

  test("a death right behind the answer, and so does its record, each time", async () => {
    let dataDir: string | undefined;
    const all: { id: string; pid: number; token: string }[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const own: Server = await startServer(dataDir === undefined ? {} : { dataDir });
      dataDir = own.dataDir;
      const { token, job: started } = await letGo(own);
      await own.kill9();
      all.push({ id: started.id, pid: started.pid ?? 0, token });
    }
    const last = await startServer(dataDir === undefined ? {} : { dataDir });
    for (const { id, pid, token } of all) {
      expect(await job(last, id)).toMatchObject({ state: "detached", pid, outcome: null });
      expect([isLiving(pid), parentOf(pid) === last.pid]).toEqual([true, false]);
      await killByToken(token);
    }
    expect((await list(last, "?state=lost")).jobs).toEqual([]);
  });
});

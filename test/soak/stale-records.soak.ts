// R4: numbers of processes are used again; whoever has one now is no job's, and is never signalled.
import { afterAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readShimRecord } from "../../src/spool/shimRecord.ts";
import { look } from "../crash/support/background.ts";
import { atOnce, directoryOf, shimOf, survivor, untilDead } from "../crash/support/surviving.ts";
import { atEnd, temporaryDirectory } from "../support/cleanup.ts";
import { stop } from "../support/jobs.ts";
import { isLiving, signal } from "../support/proc.ts";
import { killByToken, newToken, untilLiving } from "../support/processes.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

afterAll(endEverything);

const records = count(20, 200);
const bystanders = 10;
/** Another process may be quicker to take the number. */
const triesToReuse = 50;
const lastPid = "/proc/sys/kernel/ns_last_pid";
/** All that a program can notice. */
const signals =
  "HUP INT QUIT USR1 USR2 PIPE ALRM TERM STKFLT CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR";

/** A stranger that notes every signal that it gets. */
class Bystander {
  readonly process: Bun.Subprocess;
  readonly #notes: string;

  constructor(folder: string, name: string) {
    this.#notes = join(folder, name);
    const traps = signals.split(" ").map((one) => `trap 'echo ${one} >> "$1"' ${one}`);
    const script = `${traps.join("\n")}\nwhile :; do sleep 1; done`;
    this.process = Bun.spawn(["setsid", "sh", "-c", script, "sh", this.#notes], {
      stdio: ["ignore", "ignore", "ignore"],
    });
    atEnd(async () => this.process.kill("SIGKILL"));
  }

  get pid(): number {
    return this.process.pid;
  }

  /** The signals that it has got. */
  heard(): string {
    if (!isLiving(this.pid)) return "it was ended";
    return existsSync(this.#notes) ? readFileSync(this.#notes, "utf8") : "";
  }
}

/** Jobs whose server, shims and trees are all gone, by SIGKILL, so that nothing is on record of their ends. */
async function deadJobs(many: number): Promise<{ server: Server; ids: string[] }> {
  const token = newToken();
  const server = await startServer();
  const ids: string[] = [];
  await atOnce(Array.from({ length: many }), 4, async () => {
    ids.push((await survivor(server, { command: ["sleep", "1000", token] })).id);
  });
  await untilLiving(token, many);
  await server.kill9();
  const shims = ids.map((id) => shimOf(server, id));
  for (const pid of shims) signal(pid, "SIGKILL");
  await untilDead(shims);
  await killByToken(token);
  return { server, ids };
}

async function expectAllLost(server: Server, ids: readonly string[]): Promise<Server> {
  const next = await startServer({ dataDir: server.dataDir });
  for (const id of ids) {
    expect(await look(next, id)).toMatchObject({ state: "lost", outcome: { code: null, signal: null } });
    // It is as good as told to stop what is there: there is nothing that it may touch.
    expect((await stop(next, id, 0)).status).not.toBe(500);
  }
  return next;
}

test(
  `R4: ${records} records with the numbers of ${bystanders} strangers`,
  async () => {
    const folder = temporaryDirectory("strangers");
    const strangers = Array.from({ length: bystanders }, (_, index) => new Bystander(folder, String(index)));
    const { server, ids } = await deadJobs(records);
    for (const [index, id] of ids.entries()) {
      const pid = strangers[index % bystanders]?.pid ?? 0;
      const directory = directoryOf(server, id);
      const record = readShimRecord(directory);
      if (record?.state !== "claimed") throw new Error(`${id}: ${JSON.stringify(record)}`);
      writeFileSync(
        join(directory, "shim.json"),
        JSON.stringify({ ...record, shim: { ...record.shim, pid } }),
      );
      const started = join(directory, "started.json");
      const text = readFileSync(started, "utf8");
      const value = { ...(JSON.parse(text) as object), pid };
      writeFileSync(started, JSON.stringify(value).padEnd(text.length));
    }
    const next = await expectAllLost(server, ids);
    await next.stop();
    expect(strangers.map((stranger) => stranger.heard())).toEqual(strangers.map(() => ""));
    report("R4", `${ids.length} stale records, 0 stray signals`);
  },
  patience(60_000),
);

/** Starts strangers until one has that number. */
async function reuse(pid: number, folder: string): Promise<Bystander | null> {
  await until(() => !existsSync(`/proc/${pid}`), { describe: `the number ${pid} to be free` });
  for (let turn = 0; turn < triesToReuse; turn += 1) {
    writeFileSync(lastPid, String(pid - 1));
    const stranger = new Bystander(folder, `${pid}-${turn}`);
    if (stranger.pid === pid) return stranger;
    stranger.process.kill("SIGKILL");
    await stranger.process.exited;
  }
  return null;
}

function mayChooseNumbers(): boolean {
  try {
    writeFileSync(lastPid, readFileSync(lastPid));
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!mayChooseNumbers())(
  `R4: numbers of shims and commands that strangers have been given`,
  async () => {
    const folder = temporaryDirectory("strangers");
    const { server, ids } = await deadJobs(bystanders);
    const strangers: Bystander[] = [];
    for (const [index, id] of ids.entries()) {
      const started = readFileSync(join(directoryOf(server, id), "started.json"), "utf8");
      const command = (JSON.parse(started) as { pid: number }).pid;
      const stranger = await reuse(index % 2 === 0 ? shimOf(server, id) : command, folder);
      if (stranger !== null) strangers.push(stranger);
    }
    expect(strangers.length).toBeGreaterThan(0);
    await until(() => strangers.every(({ pid }) => isLiving(pid)));
    const next = await expectAllLost(server, ids);
    await next.stop();
    expect(strangers.map((stranger) => stranger.heard())).toEqual(strangers.map(() => ""));
    report("R4", `${strangers.length} of ${ids.length} numbers really given to strangers, 0 stray signals`);
  },
  patience(60_000),
);

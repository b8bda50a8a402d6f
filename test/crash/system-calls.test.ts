// R5: a crash at any system call of a start leaves records that are whole, and a state that is true.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeExit, decodeSpec, decodeStarted } from "../../src/spool/records.ts";
import { readShimRecord } from "../../src/spool/shimRecord.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { isLiving } from "../support/proc.ts";
import { count, patience, report, spread } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { shimsOf } from "../support/survivors.ts";
import { until } from "../support/wait.ts";
import { type BackgroundJob, listed, look, post, ran, shell } from "./support/background.ts";
import { directoryOf, replace } from "./support/surviving.ts";
import { type Moment, momentsOf, Tracer, traceRefusal } from "./support/tracer.ts";

afterAll(endEverything);

const why = await traceRefusal();
/** Of all moments; there are fewer. */
const wanted = count(8, 1_000);
/** The first start of a server puts the program of its shims together, which takes a thousand calls by itself. */
const wantedOfFirst = count(5, 100);
const folder = temporaryDirectory("once");
let keys = 0;

/** One start that is sent again until it is known what has become of it. */
class Start {
  readonly #key = `key-${++keys}`;
  readonly #marker = join(folder, this.#key);
  /** As it was answered before the crash. */
  acknowledged: BackgroundJob | null = null;

  /** Sends it; null when there was no answer that tells of a job. */
  async send(server: Server): Promise<BackgroundJob | null> {
    const spec = { ...shell('echo run >> "$1"; exit 5', this.#marker), survive: true };
    try {
      const response = await post(server, spec, { "idempotency-key": this.#key });
      const text = await response.text();
      return response.ok ? (JSON.parse(text) as BackgroundJob) : null;
    } catch {
      return null;
    }
  }

  /** Sends it and waits for its end, unless something dies on the way. */
  async carryOut(server: Server): Promise<void> {
    this.acknowledged = await this.send(server);
    if (this.acknowledged !== null) await look(server, this.acknowledged.id, 10).catch(() => null);
  }

  /** How often the command was executed. */
  get runs(): number {
    return existsSync(this.#marker) ? readFileSync(this.#marker, "latin1").split("\n").length - 1 : 0;
  }

  /** What is told of it now, with the moment of the crash for who reads a failure. */
  async told(server: Server): Promise<BackgroundJob | null> {
    const again = await this.send(server);
    if (this.acknowledged !== null) expect(again?.id).toBe(this.acknowledged.id);
    return again === null ? null : look(server, again.id, 10);
  }
}

/** Every record of every job says what it has to say, and nothing else lies about. */
async function expectWhole(server: Server): Promise<void> {
  const ids = await listed(server);
  for (const id of readdirSync(join(server.dataDir, "jobs"))) {
    expect(ids).toContain(id);
    const directory = directoryOf(server, id);
    const text = (name: string) => readFileSync(join(directory, name), "utf8");
    const job = await look(server, id);
    expect(decodeSpec(text("spec.json"))?.job.id).toBe(id);
    expect(readShimRecord(directory)?.state).toBe("claimed");
    if (job.startedAt !== null) expect(decodeStarted(text("started.json"))?.pid).toBe(job.pid ?? 0);
    const exit = decodeExit(readFileSync(join(directory, "exit")));
    expect([id, exit?.outcome.code ?? null]).toEqual([id, job.outcome?.code ?? null]);
  }
  const errors = server.logLines().filter(({ level }) => typeof level === "number" && level >= 50);
  expect(errors).toEqual([]);
}

describe.skipIf(why !== undefined)(`R5${why ? ` (${why})` : ""}`, () => {
  test.each(["that has a shim ready", "that has just begun"])(
    "a server %s is killed at system calls of a start",
    async (which) => {
      const isReady = which === "that has a shim ready";
      const prepare = async (server: Server) => {
        if (isReady) await untilReady(server);
        return server;
      };
      let server = await prepare(await startServer());
      const moments = await momentsOf([server.pid], () => new Start().carryOut(server));
      const tried = spread(moments, isReady ? wanted : wantedOfFirst);
      const sums = { tried, of: moments, killed: 0, unacknowledged: 0 };
      for (const moment of tried) {
        // One that has just begun has started nothing; the other is made ready anew.
        server = await prepare(isReady ? server : await replace(server));
        const start = new Start();
        const tracer = await Tracer.killAt([server.pid], moment);
        await start.carryOut(server);
        await tracer.end();
        if (!isLiving(server.pid)) sums.killed += 1;
        server = await replace(server);
        if (start.acknowledged === null) sums.unacknowledged += 1;
        const { state, outcome } = (await start.told(server)) ?? {};
        expect([moment, state, outcome?.code, start.runs]).toEqual([moment, "ended", 5, 1]);
        await expectWhole(server);
      }
      tell(`server ${which}`, sums);
    },
    patience(60_000),
  );

  test(
    "a shim is killed at system calls of a start",
    async () => {
      const server = await startServer();
      await untilReady(server);
      const moments = await momentsOf(shimsOf(server.dataDir), () => new Start().carryOut(server));
      const tried = spread(moments, wanted);
      const sums = { tried, of: moments, killed: 0, unacknowledged: 0 };
      for (const moment of tried) {
        await untilReady(server);
        const shims = shimsOf(server.dataDir);
        const start = new Start();
        const tracer = await Tracer.killAt(shims, moment);
        await start.carryOut(server);
        await tracer.end();
        if (!shims.every(isLiving)) sums.killed += 1;
        if (start.acknowledged === null) sums.unacknowledged += 1;
        const runs = start.runs;
        const job = await start.told(server);
        expectTrue(moment, { job, start, runs });
      }
      await server.kill9();
      await expectWhole(await startServer({ dataDir: server.dataDir }));
      tell("shim", sums);
    },
    patience(60_000),
  );
});

/** `runs`: before it was sent again. */
function expectTrue(
  moment: Moment,
  { job, start, runs }: { job: BackgroundJob | null; start: Start; runs: number },
): void {
  const told = [moment, job?.state, job?.outcome?.code ?? null, runs, start.runs];
  expect(told.slice(-1)).not.toEqual([2]);
  switch (job?.state) {
    case "ended":
      expect(told).toEqual([moment, "ended", 5, runs, 1]);
      return;
    case "lost":
      expect(told).toEqual([moment, "lost", null, runs, runs]);
      return;
    default:
      // It could not be started, and was not.
      expect(told).toEqual([moment, job?.state, null, 0, 0]);
      expect(start.acknowledged).toBeNull();
  }
}

/** A shim waits for a job, and no other is about to. */
async function untilReady(server: Server): Promise<void> {
  expect(await ran(server, { command: ["true"], survive: true })).toMatchObject({ state: "ended" });
  await until(() => shimsOf(server.dataDir).length >= 2, { describe: "shims that are ready" });
}

interface Sums {
  readonly tried: readonly Moment[];
  readonly of: readonly Moment[];
  readonly killed: number;
  readonly unacknowledged: number;
}

function tell(who: string, { tried, of, killed, unacknowledged }: Sums): void {
  const calls = new Set(of.map(({ call }) => call)).size;
  report(
    "R5",
    `${who}: ${tried.length} of ${of.length} moments (${calls} calls), ${killed} kills, ${unacknowledged} starts without an answer; 0 torn, 0 twice, 0 unknown`,
  );
  // Not every thread comes to as many calls as the one that was counted.
  expect(killed).toBeGreaterThan(Math.floor(tried.length / 6));
}

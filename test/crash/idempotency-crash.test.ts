// R12: a key starts a job once, though the server is killed while the starts are under way.
import { afterAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until, within } from "../support/wait.ts";
import { type BackgroundJob, look, shell } from "./support/background.ts";

afterAll(endEverything);

const rounds = count(10, 100);
const startsPerRound = 10;
/** The server is killed when so many are answered, and up to so much later: from before the first one to after the last. */
const mostMillisecondsLater = 5;
const timeoutMilliseconds = patience(90_000);

interface Start {
  readonly key: string;
  readonly marker: string;
  /** The id that was acknowledged before the kill. */
  acknowledged: string | null;
}

const folder = temporaryDirectory("once");

function newStart(round: number, index: number): Start {
  const key = `r${round}-${index}`;
  return { key, marker: join(folder, key), acknowledged: null };
}

/** Sends the start; gives the job, or null when no answer came. */
async function send(server: Server, { key, marker }: Start): Promise<BackgroundJob | null> {
  const headers = { "content-type": "application/json", "idempotency-key": key };
  const body = JSON.stringify(shell('echo run >> "$1"', marker));
  try {
    const response = await server.request("/v1/jobs", { method: "POST", headers, body });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status}: ${text}`);
    return JSON.parse(text) as BackgroundJob;
  } catch (error) {
    if (server.process.exitCode === null && server.process.signalCode === null && !isCut(error)) throw error;
    return null;
  }
}

/** The connection went with the server. */
function isCut(error: unknown): boolean {
  return /socket|ECONN|closed|connect/i.test(String(error));
}

const runsOf = ({ marker }: Start) =>
  existsSync(marker) ? readFileSync(marker, "utf8").split("\n").length - 1 : 0;

/** Sends all, kills the server when so many are answered, and gives the next server. */
async function killDuring(server: Server, starts: readonly Start[], answered: number): Promise<Server> {
  let reached = () => {};
  const enough = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const answers = starts.map(async (start) => {
    start.acknowledged = (await send(server, start))?.id ?? null;
    if (starts.filter(({ acknowledged }) => acknowledged !== null).length >= answered) reached();
  });
  if (answered > 0) await within(enough, { describe: `${answered} answers` });
  await Bun.sleep(Math.random() * mostMillisecondsLater);
  await server.kill9();
  await Promise.all(answers);
  return startServer({ dataDir: server.dataDir });
}

test(
  `${rounds * startsPerRound} starts, the server killed in between: none twice, none unknown, none never started`,
  async () => {
    let server = await startServer();
    const counts = { acknowledged: 0, lost: 0, ended: 0 };
    for (let round = 0; round < rounds; round += 1) {
      const starts = Array.from({ length: startsPerRound }, (_, index) => newStart(round, index));
      server = await killDuring(server, starts, round % startsPerRound);
      for (const start of starts) {
        if (start.acknowledged !== null) {
          const job = await look(server, start.acknowledged);
          // It was told to have been executed; whether it came to write anything is another matter.
          expect([start.key, job.startedAt]).not.toEqual([start.key, null]);
          counts.acknowledged += 1;
        }
        const again = await send(server, start);
        if (again === null) throw new Error(`${start.key}: no answer from the next server`);
        if (start.acknowledged !== null)
          expect([start.key, again.id]).toEqual([start.key, start.acknowledged]);
        const job = await look(server, again.id, 20);
        if (job.state === "ended") {
          expect([start.key, job.outcome?.code, runsOf(start)]).toEqual([start.key, 0, 1]);
          counts.ended += 1;
        } else {
          // Its server died with it: told as such, and never as a start that has gone well.
          expect([start.key, job.state]).toEqual([start.key, "lost"]);
          expect(runsOf(start)).toBeLessThanOrEqual(1);
          counts.lost += 1;
        }
        // Once more: it is the same one, and nothing is executed again.
        expect((await send(server, start))?.id).toBe(again.id);
      }
      await until(() => starts.every((start) => runsOf(start) <= 1), { describe: "at most one run each" });
    }
    report("R12", `${JSON.stringify(counts)} of ${rounds * startsPerRound}, none executed twice`);
    // The kills came neither all before nor all after the work.
    expect(counts.acknowledged).toBeGreaterThan(0);
    expect(counts.acknowledged).toBeLessThan(rounds * startsPerRound);
  },
  timeoutMilliseconds,
);

// R19: jobs come all the time and the server is killed again and again: what was accepted ends, and nothing is lost.
import { afterAll, expect, test } from "bun:test";
import { post } from "../crash/support/background.ts";
import { atOnce, replace } from "../crash/support/surviving.ts";
import { Writer } from "../crash/support/writers.ts";
import { newToken, withToken } from "../support/processes.ts";
import { report, soakMinutes } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

afterAll(endEverything);

const jobsPerSecond = 2;
const killSeconds = { least: 1, most: 5 };
/** Half of the jobs take a moment, the others up to some 15 seconds. */
const linesOfShort = 10;
const linesOfLong = 3_000;
const readersAtOnce = 8;
const milliseconds = soakMinutes * 60_000;
/** A start is sent again after this time when no answer has come. */
const retryMilliseconds = 100;
const timeoutMilliseconds = milliseconds + 10 * 60_000;

/** A client, and someone who kills its server. */
class LongRun {
  readonly accepted: Writer[] = [];
  kills = 0;
  sentAgain = 0;
  readonly token = newToken();
  readonly #end = performance.now() + milliseconds;

  constructor(public server: Server) {}

  get #isOver(): boolean {
    return performance.now() >= this.#end;
  }

  async startJobs(): Promise<void> {
    const starts: Promise<void>[] = [];
    for (let number = 0; !this.#isOver; number += 1) {
      const writer = new Writer(number % 2 === 0 ? linesOfShort : linesOfLong);
      starts.push(this.#start(writer, `key-${number}`));
      await Bun.sleep(1_000 / jobsPerSecond);
    }
    await Promise.all(starts);
  }

  async killServers(): Promise<void> {
    while (!this.#isOver) {
      const { least, most } = killSeconds;
      await Bun.sleep((least + Math.random() * (most - least)) * 1_000);
      this.server = await replace(this.server);
      this.kills += 1;
    }
  }

  /** As a client does that cannot know whether it was heard. */
  async #start(writer: Writer, key: string): Promise<void> {
    for (;;) {
      const id = await this.#send(writer, key).catch(() => null);
      if (id !== null) {
        writer.id = id;
        this.accepted.push(writer);
        return;
      }
      this.sentAgain += 1;
      await Bun.sleep(retryMilliseconds);
    }
  }

  async #send(writer: Writer, key: string): Promise<string> {
    const response = await post(this.server, writer.spec(this.token), { "idempotency-key": key });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status}: ${text}`);
    return (JSON.parse(text) as { id: string }).id;
  }

  /** How many jobs the server has in each state. */
  async states(): Promise<Record<string, number>> {
    const counts = new Map<string, number>();
    for (let cursor: string | null = ""; cursor !== null; ) {
      const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const response = await this.server.request(`/v1/jobs?limit=500${query}`);
      const page = (await response.json()) as { jobs: { state: string }[]; nextCursor: string | null };
      for (const { state } of page.jobs) counts.set(state, (counts.get(state) ?? 0) + 1);
      cursor = page.nextCursor;
    }
    return Object.fromEntries(counts);
  }
}

test(
  `R19: ${soakMinutes} minutes, ${jobsPerSecond} jobs a second, a kill every ${killSeconds.least} to ${killSeconds.most} seconds`,
  async () => {
    const run = new LongRun(await startServer());
    await Promise.all([run.startJobs(), run.killServers()]);
    const { accepted, kills, sentAgain, token } = run;
    expect(new Set(accepted.map(({ id }) => id)).size).toBe(accepted.length);
    const { ended = 0, running = 0, ...others } = await run.states();
    expect([others, ended + running]).toEqual([{}, accepted.length]);
    await atOnce(accepted, readersAtOnce, (writer) => writer.expectWhole(run.server));
    expect(await run.states()).toEqual({ ended: accepted.length });
    expect(withToken(token)).toEqual([]);
    const sum = `${accepted.length} accepted = ${ended} ended + ${running} running, 0 lost`;
    report(
      "R19",
      `${soakMinutes} min, ${kills} kills, ${sentAgain} starts sent again; ${sum}, all output right`,
    );
  },
  timeoutMilliseconds,
);

import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Answer, CallbackMessage } from "../../src/callbacks/attempt.ts";
import { Courier } from "../../src/callbacks/courier.ts";
import type { DeliveryResult } from "../../src/core/callbackPorts.ts";
import type { Job } from "../../src/core/job.ts";
import { migrate } from "../../src/store/migrate.ts";
import { SqliteOutbox } from "../../src/store/outbox.ts";
import { ManualClock } from "../contract/support/fake-ports.ts";
import { ended, running } from "./callback-jobs.ts";

interface Flight {
  message: CallbackMessage;
  answer: (answer: Answer) => void;
}

type Content = { body: string; headers: Record<string, string> } | null;

/** A real outbox with time that the test passes and answers that the test gives. */
export class CourierBench {
  readonly #folder = mkdtempSync(join(tmpdir(), "errand-courier-"));
  readonly #database: Database;
  readonly outbox: SqliteOutbox;
  readonly clock = new ManualClock();
  readonly errors: unknown[] = [];
  readonly settled: [string, DeliveryResult["state"]][] = [];
  /** What is on its way, by its id. */
  readonly flying = new Map<string, Flight>();
  /** The ids of all tries so far. */
  readonly sent: string[] = [];
  /** When set, each try is answered with it at once. */
  always: Answer | null = null;
  content: (() => Promise<Content>) | null = null;
  sign: () => Promise<Record<string, string>> = async () => ({ "webhook-signature": "v1,x" });

  constructor() {
    const path = join(this.#folder, "errand.db");
    this.#database = new Database(path, { create: true, strict: true, safeIntegers: true });
    migrate(this.#database);
    this.outbox = new SqliteOutbox(this.#database);
  }

  close(): void {
    this.#database.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  courier(limits: { callbacksAtOnce?: number; callbacksPerHost?: number } = {}): Courier {
    const { outbox, clock } = this;
    return new Courier({
      ...{ outbox, clock },
      limits: { callbacksAtOnce: 16, callbacksPerHost: 4, ...limits },
      plan: { waitsSeconds: [5, 300], random: () => 0.5 },
      send: (message) => this.#send(message),
      sign: () => this.sign(),
      content: ({ id, event }) =>
        this.content?.() ?? Promise.resolve({ body: `${id} ${event}`, headers: { "errand-truncated": "x" } }),
      log: {
        settled: ({ id }, { state }) => this.settled.push([id, state]),
        error: (error) => this.errors.push(error),
      },
    });
  }

  /** A courier that has looked once. */
  async woken(courier = this.courier()): Promise<Courier> {
    courier.wake();
    await this.idle();
    return courier;
  }

  note(...jobs: Job[]): void {
    this.#database.transaction(() => {
      for (const job of jobs) this.outbox.note(job);
    })();
  }

  /** Notes the end of so many jobs. */
  noteEnds(count: number, url: string): Job[] {
    const jobs = Array.from({ length: count }, () => ended(running({ url, events: ["job.ended"] })));
    this.note(...jobs);
    return jobs;
  }

  /** Notes the end of one job. */
  noteEnd(url = "http://a.test/"): Job {
    const [job] = this.noteEnds(1, url);
    if (job === undefined) throw new Error("no job");
    return job;
  }

  /** State and tries of a job's callbacks. */
  states({ id }: Job): string[] {
    return this.outbox.ofJob(id).map(({ state, attempts }) => `${state} ${attempts}`);
  }

  /** Lets go on what needs no time. */
  async idle(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async pass(seconds: number): Promise<void> {
    this.clock.pass(seconds * 1_000);
    await this.idle();
  }

  answer(id: string, given: Answer): Promise<void> {
    const flight = this.flying.get(id);
    if (flight === undefined) throw new Error(`${id} is not on its way`);
    flight.answer(given);
    return this.idle();
  }

  #send(message: CallbackMessage): Promise<Answer> {
    const [id = ""] = message.body.split(" ");
    if (this.flying.has(id)) throw new Error(`${id} is sent twice at once`);
    this.sent.push(id);
    if (this.always !== null) return Promise.resolve(this.always);
    return new Promise((resolve) => {
      const answer = (given: Answer) => {
        this.flying.delete(id);
        resolve(given);
      };
      this.flying.set(id, { message, answer });
    });
  }
}

export const endOf = ({ id }: Job) => `msg_${id}_ended`;
export const startOf = ({ id }: Job) => `msg_${id}_started`;

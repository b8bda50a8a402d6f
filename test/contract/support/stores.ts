import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IdSource } from "../../../src/core/ids.ts";
import type {
  CallbackRequest,
  EndedJob,
  FailedJob,
  Job,
  RunningJob,
  StartingJob,
} from "../../../src/core/job.ts";
import { defaultLimits } from "../../../src/core/limits.ts";
import { Store } from "../../../src/store/store.ts";
import { noOutput } from "./fake-ports.ts";

/** When the time of these tests begins. */
export const start = 1_800_000_000_000;

/** A real database in a directory of its own, and jobs to put into it. */
export class StoreBench {
  readonly folder = mkdtempSync(join(tmpdir(), "errand-store-"));
  readonly path = join(this.folder, "errand.db");
  readonly errors: unknown[] = [];
  now = start;
  readonly ids = new IdSource(() => this.now, 0);
  readonly #opened = new Set<Store>();

  /** `flushSeconds` is long, so that what is written early was written by what the test did. */
  open(flushSeconds = 5): Store {
    const onError = (error: unknown) => void this.errors.push(error);
    const store = new Store({ path: this.path, flushSeconds, limits: defaultLimits(), onError });
    this.#opened.add(store);
    return store;
  }

  close(store: Store): void {
    this.#opened.delete(store);
    store.close();
  }

  /** Ends what the test has left open. */
  end(): void {
    for (const store of this.#opened) this.close(store);
    rmSync(this.folder, { recursive: true, force: true });
  }

  base(alias: string | null) {
    return {
      id: this.ids.next().toString(),
      node: "here",
      owner: "local",
      door: "rexec",
      command: ["echo", "\u00e9 \ud83e\udd8a \u0000 '\"\\ "],
      cwd: null,
      alias,
      ...({ mode: "background", survive: false, tty: null, labels: {}, leftovers: "leave" } as const),
      successExitCodes: [0],
      retainSeconds: 60,
      callback: null as CallbackRequest | null,
      createdAt: this.now,
    };
  }

  starting(alias: string | null): StartingJob {
    return { ...this.base(alias), state: "starting" };
  }

  running(alias: string | null): RunningJob {
    const times = { startedAt: this.now, startedMonotonic: 0 };
    return { ...this.base(alias), state: "running", ...times, pid: 7, stop: null, exit: null };
  }

  ended(alias: string | null): EndedJob {
    return {
      ...this.base(alias),
      state: "ended",
      ...{ startedAt: this.now, endedAt: this.now, durationNanoseconds: 1, pid: 7 },
      outcome: { reason: "exited", code: 0, signal: null, success: true, detail: null },
      output: noOutput,
    };
  }

  failed(alias: string | null): FailedJob {
    return { ...this.base(alias), state: "failed", endedAt: this.now, failure: "no" };
  }

  /** An ended job whose files take so much. */
  kept(storedBytes: number): EndedJob {
    return { ...this.ended(null), output: { ...noOutput, storedBytes } };
  }
}

export const idsOf = (jobs: readonly Job[]) => jobs.map(({ id }) => id);

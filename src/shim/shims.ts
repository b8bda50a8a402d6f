import { join } from "node:path";
import { ErrandError } from "../core/errors.ts";
import type { JobSpec, StartingJob } from "../core/job.ts";
import type { PreparedFiles } from "../core/ports.ts";
import type { ShimListener, Shims } from "../core/shimPorts.ts";
import { isAlive } from "../spool/identity.ts";
import { controlSocketName } from "../spool/layout.ts";
import { hasEnded, settledShim } from "../spool/recover.ts";
import { killTrees } from "../supervisor/killTrees.ts";
import { Connection } from "./connection.ts";
import { givenFrame, messageFrame } from "./frames.ts";
import { ShimLink } from "./link.ts";
import type { ServerMessage } from "./messages.ts";
import type { PooledShim, ShimPool } from "./pool.ts";

/** Between two tries to reach a shim that lives and does not answer: first, and later. */
const firstPauseMilliseconds = 10;
const longestPauseMilliseconds = 1_000;
const mostDoublings = 7;
/** Then it is worth a line in the log. */
const failuresToTell = 5;
/** Of a given stdin, in one frame. */
const givenBytes = 256 * 1024;

/** Has surviving jobs run by shims: new ones from the pool, and those of earlier servers. */
export class ShimSupervisor implements Shims {
  readonly #pool: ShimPool;
  readonly #onError: (message: string) => void;
  #closed = false;

  constructor(pool: ShimPool, onError: (message: string) => void) {
    this.#pool = pool;
    this.#onError = onError;
  }

  async start(
    job: StartingJob,
    { spec, files }: { readonly spec: JobSpec; readonly files: PreparedFiles },
    listener: ShimListener,
  ): Promise<void> {
    const shim = await this.#pool.acquire();
    const started = Promise.withResolvers<void>();
    const link = new ShimLink({
      ...{ listener, hasTerminal: spec.tty !== null },
      onStarted: () => started.resolve(),
      onRefused(error) {
        started.reject(error);
        link.settle();
      },
      onEnded: () => this.#done(shim, link),
      onLost: () =>
        void this.#reach(files.directory, link).then((reached) => {
          if (!reached) started.reject(gone());
        }),
    });
    shim.connection.handler = link.connect(shim.connection);
    for (const frame of orderFrames(job, spec, files)) shim.connection.send(frame);
    await started.promise;
  }

  /** It may take the next job, unless it had to be reached anew. */
  #done(shim: PooledShim, link: ShimLink): void {
    if (shim.connection.closed) link.disconnect();
    else this.#pool.release(shim);
  }

  /** Follows a job of an earlier server whose shim lives. Resolves when the shim has told how it stands, or has gone. */
  async adopt(job: StartingJob, directory: string, listener: ShimListener): Promise<void> {
    const known = Promise.withResolvers<void>();
    const link = new ShimLink({
      ...{ listener, hasTerminal: job.tty !== null },
      onStarted: () => known.resolve(),
      onRefused(error) {
        listener.refused(error.message);
        link.settle();
      },
      onEnded() {
        known.resolve();
        link.disconnect();
      },
      onLost: () => void this.#reach(directory, link).then(() => known.resolve()),
    });
    void this.#reach(directory, link).then((reached) => {
      if (!reached) known.resolve();
    });
    await known.promise;
  }

  /** Lets go of all shims. What they run goes on. */
  close(): void {
    this.#closed = true;
    this.#pool.close();
  }

  /** Connects to a job's shim as long as that lives. False when it has gone: then all that can be known is told. */
  async #reach(directory: string, link: ShimLink): Promise<boolean> {
    // One that breaks off each time, as of another version would, is not asked without a pause.
    let pause = firstPauseMilliseconds * 2 ** Math.min(link.failures, mostDoublings);
    if (link.failures > 1) await Bun.sleep(pause);
    if (link.failures === failuresToTell)
      this.#onError("the shim of a job breaks off whenever it is reached");
    for (; !this.#closed; pause = nextPause(pause)) {
      try {
        if (await this.#isGone(directory, link)) return false;
        await Connection.open(join(directory, controlSocketName), (connection) => link.connect(connection));
        return true;
      } catch {
        // It may just have ended, or be about to listen, or the system is short of something for a while.
        await Bun.sleep(pause);
      }
    }
    return true;
  }

  /** True when the job's shim has gone, and that has been told. */
  async #isGone(directory: string, link: ShimLink): Promise<boolean> {
    const record = settledShim(directory);
    if (record?.state === "claimed" && isAlive(record.shim)) return false;
    if (record?.state !== "claimed") {
      link.neverStarted(record?.state === "failed" ? record.failure : "its shim has died before its start");
      return true;
    }
    // What a job that has ended by itself has left behind is left alone.
    if (!hasEnded(directory)) await this.#sweep(BigInt(record.mark));
    link.vanished();
    return true;
  }

  /** What a killed shim has left of its job's tree. */
  async #sweep(mark: bigint): Promise<void> {
    if (!(await killTrees(new Set([mark]))))
      this.#onError("processes of a job whose shim has gone cannot be killed");
  }
}

function nextPause(milliseconds: number): number {
  return Math.min(2 * milliseconds, longestPauseMilliseconds);
}

function gone(): ErrandError {
  return new ErrandError("internal", "the process that was to supervise the job has died");
}

function* orderFrames(
  job: StartingJob,
  { stdin, ...rest }: JobSpec,
  { directory, keptBytes }: PreparedFiles,
): Generator<Uint8Array> {
  const given = stdin instanceof Uint8Array ? stdin : null;
  if (given !== null) {
    for (let at = 0; at < given.byteLength; at += givenBytes)
      yield givenFrame(given.subarray(at, at + givenBytes));
  }
  const spec = { ...rest, stdin: given === null ? (stdin as "open" | null) : ("given" as const) };
  const run: ServerMessage = { type: "run", job, spec, directory, keptBytes };
  yield messageFrame(run);
}

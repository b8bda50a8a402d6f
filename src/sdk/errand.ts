import { fieldsOf } from "./bytes.ts";
import { Job } from "./job.ts";
import type { JobRecord } from "./jobTypes.ts";
import { lifecycleEvents } from "./lifecycle.ts";
import { listJobs } from "./listJobs.ts";
import type { CallOptions, ErrandOptions, ListQuery, RunOptions, StartOptions } from "./options.ts";
import { expected } from "./readJob.ts";
import { runCommand } from "./run.ts";
import type { RunResult } from "./runResult.ts";
import type { LifecycleEvent, ServerInfo } from "./serverTypes.ts";
import type { JobSpec } from "./specTypes.ts";
import { startJob } from "./start.ts";
import { Tokens } from "./tokens.ts";
import { Transport } from "./transport.ts";

/**
 * A client of one Errand server. Calls throw `ErrandError` when the server says no, `ConnectionError` when there is no answer,
 * and `Cancelled` when the caller's signal ends them.
 */
export class Errand {
  readonly tokens: Tokens;
  readonly #transport: Transport;

  /** Throws `TypeError` or `RangeError` for what can be no server. */
  constructor(options: ErrandOptions) {
    this.#transport = new Transport(options);
    this.tokens = new Tokens(this.#transport);
  }

  /**
   * Starts a job; it is running, or queued, when this resolves. With mode `attached` the job is tied to a stream, which the
   * first `job.events()` reads: read it, or the job is held back.
   */
  start(spec: JobSpec, options: StartOptions = {}): Promise<Job> {
    return startJob(this.#transport, spec, options);
  }

  /** A job by its id. Nothing is asked of the server. */
  job(id: string): Job {
    return new Job(this.#transport, id);
  }

  /** What is known of a job. */
  get(id: string, options: CallOptions = {}): Promise<JobRecord> {
    return this.job(id).get(options);
  }

  /** Jobs, newest first, over all pages. */
  list(query: ListQuery = {}, options: CallOptions = {}): AsyncGenerator<JobRecord, void, undefined> {
    return listJobs(this.#transport, query, options);
  }

  /**
   * Runs a command to its end and collects its output, over cuts of the connection. Throws `CommandFailed`, which holds the
   * result, unless `check` is false; `StreamCut`, which holds the output so far, when the end cannot be known. A signal that
   * ends the call stops the command.
   */
  run(command: readonly string[] | JobSpec, options: RunOptions = {}): Promise<RunResult> {
    return runCommand(this.#transport, command, options);
  }

  /** Starts and ends of all jobs from now on, over cuts of the connection. */
  events(options: CallOptions = {}): AsyncGenerator<LifecycleEvent, void, undefined> {
    return lifecycleEvents(this.#transport, options);
  }

  /** Version and limits of the server. */
  async info({ signal }: CallOptions = {}): Promise<ServerInfo> {
    const answer = await this.#transport.json({ path: "/v1/info", signal, repeatable: true });
    return expected(typeof fieldsOf(answer)?.version === "string" ? (answer as ServerInfo) : null);
  }

  /** Lets running jobs end, then ends the server. Needs the scope `admin`. */
  async shutdown({ signal }: CallOptions = {}): Promise<void> {
    await this.#transport.json({ method: "POST", path: "/v1/shutdown", signal });
  }
}

import type { Job, JobId, JobSpec } from "../../../src/core/job.ts";
import type {
  AliasClaims,
  Clock,
  JobHistory,
  JobQuery,
  ProcessListener,
  SupervisedProcess,
  Supervisor,
} from "../../../src/core/ports.ts";

const start = 1_800_000_000_000;

/** Time that passes only when it is told to. */
export class ManualClock implements Clock {
  milliseconds = 0;
  timers = new Set<{ at: number; callback: () => void }>();

  wall = () => start + this.milliseconds;
  now = () => ({ wall: this.wall(), monotonic: this.milliseconds * 1e6 });

  after(milliseconds: number, callback: () => void): () => void {
    const timer = { at: this.milliseconds + milliseconds, callback };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  pass(milliseconds: number): void {
    this.milliseconds += milliseconds;
    for (const timer of [...this.timers]) {
      if (timer.at <= this.milliseconds && this.timers.delete(timer)) timer.callback();
    }
  }
}

/** A history in memory. */
export class Records implements JobHistory {
  jobs = new Map<JobId, Job>();
  put = (job: Job) => void this.jobs.set(job.id, job);
  get = (id: JobId) => this.jobs.get(id);
  list = ({ count }: JobQuery) => [...this.jobs.values()].reverse().slice(0, count);
}

/** Alias claims in memory. */
export class Claims implements AliasClaims {
  holders = new Map<string, JobId>();
  claim = (alias: string, id: JobId) => !this.holders.has(alias) && Boolean(this.holders.set(alias, id));
  release(alias: string, id: JobId): void {
    if (this.holders.get(alias) === id) this.holders.delete(alias);
  }
}

/** A command that does what the test says. */
export class Command implements SupervisedProcess {
  readonly pid = 4_711;
  readonly output = { whole: async () => null, read: async () => null };
  readonly graces: number[] = [];
  readonly listener: ProcessListener;

  constructor(listener: ProcessListener) {
    this.listener = listener;
  }

  stop(graceSeconds: number): void {
    this.graces.push(graceSeconds);
  }

  end(code = 0): void {
    this.listener.exited({ code, signal: null });
    this.listener.finished({ stdoutBytes: 0, stderrBytes: 0, stderrTail: "" }, null);
  }
}

/** A supervisor that remembers what it was asked to start. */
export class Commands implements Supervisor {
  started: Command[] = [];
  refuse: Error | null = null;

  start(_id: bigint, _spec: JobSpec, listener: ProcessListener): SupervisedProcess {
    if (this.refuse !== null) throw this.refuse;
    const command = new Command(listener);
    this.started.push(command);
    return command;
  }

  get last(): Command {
    const command = this.started.at(-1);
    if (command === undefined) throw new Error("nothing was started");
    return command;
  }
}

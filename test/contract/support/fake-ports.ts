import {
  type EndedJob,
  expiresAt,
  type Job,
  type JobId,
  type JobSpec,
  type OutputSummary,
  type RunningJob,
  type StartingJob,
} from "../../../src/core/job.ts";
import type {
  AliasClaims,
  AttachedProcess,
  Clock,
  JobFiles,
  JobHistory,
  JobQuery,
  OutputStream,
  PreparedFiles,
  ProcessListener,
  Spool,
  SupervisedProcess,
  Supervisor,
} from "../../../src/core/ports.ts";
import type { Remains, Shims } from "../../../src/core/shimPorts.ts";

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
  flushes = 0;
  flush = () => {
    this.flushes += 1;
  };
  /** Those whose callback is still to be delivered. */
  unsettled = new Set<JobId>();

  expired = (wall: number, count: number) =>
    this.settled()
      .filter((job) => (expiresAt(job) ?? Number.POSITIVE_INFINITY) <= wall)
      .slice(0, count)
      .map(({ id }) => id);

  nextExpiry(): number | null {
    const times = [...this.jobs.values()].flatMap((job) => expiresAt(job) ?? []);
    return times.length === 0 ? null : Math.min(...times);
  }

  oldestKept = (count: number) =>
    this.settled()
      .filter((job) => job.state === "ended" && job.output.storedBytes > 0)
      .slice(0, count)
      .map(({ id }) => id);

  oldestEnded = (count: number) =>
    this.settled()
      .filter((job) => expiresAt(job) !== null)
      .slice(0, count)
      .map(({ id }) => id);

  forget(ids: readonly JobId[]): void {
    for (const id of ids) this.jobs.delete(id);
  }

  private settled(): Job[] {
    return [...this.jobs.values()].filter(({ id }) => !this.unsettled.has(id));
  }
}

/** Output of jobs in memory. */
export class Files implements JobFiles {
  written: Record<OutputStream, string> = { stdout: "", stderr: "" };
  calls: string[] = [];

  write(stream: OutputStream, chunk: Uint8Array): void {
    this.written[stream] += Buffer.from(chunk).toString();
  }

  summary = () => noOutput;
  started = (job: RunningJob) => void this.calls.push(`started ${job.pid}`);
  ended = (job: EndedJob) => void this.calls.push(`ended ${job.outcome.reason}`);
  discard = () => void this.calls.push("discard");
  onWrite = () => {};
}

/** A spool that remembers what it was asked for. */
export class Folders implements Spool {
  made: Files[] = [];
  removed: JobId[] = [];
  refuse: Error | null = null;
  /** Lets a test hold back the disk. */
  ready: Promise<void> = Promise.resolve();

  async create(_job: StartingJob, _spec: JobSpec): Promise<JobFiles> {
    await this.ready;
    if (this.refuse !== null) throw this.refuse;
    const files = new Files();
    this.made.push(files);
    return files;
  }

  prepare = async (): Promise<PreparedFiles> => {
    throw new Error("nothing survives here");
  };
  count = () => true;
  countLast = () => {};
  /** What is left of a job whose shim has gone. */
  remains: Remains = { started: null, end: null, output: noOutput };
  inspect = () => this.remains;
  size = () => null;
  read = async () => new Uint8Array(0);
  remove = (id: JobId) => void this.removed.push(id);
  follow = () => null;
}

/** For tests in which no job survives. */
export const noShims: Shims = {
  start: async () => {
    throw new Error("nothing survives here");
  },
};

const nothing = { bytes: 0, keptFrom: 0, truncated: false };

/** What a command without output leaves. */
export const noOutput: OutputSummary = { stdout: nothing, stderr: nothing, stderrTail: "", storedBytes: 0 };

/** Alias claims in memory. */
export class Claims implements AliasClaims {
  holders = new Map<string, JobId>();
  claim = (alias: string, id: JobId) => !this.holders.has(alias) && Boolean(this.holders.set(alias, id));
  release = (alias: string, id: JobId) => this.holders.get(alias) === id && this.holders.delete(alias);
  holder = (alias: string) => this.holders.get(alias);
}

/** A command that does what the test says. */
export class Command implements AttachedProcess {
  readonly pid = 4_711;
  readonly output = { whole: async () => null, read: async () => null };
  readonly graces: number[] = [];
  readonly input = null;
  readonly listener: ProcessListener;

  constructor(listener: ProcessListener) {
    this.listener = listener;
  }

  stop(graceSeconds: number): void {
    this.graces.push(graceSeconds);
  }

  signal = () => true;
  resize = () => false;

  end(code = 0): void {
    this.listener.exited({ code, signal: null });
    this.listener.finished(noOutput, null);
  }
}

/** A supervisor that remembers what it was asked to start. */
export class Commands implements Supervisor {
  started: Command[] = [];
  refuse: Error | null = null;

  startAttached = (_id: bigint, _spec: JobSpec, listener: ProcessListener): AttachedProcess =>
    this.start(listener);
  startSpooled = (_id: bigint, _spec: JobSpec, listener: ProcessListener): SupervisedProcess =>
    this.start(listener);

  startDetached(): number {
    if (this.refuse !== null) throw this.refuse;
    return 4_712;
  }

  private start(listener: ProcessListener): Command {
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

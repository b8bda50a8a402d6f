import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { atEnd, temporaryDirectory } from "../../support/cleanup.ts";
import { isLiving, signal, statusField } from "../../support/proc.ts";
import { until, within } from "../../support/wait.ts";

/** One moment in the life of a process: before its n-th call of that name, counted from when it is watched. */
export interface Moment {
  readonly call: string;
  readonly nth: number;
}

/** They change nothing that outlives the process, and there are as many as there is time. */
const idleCalls =
  /^(?:futex|epoll_\w+|madvise|mmap|munmap|mprotect|mremap|brk|sched_\w+|clock_\w+|nanosleep|timerfd_\w+|gett?id|gettimeofday|getrusage|restart_syscall|rt_sig\w+|sigaltstack|exit|exit_group|getrandom|prctl|poll|ppoll|membarrier|rseq|set_robust_list|eventfd\w*|times|sysinfo)$/;

/** A thread that ends while it is let go of can keep strace waiting. */
const orderlyMilliseconds = 3_000;

/** strace on all threads of some processes, which it lets go of at the end. */
export class Tracer {
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly #pids: readonly number[];

  private constructor(options: readonly string[], pids: readonly number[], threads: readonly number[]) {
    this.#pids = pids;
    const command = ["strace", ...options, ...threads.flatMap((id) => ["-p", String(id)])];
    this.#child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    atEnd(() => this.end());
  }

  /** Watches these processes until `end`. */
  static async watch(pids: readonly number[], options: readonly string[]): Promise<Tracer> {
    const threads = pids.flatMap(threadsOf);
    const tracer = new Tracer(options, pids, threads);
    const child = tracer.#child;
    const isTraced = (id: number) =>
      (statusField(id, "TracerPid") ?? String(child.pid)) === String(child.pid);
    const attached = async () => {
      if (child.exitCode !== null) throw new Error(`strace: ${await new Response(child.stderr).text()}`);
      return threads.every(isTraced);
    };
    await until(attached, { describe: "strace to watch" });
    return tracer;
  }

  /** Kills the process that comes to that moment. */
  static killAt(pids: readonly number[], { call, nth }: Moment): Promise<Tracer> {
    const inject = `inject=${call}:signal=KILL:when=${nth}`;
    return Tracer.watch(pids, ["-o", "/dev/null", "-e", `trace=${call}`, "-e", inject]);
  }

  #signal(name: "SIGTERM" | "SIGKILL"): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) signal(this.#child.pid, name);
  }

  /** Lets go of what still lives. */
  async end(): Promise<void> {
    // It waits for a thread of a killed process for ever; what lives must be let go of in order.
    if (this.#pids.every(isLiving)) {
      this.#signal("SIGTERM");
      // One that is killed lets go as well, but it may leave a thread halted for a moment.
      const late = Bun.sleep(orderlyMilliseconds).then(() => "late" as const);
      if ((await Promise.race([this.#child.exited, late])) !== "late") return;
    }
    this.#signal("SIGKILL");
    await within(this.#child.exited, { describe: "the end of strace" });
  }
}

/** All moments that these processes come to during an action. */
export async function momentsOf(pids: readonly number[], action: () => Promise<void>): Promise<Moment[]> {
  const file = join(temporaryDirectory("trace"), "calls");
  const tracer = await Tracer.watch(pids, ["-o", file]);
  await action();
  await tracer.end();
  const perThread = new Map<string, number>();
  const most = new Map<string, number>();
  for (const [, thread, call = ""] of readFileSync(file, "latin1").matchAll(/^(?:(\d+) +)?(\w+)\(/gm)) {
    if (idleCalls.test(call)) continue;
    const seen = (perThread.get(`${thread} ${call}`) ?? 0) + 1;
    perThread.set(`${thread} ${call}`, seen);
    most.set(call, Math.max(most.get(call) ?? 0, seen));
  }
  return [...most].flatMap(([call, times]) =>
    Array.from({ length: times }, (_, index) => ({ call, nth: index + 1 })),
  );
}

/** Why no process can be watched here; undefined when one can. */
export async function traceRefusal(): Promise<string | undefined> {
  if (process.platform !== "linux") return "it is no Linux";
  // Where the tools are the runner's to bring, to have none is a failure.
  if (Bun.which("strace") === null) return process.env.CI === undefined ? "there is no strace" : undefined;
  const sleeper = Bun.spawn(["sleep", "60"]);
  try {
    await (await Tracer.watch([sleeper.pid], ["-o", "/dev/null"])).end();
    return undefined;
  } catch (error) {
    return String(error);
  } finally {
    sleeper.kill("SIGKILL");
  }
}

function threadsOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map(Number);
}

import type { Exit } from "../core/job.ts";
import type { Limits } from "../core/limits.ts";
import type { AttachedOutput, ProcessListener, SupervisedProcess } from "../core/ports.ts";
import { DrainedPipe } from "./drain.ts";
import type { LeftoverPipes } from "./leftoverPipes.ts";
import type { Mark } from "./mark.ts";
import { collectAll, type OutputPipe } from "./outputPipe.ts";
import type { Spawned } from "./spawn.ts";
import { Tail } from "./stderrTail.ts";
import { TreeStop } from "./stop.ts";
import type { Sweeper } from "./sweep.ts";

interface Parts {
  readonly mark: Mark;
  readonly spawned: Spawned;
  readonly listener: ProcessListener;
  readonly limits: Limits;
  readonly sweeper: Sweeper;
  readonly leftoverPipes: LeftoverPipes;
  /** Called right before the listener hears `finished`. */
  readonly onFinished: () => void;
}

/** Once both pipes are closed the exit is on its way: worth this much more waiting for an answer in one piece. */
const exitImminentMilliseconds = 20;

/** A process whose stdout belongs to one request, from its execution to the end of its tree. */
export class AttachedProcess implements SupervisedProcess, AttachedOutput {
  readonly #parts: Parts;
  readonly #stdout: DrainedPipe;
  readonly #stderr: DrainedPipe;
  readonly #tail: Tail;
  #exit: Exit | null = null;
  /** What waits for `whole`. */
  #quick: ((bytes: Uint8Array | null) => void) | null = null;
  #quickTimer: Timer | null = null;
  /** Read before the streams began. */
  #collected: Uint8Array | null = null;
  #stdoutEnded = false;
  #stderrEnded = false;
  #stop: TreeStop | null = null;
  /** How many processes a stop has left; null until it is done. */
  #leftByStop: number | null = null;
  #finished = false;
  #waitsForFinish: (() => void) | null = null;

  constructor(parts: Parts) {
    const { spawned, limits } = parts;
    this.#parts = parts;
    this.#stdout = new DrainedPipe(spawned.stdout, limits);
    this.#stderr = new DrainedPipe(spawned.stderr, limits);
    this.#tail = new Tail(limits.stderrTailBytes);
  }

  get pid(): number {
    return this.#parts.spawned.pid;
  }

  get output(): AttachedOutput {
    return this;
  }

  /** To be called once, when the leader has ended. */
  leaderExited(exit: Exit): void {
    this.#exit = exit;
    this.#parts.listener.exited(exit);
    this.#stdout.leaderExited();
    this.#stderr.leaderExited();
    this.#stop?.look();
    if (this.#quick !== null) this.#endQuickly();
    else this.#settle();
  }

  whole(): Promise<Uint8Array | null> {
    return new Promise((resolve) => {
      this.#quick = resolve;
      if (this.#exit !== null) this.#endQuickly();
      else
        this.#quickTimer = setTimeout(
          () => this.#quickTimeIsOver(),
          this.#parts.limits.quickEndSeconds * 1_000,
        );
    });
  }

  async read(): Promise<Uint8Array | null> {
    const collected = this.#collected;
    if (collected !== null) {
      this.#collected = null;
      return collected;
    }
    const chunk = this.#stdoutEnded ? null : await this.#stdout.read();
    if (chunk !== null) return chunk;
    this.#stdoutEnded = true;
    this.#settle();
    if (!this.#finished) {
      await new Promise<void>((resolve) => {
        this.#waitsForFinish = resolve;
      });
    }
    return null;
  }

  stop(graceSeconds: number): void {
    if (this.#finished) return;
    if (this.#stop !== null) {
      this.#stop.hasten(graceSeconds);
      return;
    }
    const { mark, sweeper, limits } = this.#parts;
    const tree = { mark, leader: this.pid, leaderAlive: () => this.#exit === null };
    this.#stop = new TreeStop(tree, sweeper, graceSeconds);
    this.#stop.run(limits.killSeconds).then((left) => {
      this.#leftByStop = left;
      this.#settle();
      // A client that reads nothing must not keep a stopped job alive: its answer is cut anyway.
      setTimeout(() => this.#finish(), limits.drainMaxSeconds * 1_000);
    });
  }

  #quickTimeIsOver(): void {
    const { stdout, stderr } = this.#parts.spawned;
    if (stdout.abandoned && stderr.abandoned) {
      this.#quickTimer = setTimeout(() => this.#runOn(), exitImminentMilliseconds);
    } else {
      this.#runOn();
    }
  }

  /** The command has ended at once: if its pipes have ended too, the answer needs no stream. */
  #endQuickly(): void {
    const { stdout, stderr } = this.#parts.spawned;
    const errors = collectAll(stderr);
    this.#tail.push(errors.bytes);
    this.#stderrEnded = errors.ended;
    const output = collectAll(stdout);
    this.#stdoutEnded = output.ended;
    if (!output.ended || !errors.ended || this.#stop !== null) {
      if (output.bytes.byteLength > 0) this.#collected = output.bytes;
      this.#runOn();
      return;
    }
    const resolve = this.#takeQuick();
    this.#finish();
    resolve?.(output.bytes);
  }

  /** The command runs on, or something holds its pipes: from here on they are read as streams. */
  #runOn(): void {
    const resolve = this.#takeQuick();
    if (!this.#stderrEnded) this.#followStderr();
    resolve?.(null);
  }

  #takeQuick(): ((bytes: Uint8Array | null) => void) | null {
    const resolve = this.#quick;
    this.#quick = null;
    if (this.#quickTimer !== null) clearTimeout(this.#quickTimer);
    return resolve;
  }

  async #followStderr(): Promise<void> {
    for (;;) {
      const chunk = await this.#stderr.read();
      if (chunk === null) break;
      this.#tail.push(chunk);
    }
    this.#stderrEnded = true;
    this.#settle();
  }

  /** Finishes when the leader has ended, both pipes are drained, and a stop has done what it can. */
  #settle(): void {
    const stopping = this.#stop !== null && this.#leftByStop === null;
    const gaveUp = this.#leftByStop !== null && this.#leftByStop > 0;
    const drained = this.#stdoutEnded && this.#stderrEnded;
    if (!stopping && (gaveUp || (drained && this.#exit !== null))) this.#finish();
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    const { spawned, listener, onFinished } = this.#parts;
    this.#endPipe(spawned.stdout, this.#stdout.held);
    this.#endPipe(spawned.stderr, this.#stderr.held);
    onFinished();
    const output = {
      stdoutBytes: spawned.stdout.bytes,
      stderrBytes: spawned.stderr.bytes,
      stderrTail: this.#tail.text(),
    };
    const left = this.#leftByStop ?? 0;
    listener.finished(output, left === 0 ? null : `${left} of its processes could not be killed`);
    this.#waitsForFinish?.();
  }

  #endPipe(pipe: OutputPipe, held: boolean): void {
    if (held) this.#parts.leftoverPipes.keep(pipe);
    else pipe.close();
  }
}

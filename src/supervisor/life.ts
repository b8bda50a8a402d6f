import type { Exit, JobSpec, OutputSummary } from "../core/job.ts";
import type { Limits } from "../core/limits.ts";
import type { ProcessInput, ProcessListener } from "../core/ports.ts";
import type { DrainedPipe } from "./drain.ts";
import type { LeftoverPipes } from "./leftoverPipes.ts";
import type { Mark } from "./mark.ts";
import { signalTree, type Tree } from "./signal.ts";
import { TreeStop } from "./stop.ts";
import type { Sweeper } from "./sweep.ts";
import { Timeouts } from "./timeouts.ts";

/** What is the same for every process that has been executed. */
export interface Started {
  readonly pid: number;
  /** stdin, when it is open. */
  readonly input: ProcessInput | null;
}

/** What every kind of supervised process is made from. */
export interface ProcessParts<Spawned extends Started = Started> {
  readonly mark: Mark;
  readonly spec: JobSpec;
  readonly spawned: Spawned;
  readonly listener: ProcessListener;
  readonly limits: Limits;
  readonly sweeper: Sweeper;
  readonly leftoverPipes: LeftoverPipes;
  /** Called right before the listener hears `finished`. */
  readonly onFinished: () => void;
}

/** Who reads the output of the process. */
interface OutputOwner {
  /** True when all output has come. */
  isDrained(): boolean;
  /** The pipes are closed: what came through them. */
  summary(): OutputSummary;
  /** The listener has heard of the end. */
  whenFinished?(): void;
}

/** What is the same in every process's life, whoever reads its output: timeouts, exit, stop and end. */
export class ProcessLife {
  readonly #parts: ProcessParts;
  readonly #owner: OutputOwner;
  readonly #pipes: readonly DrainedPipe[];
  readonly #timeouts: Timeouts;
  #exit: Exit | null = null;
  #stop: TreeStop | null = null;
  /** How many processes a stop has left; null until it is done. */
  #leftByStop: number | null = null;
  #finished = false;

  constructor(parts: ProcessParts, pipes: readonly DrainedPipe[], owner: OutputOwner) {
    this.#parts = parts;
    this.#pipes = pipes;
    this.#owner = owner;
    this.#timeouts = new Timeouts(parts.spec, (reason) => parts.listener.limitReached(reason));
  }

  get hasExited(): boolean {
    return this.#exit !== null;
  }

  get isStopping(): boolean {
    return this.#stop !== null;
  }

  get hasFinished(): boolean {
    return this.#finished;
  }

  /** Output has come. */
  noteOutput(): void {
    this.#timeouts.noteOutput();
  }

  /** The leader has ended; the owner calls `settle` when it has seen to the output. */
  leaderExited(exit: Exit): void {
    const { listener, spec, limits } = this.#parts;
    this.#exit = exit;
    this.#parts.spawned.input?.close();
    this.#timeouts.end();
    listener.exited(exit);
    for (const pipe of this.#pipes) pipe.leaderExited();
    this.#stop?.look();
    if (spec.leftovers === "stop" && this.#stop === null)
      this.stop(spec.stopGraceSeconds ?? limits.stopGraceSeconds);
  }

  /** Sends a signal to the whole group; false when the leader has ended. */
  signal(name: string): boolean {
    if (this.#exit !== null) return false;
    signalTree(this.#tree(), [], name as NodeJS.Signals);
    return true;
  }

  #tree(): Tree {
    const { mark, spawned, spec } = this.#parts;
    const hasTerminal = spec.tty !== null;
    return { mark, leader: spawned.pid, hasTerminal, leaderAlive: () => this.#exit === null };
  }

  /** TERM to the tree, KILL after the grace time; a later call may shorten it. */
  stop(graceSeconds: number): void {
    if (this.#finished) return;
    if (this.#stop !== null) {
      this.#stop.hasten(graceSeconds);
      return;
    }
    const { sweeper, limits } = this.#parts;
    this.#stop = new TreeStop(this.#tree(), sweeper, graceSeconds);
    this.#stop.run(limits.killSeconds).then((left) => {
      this.#leftByStop = left;
      this.settle();
      // A client that reads nothing must not keep a stopped job alive: its answer is cut anyway.
      setTimeout(() => this.finish(), limits.drainMaxSeconds * 1_000);
    });
  }

  /** Finishes when the leader has ended, the output is drained, and a stop has done what it can. */
  settle(): void {
    const stopping = this.#stop !== null && this.#leftByStop === null;
    const gaveUp = this.#leftByStop !== null && this.#leftByStop > 0;
    if (!stopping && (gaveUp || (this.#exit !== null && this.#owner.isDrained()))) this.finish();
  }

  /** Closes the pipes and tells the listener, once. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#timeouts.end();
    const { listener, leftoverPipes, onFinished } = this.#parts;
    for (const { pipe, held } of this.#pipes) {
      if (held) leftoverPipes.keep(pipe);
      else pipe.close();
    }
    onFinished();
    const left = this.#leftByStop ?? 0;
    const detail = left === 0 ? null : `${left} of its processes could not be killed`;
    listener.finished(this.#owner.summary(), detail);
    this.#owner.whenFinished?.();
  }
}

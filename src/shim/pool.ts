import { ErrandError } from "../core/errors.ts";
import { type ShimProcess, startShimProcess } from "../supervisor/shimProcess.ts";
import { Connection, type ConnectionHandler } from "./connection.ts";
import { type Frame, messageFrame } from "./frames.ts";
import { type ServerMessage, type ShimMessage, type ShimSetup, shimProtocolVersion } from "./messages.ts";

/** More at once would only get into each other's way: a start is nearly all computing. */
const startsAtOnce = 4;
/** So many wait for jobs at most. */
const mostIdle = 8;
/** One that nobody wants goes after this time. */
const idleMilliseconds = 30_000;
/** A new one that has not connected by then never will. */
const startMilliseconds = 20_000;
/** Then a shim is old, and its memory is given back. */
const mostJobs = 200;

interface PoolParts {
  /** The program and its arguments that lead to `runShim`, without the socket. */
  readonly command: () => readonly string[];
  /** Where new shims connect to. */
  readonly socket: string;
  readonly setup: ShimSetup;
  /** Throws when no more processes may be started. */
  readonly checkRoom: () => void;
  readonly onError: (message: string) => void;
}

interface Waiting {
  resolve(shim: PooledShim): void;
  reject(error: unknown): void;
}

/** A shim that is connected, and has nothing to do or one job. */
export interface PooledShim {
  readonly connection: Connection;
  /** Jobs that it has been given. */
  jobs: number;
}

/**
 * Shims of this server that have no job. To start one takes longer than most commands run, so that one is kept ready,
 * and one whose job has ended takes the next.
 */
export class ShimPool {
  readonly #parts: PoolParts;
  readonly #unlisten: () => void;
  readonly #children = new Set<number>();
  readonly #starting = new Map<number, { readonly process: ShimProcess; readonly timer: Timer }>();
  readonly #idle: { readonly shim: PooledShim; readonly timer: Timer }[] = [];
  readonly #waiting: Waiting[] = [];
  #closed = false;

  /** Listens at once; shims are started when they are wanted. */
  constructor(parts: PoolParts) {
    this.#parts = parts;
    this.#unlisten = Connection.listen(parts.socket, (connection) => this.#greet(connection));
  }

  /** True for a process that this pool has started. */
  owns(pid: number): boolean {
    return this.#children.has(pid);
  }

  /** A shim for one job. Rejects with `too-many-jobs`, or when none can be started. */
  acquire(): Promise<PooledShim> {
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      clearTimeout(idle.timer);
      idle.shim.jobs += 1;
    }
    const shim =
      idle !== undefined
        ? Promise.resolve(idle.shim)
        : new Promise<PooledShim>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#startMore();
    return shim;
  }

  /** Its job has ended. */
  release(shim: PooledShim): void {
    shim.connection.handler = this.#idleHandler(shim);
    if (shim.connection.closed) return;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#give(shim, next);
    else if (this.#closed || this.#idle.length >= mostIdle || shim.jobs >= mostJobs) shim.connection.close();
    else this.#keep(shim);
  }

  /** Lets go of all: those without a job end. */
  close(): void {
    this.#closed = true;
    this.#unlisten();
    for (const { reject } of this.#waiting.splice(0)) reject(died());
    for (const { shim, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      shim.connection.close();
    }
    for (const { process, timer } of this.#starting.values()) {
      clearTimeout(timer);
      process.end();
    }
  }

  #give(shim: PooledShim, { resolve }: Waiting): void {
    shim.jobs += 1;
    resolve(shim);
  }

  #keep(shim: PooledShim): void {
    const timer = setTimeout(() => shim.connection.close(), idleMilliseconds);
    timer.unref();
    this.#idle.push({ shim, timer });
  }

  /** One for each that waits, and one in reserve. */
  #startMore(): void {
    const wanted = this.#waiting.length + (this.#idle.length === 0 ? 1 : 0);
    while (!this.#closed && this.#starting.size < Math.min(wanted, startsAtOnce)) {
      try {
        this.#parts.checkRoom();
        this.#start();
      } catch (error) {
        // The one in reserve can wait. Of those who are waiting, those are told for whom none is being started.
        for (const waiting of this.#waiting.splice(this.#starting.size)) waiting.reject(error);
        return;
      }
    }
  }

  #start(): void {
    const { command, socket } = this.#parts;
    const process = startShimProcess([...command(), socket]);
    const timer = setTimeout(() => process.end(), startMilliseconds);
    timer.unref();
    this.#children.add(process.pid);
    this.#starting.set(process.pid, { process, timer });
    process.ended.finally(() => {
      this.#children.delete(process.pid);
      if (this.#closed || !this.#started(process.pid)) return;
      this.#parts.onError("a shim has ended before it had connected");
      this.#waiting.shift()?.reject(died());
      if (this.#waiting.length > 0) this.#startMore();
    });
  }

  /** False when it had been started before. */
  #started(pid: number): boolean {
    const starting = this.#starting.get(pid);
    if (starting === undefined) return false;
    clearTimeout(starting.timer);
    return this.#starting.delete(pid);
  }

  #greet(connection: Connection): ConnectionHandler {
    return {
      onFrame: (frame) => {
        const hello = helloOf(frame);
        if (hello === null || this.#closed || !this.#started(hello.pid)) {
          connection.close();
          return;
        }
        const { setup } = this.#parts;
        const welcome: ServerMessage = { type: "welcome", version: shimProtocolVersion, setup };
        connection.send(messageFrame(welcome));
        this.release({ connection, jobs: 0 });
        this.#startMore();
      },
      onClose: () => {},
    };
  }

  /** For one that has no job: there is nothing to hear from it but its end. */
  #idleHandler(shim: PooledShim): ConnectionHandler {
    return {
      onFrame: () => shim.connection.close(),
      onClose: () => {
        const place = this.#idle.findIndex((idle) => idle.shim === shim);
        if (place < 0) return;
        clearTimeout(this.#idle[place]?.timer);
        this.#idle.splice(place, 1);
      },
    };
  }
}

function died(): ErrandError {
  return new ErrandError("internal", "the process to supervise the job has died");
}

function helloOf(frame: Frame): Extract<ShimMessage, { type: "hello" }> | null {
  if (frame.kind !== "message") return null;
  const message = frame.message as ShimMessage;
  const isHello = message.type === "hello" && message.version === shimProtocolVersion;
  return isHello ? message : null;
}

import type { JobSpec } from "../core/job.ts";
import { claimJob } from "../spool/shimRecord.ts";
import { LocalSupervisor } from "../supervisor/supervisor.ts";
import { Connection, type ConnectionHandler } from "./connection.ts";
import { type Frame, messageFrame } from "./frames.ts";
import { type ServerMessage, type ShimMessage, type ShimSetup, shimProtocolVersion } from "./messages.ts";
import { ShimSession } from "./session.ts";

/** Dead orphans are few here: a look now and then costs nothing, even with thousands of shims. */
const reapMilliseconds = 5_000;

type RunMessage = Extract<ServerMessage, { type: "run" }>;

/**
 * The shim process: connects to the server's socket and runs the jobs that it is given, one at a time. When the server
 * goes it finishes what it has, and then ends.
 */
export async function runShim(serverSocket: string): Promise<void> {
  // What stops a group, a terminal or a session is not meant for the one who is to tell how that went.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const) process.on(signal, () => {});
  await new Promise<void>((resolve, reject) => {
    const shim = new Shim(resolve);
    Connection.open(serverSocket, (connection) => shim.accept(connection)).catch(reject);
  });
}

class Shim {
  readonly #onIdle: () => void;
  #server: Connection | null = null;
  #setup: ShimSetup | null = null;
  #supervisor: LocalSupervisor | null = null;
  #session: ShimSession | null = null;
  /** Where the job is that is being started. */
  #directory = "";
  #given: Uint8Array[] = [];

  /** `onIdle`: there is nothing left to do. */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** A server has come: from now on it is the one that is spoken to. */
  accept(connection: Connection): ConnectionHandler {
    const before = this.#server;
    this.#server = connection;
    before?.close();
    this.#report({
      type: "hello",
      version: shimProtocolVersion,
      pid: process.pid,
      job: this.#session?.snapshot() ?? null,
    });
    if (this.#session !== null) this.#session.hasServer = true;
    return {
      onFrame: (frame) => {
        if (this.#server === connection) this.#receive(frame);
      },
      onClose: () => {
        if (this.#server === connection) this.#lost();
      },
    };
  }

  #report(message: ShimMessage): void {
    this.#server?.send(messageFrame(message));
  }

  #lost(): void {
    this.#server = null;
    if (this.#session !== null && !this.#session.over) this.#session.hasServer = false;
    else this.#end();
  }

  /** What descendants of ended jobs still write is read as long as they do. */
  #end(): void {
    if (this.#supervisor === null) this.#onIdle();
    else this.#supervisor.whenNoLeftovers(this.#onIdle);
  }

  #receive(frame: Frame): void {
    switch (frame.kind) {
      case "input":
        this.#session?.write(frame.writer, frame.bytes);
        return;
      case "given":
        this.#given.push(frame.bytes);
        return;
      case "message":
        this.#handle(frame.message as ServerMessage);
        return;
    }
  }

  #handle(message: ServerMessage): void {
    switch (message.type) {
      case "welcome":
        this.#welcome(message);
        return;
      case "run":
        this.#run(message);
        return;
      case "settled":
        this.#session = null;
        return;
      default:
        this.#session?.handle(message);
    }
  }

  #welcome({ version, setup }: Extract<ServerMessage, { type: "welcome" }>): void {
    if (version !== shimProtocolVersion) {
      this.#server?.close();
      return;
    }
    if (setup === null || this.#setup !== null) return;
    const { limits, environment, directory, softOpenFiles } = setup;
    this.#setup = setup;
    this.#supervisor = new LocalSupervisor({
      settings: { environment, directory, softOpenFiles },
      ...{ limits, reapMilliseconds, isHelper: () => false },
      liveJobs: { add: (_id, mark) => claimJob(this.#directory, mark), delete() {} },
    });
  }

  #run({ job, spec: sent, directory, keptBytes }: RunMessage): void {
    const [setup, supervisor] = [this.#setup, this.#supervisor];
    if (setup === null || supervisor === null || this.#session !== null) {
      this.#server?.close();
      return;
    }
    this.#directory = directory;
    const stdin = sent.stdin === "given" ? Buffer.concat(this.#given) : sent.stdin;
    this.#given = [];
    const spec: JobSpec = { ...sent, stdin };
    this.#session = new ShimSession({
      ...{ job, spec, directory, keptBytes, setup, supervisor },
      report: (message) => this.#report(message),
      accept: (connection) => this.accept(connection),
      onOver: () => {
        // A server that is there is waited for: the end may not be on record yet.
        if (this.#server === null) this.#end();
      },
    });
    this.#session.start();
  }
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Broker } from "../../../src/core/broker.ts";
import { EventBus } from "../../../src/core/eventBus.ts";
import { IdSource } from "../../../src/core/ids.ts";
import { type JobId, type JobSpec, plainSpec } from "../../../src/core/job.ts";
import { defaultLimits, type Limits } from "../../../src/core/limits.ts";
import type { OutputSink, OutputStream, ProcessListener } from "../../../src/core/ports.ts";
import { DataQuota } from "../../../src/core/quota.ts";
import { FileSpool } from "../../../src/spool/spool.ts";
import { Claims, Command, Commands, ManualClock, noShims, Records } from "./fake-ports.ts";

/** A supervisor whose commands write what a test tells them to. */
class Writers extends Commands {
  sink: OutputSink | null = null;

  override startSpooled = (
    _id: bigint,
    _spec: JobSpec,
    listener: ProcessListener,
    sink?: OutputSink,
  ): Command => {
    this.sink = sink ?? null;
    const command = new Command(listener);
    this.started.push(command);
    return command;
  };
}

/** A job with a real spool and a real broker, whose command is the test. */
export class FollowedJob {
  readonly clock = new ManualClock();
  readonly history = new Records();
  readonly broker: Broker;
  readonly spool: FileSpool;
  readonly #folder = mkdtempSync(join(tmpdir(), "errand-follow-"));
  readonly #supervisor = new Writers();
  id: JobId = "";

  constructor(changed: Partial<Limits> = {}) {
    const limits = { ...defaultLimits(), ...changed };
    const wall = this.clock.wall;
    this.spool = new FileSpool({
      ...{ data: this.#folder, limits, quota: new DataQuota(limits.dataBytes), wall },
      onError: (error) => {
        throw error;
      },
    });
    this.broker = new Broker({
      ...{
        node: "here",
        supervisor: this.#supervisor,
        shims: noShims,
        spool: this.spool,
        history: this.history,
      },
      ...{
        aliases: new Claims(),
        clock: this.clock,
        ids: new IdSource(wall, 0),
        bus: new EventBus(8),
        limits,
      },
      log: { started: () => {}, ended: () => {} },
    });
  }

  /** Starts the job. */
  async start(more: Partial<JobSpec> = {}): Promise<this> {
    const spec: JobSpec = { ...plainSpec, command: ["true"], mode: "background", ...more };
    this.id = (await this.broker.startBackground(spec, { owner: "local", door: "v1" })).job.id;
    return this;
  }

  /** The command writes this, after so much time. */
  write(stream: OutputStream, bytes: Uint8Array | string, afterMilliseconds = 0): void {
    this.clock.pass(afterMilliseconds);
    // A copy: who keeps it may not see what becomes of the chunk.
    this.#supervisor.sink?.write(stream, Uint8Array.from(Buffer.from(bytes)));
  }

  /** The command ends. */
  end(code = 0): void {
    const { listener } = this.#supervisor.last;
    listener.exited({ code, signal: null });
    const summary = this.#supervisor.sink?.summary();
    if (summary === undefined) throw new Error("it was not started");
    listener.finished({ ...summary, stderrTail: "" }, null);
  }

  /** Removes what it left on the disk. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Broker } from "../core/broker.ts";
import type { Survivor } from "../core/shimPorts.ts";
import type { ShimSetup } from "../shim/messages.ts";
import { ShimPool } from "../shim/pool.ts";
import { ShimSupervisor } from "../shim/shims.ts";
import { jobsDirectory } from "../spool/layout.ts";
import { Reserve } from "../supervisor/reserve.ts";

/** Jobs of an earlier server are waited for no longer than this; those that do not answer are followed later. */
const adoptionMilliseconds = 2_000;

interface ShimParts {
  readonly data: string;
  /** The runtime, with what it is told at each start of this program. */
  readonly runtime: readonly string[];
  /** The program itself. */
  readonly program: string;
  readonly setup: ShimSetup;
  readonly logger: Logger;
}

/** What runs surviving jobs. `owns` knows its processes; `preload` makes ready what the first job would have to wait for. */
export function makeShims({ data, runtime, program, setup, logger }: ShimParts): {
  readonly supervisor: ShimSupervisor;
  readonly owns: (pid: number) => boolean;
  readonly preload: () => Promise<void>;
} {
  const socket = join(data, "shims.sock");
  // The last server's: this one has the lock of the directory.
  rmSync(socket, { force: true });
  const onError = (message: string) => logger.error(message);
  const reserve = new Reserve(setup.limits);
  const checkRoom = () => reserve.checkProcesses();
  const script = new ShimScript(join(data, "shim.js"));
  const command = () => [...runtime, ...(script.path() ?? [program, "shim"])];
  const pool = new ShimPool({ command, socket, setup, checkRoom, onError });
  return {
    supervisor: new ShimSupervisor(pool, onError),
    owns: (pid) => pool.owns(pid),
    preload: () => script.make(),
  };
}

/**
 * What a shim runs, in one file: loaded module by module it takes nearly twice as long to start. Until it is there, and
 * where it cannot be made, shims begin as the program itself does.
 */
class ShimScript {
  readonly #file: string;
  #made: Promise<void> | null = null;
  #usable = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** Null while there is none. */
  path(): readonly [string] | null {
    this.make().catch(() => {});
    return this.#usable ? [this.#file] : null;
  }

  /** Makes it, once. */
  make(): Promise<void> {
    this.#made ??= this.#make();
    return this.#made;
  }

  async #make(): Promise<void> {
    const entry = join(import.meta.dir, "../shim/entry.ts");
    const { outputs } = await Bun.build({ entrypoints: [entry], target: "bun", minify: true });
    const text = await outputs[0]?.text();
    if (text === undefined) return;
    writeFileSync(this.#file, text, { mode: 0o600 });
    this.#usable = true;
  }
}

interface Adoption {
  readonly survivors: readonly Survivor[];
  readonly broker: Broker;
  readonly shims: ShimSupervisor;
  readonly data: string;
  readonly logger: Logger;
}

/** Takes over what an earlier server has left running. Resolves when it is known how all of it stands. */
export async function adoptJobs({ survivors, broker, shims, data, logger }: Adoption): Promise<void> {
  if (survivors.length === 0) return;
  const adoptions = survivors.map((survivor) => {
    const { job } = survivor;
    return shims.adopt(job, join(jobsDirectory(data), job.id), broker.adopt(survivor));
  });
  await Promise.race([Promise.all(adoptions), Bun.sleep(adoptionMilliseconds)]);
  logger.info({ jobs: survivors.length }, "jobs of an earlier server go on");
}

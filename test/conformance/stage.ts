import { test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { WireJob } from "../../src/protocol/job.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import type { Server, ServerOptions } from "../support/server.ts";
import { until } from "../support/wait.ts";
import {
  type Adapter,
  type Client,
  endMilliseconds,
  flagOfField,
  Refused,
  type Run,
  type Spec,
  type Told,
} from "./adapter.ts";
import { expectAgreement } from "./agreement.ts";
import type { Flag } from "./flags.ts";

/** What the servers of the suite are started with. */
const surroundings: ServerOptions = {
  env: { OF_THE_SERVER: "secret", ERRAND_LIMITS_STOP_GRACE_SECONDS: "1" },
  config: `
[environment]
CONFIGURED = "by the operator"
BOTH = "by the operator"
[callbacks]
allowPrivate = ["127.0.0.0/8"]
`,
};

/** Where the behaviours of one way in are tried: a server in a directory of its own, and a client of it. */
export class Stage {
  readonly adapter: Adapter;
  /** How many behaviours each flag has switched off. */
  readonly notTried = new Map<Flag, number>();
  /** What the next behaviours are about. */
  part = "";
  #client: Client | null = null;
  #home = "";

  constructor(adapter: Adapter) {
    this.adapter = adapter;
  }

  /** The directory in which the server was started; `below` is a directory in it. */
  get home(): string {
    return this.#home;
  }

  get client(): Client {
    if (this.#client === null) throw new Error("the server of the suite has not been started");
    return this.#client;
  }

  get server(): Server {
    return this.client.server;
  }

  async start(): Promise<void> {
    this.#home = temporaryDirectory("conformance");
    mkdirSync(join(this.#home, "below"));
    this.#client = await this.another();
  }

  /** One more server of the same kind; on the data of an earlier one, if that is given. */
  another(options: ServerOptions = {}): Promise<Client> {
    return this.adapter.start({ ...surroundings, cwd: this.#home, ...options });
  }

  has(flag: Flag): boolean {
    return this.adapter.flags[flag] === true;
  }

  /** One behaviour as a test, unless a flag that it needs is off. */
  behaviour(title: string, needs: readonly Flag[], body: () => Promise<void>): void {
    const off = needs.find((flag) => !this.has(flag));
    if (off === undefined) test(`${this.part}: ${title}`, body);
    else this.notTried.set(off, (this.notTried.get(off) ?? 0) + 1);
  }

  /** Asks for a command. A field whose flag is off is an error of the behaviour, which should have said so. */
  begin(spec: Spec, client: Client = this.client): Promise<Run> {
    for (const [field, flag] of Object.entries(flagOfField)) {
      if (Object.hasOwn(spec, field) && !this.has(flag)) throw new Error(`${field} needs the flag ${flag}`);
    }
    return client.begin(spec);
  }

  /** Runs a command to its end; its record must agree with what was told. */
  async run(spec: Spec, client: Client = this.client): Promise<{ told: Told; job: WireJob }> {
    const { ended } = await this.begin(spec, client);
    const told = await ended;
    const job = await jobOf(client.server, told.jobId);
    expectAgreement(this.adapter, { told, job, spec });
    return { told, job };
  }

  /** Why the door would not run it; running it fails the behaviour. */
  async refusal(spec: Spec): Promise<Refused> {
    try {
      const { ended } = await this.begin(spec);
      throw new Error(`it was not refused: ${JSON.stringify(await ended)}`);
    } catch (error) {
      if (error instanceof Refused) return error;
      throw error;
    }
  }

  /** The running job that has this as one of its arguments, or in its line for the shell. */
  async running(token: string): Promise<WireJob> {
    const find = async () => {
      const response = await this.server.request("/v1/jobs?state=running&limit=500");
      const { jobs } = (await response.json()) as { jobs: WireJob[] };
      return jobs.find(({ command }) => command.some((argument) => argument.includes(token)));
    };
    return until(find, { describe: "the job to be on record as running" });
  }

  /** `POST /v1/jobs/{id}/stop`: the job as it is when its tree is gone. */
  async stop(id: string, graceSeconds: number): Promise<WireJob> {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ graceSeconds });
    const response = await this.server.request(`/v1/jobs/${id}/stop`, { method: "POST", headers, body });
    return (await response.json()) as WireJob;
  }
}

/** `GET /v1/jobs/{id}`, once the job has ended. */
export async function jobOf(server: Server, id: string): Promise<WireJob> {
  const response = await server.request(`/v1/jobs/${id}?wait=${endMilliseconds / 1_000}`);
  if (response.status !== 200) throw new Error(`job ${id}: ${response.status}: ${await response.text()}`);
  return (await response.json()) as WireJob;
}

/** `GET /v1/jobs/{id}/stdout` or `/stderr`. */
export async function keptOf(server: Server, id: string, stream: "stdout" | "stderr"): Promise<Uint8Array> {
  const response = await server.request(`/v1/jobs/${id}/${stream}`);
  if (response.status !== 200) throw new Error(`${stream} of ${id}: ${response.status}`);
  return response.bytes();
}

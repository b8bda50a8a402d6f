import type { RequestOptions } from "../../support/request.ts";
import { type Server, startServer } from "../../support/server.ts";
import { makeToken } from "../../support/tokens.ts";
import { endOf, postJob, startJob } from "./v1-start.ts";

const json = { "content-type": "application/json" };

/** A request with a JSON body. */
export function jsonRequest(method: string, body: unknown, more: RequestOptions = {}): RequestOptions {
  return { ...more, method, headers: json, body: typeof body === "string" ? body : JSON.stringify(body) };
}

/** Servers and jobs in every state that an answer depends on. */
export interface Stage {
  readonly server: Server;
  /** Where the next job, and the next stream, is one too many. */
  readonly small: Server;
  /** Its data directory is full. */
  readonly full: Server;
  /** Takes no more jobs. */
  readonly draining: Server;
  /** Jobs of `server`; `streamed` is one of `small`. */
  readonly ids: Readonly<Record<"ended" | "running" | "open" | "terminal" | "called" | "streamed", string>>;
  /** Tokens that may only read, and only run. */
  readonly reader: string;
  readonly runner: string;
}

/** The smallest that can be configured. */
const smallestData = 16 * 1024 * 1024;

/** Sets all of it up. */
export async function setStage(): Promise<Stage> {
  const callbacks = '[callbacks]\nallowPrivate = ["127.0.0.0/8"]\n';
  const [server, small, full, draining] = await Promise.all([
    startServer({ config: callbacks }),
    startServer({ config: "[limits]\nmaxRunningJobs = 1\nfollowers = 1\n" }),
    startServer({ config: `[limits]\ndataBytes = ${smallestData}\n` }),
    startServer({ config: "[limits]\nshutdownDrainSeconds = 60\n" }),
  ]);
  const sleep = { command: ["sleep", "60"] };
  // Nobody listens there; the event is on record all the same.
  const callback = { url: "http://127.0.0.1:9/", events: ["job.started"] };
  const started = {
    ended: await startJob(server, { shell: "echo output; echo error >&2" }),
    running: await startJob(server, sleep),
    open: await startJob(server, { command: ["sleep", "60"], stdin: "open" }),
    terminal: await startJob(server, { command: ["sleep", "60"], tty: { cols: 80, rows: 24 } }),
    called: await startJob(server, { command: ["true"], callback }),
    streamed: await startJob(small, sleep),
  };
  await endOf(server, started.ended.id);
  await endOf(server, started.called.id);
  await fill(full);
  await startJob(draining, { ...sleep, survive: false });
  await (await draining.request("/v1/shutdown", jsonRequest("POST", {}))).text();
  const [reader, runner] = [await makeToken(server, ["read"]), await makeToken(server, ["run"])];
  const ids = Object.fromEntries(Object.entries(started).map(([name, { id }]) => [name, id])) as Stage["ids"];
  return { server, small, full, draining, ids, reader: reader.secret, runner: runner.secret };
}

/** Running jobs alone have the room, so that none can be made. */
async function fill(server: Server): Promise<void> {
  const flood = `head -c ${2 * smallestData} /dev/zero; sleep 60`;
  await startJob(server, { shell: flood });
  for (;;) {
    const response = await postJob(server, { command: ["sleep", "60"] });
    await response.text();
    if (response.status === 507) return;
    if (response.status !== 201) throw new Error(`${response.status} while the data directory is filled`);
  }
}

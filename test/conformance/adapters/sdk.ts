import { Errand } from "../../../src/sdk/errand.ts";
import { ErrandError } from "../../../src/sdk/errors.ts";
import type { EndedEvent } from "../../../src/sdk/eventTypes.ts";
import type { Job } from "../../../src/sdk/job.ts";
import type { Outcome } from "../../../src/sdk/jobTypes.ts";
import type { JobSpec } from "../../../src/sdk/specTypes.ts";
import { startServer } from "../../support/server.ts";
import {
  type Adapter,
  endMilliseconds,
  notHere,
  Refused,
  type Run,
  type Spec,
  type Told,
} from "../adapter.ts";
import { v1 } from "./v1.ts";

const elsewhere = "the adapter for the background tries it";

/** The SDK with jobs that are attached to their events, and go on without them. */
export const sdkAttached: Adapter = {
  name: "SDK, attached",
  mode: "attached",
  flags: {
    ...v1.flags,
    stopsWithClient: "it is asked to go on: what it writes then must be kept",
    background: elsewhere,
    survives: elsewhere,
    detached: elsewhere,
  },
  async start(options) {
    const server = await startServer(options);
    const errand = new Errand({ url: server.url, token: server.token });
    return {
      server,
      begin: async (spec) =>
        follow(await startIt(errand, { ...specOf(spec), mode: "attached", onDisconnect: "detach" })),
      launch: notHere,
      letGo: notHere,
      readNotice: notice,
    };
  },
};

/** The SDK with jobs in the background: waited for, then their output fetched. */
export const sdkBackground: Adapter = {
  name: "SDK, in the background",
  mode: "background",
  flags: v1.flags,
  async start(options) {
    const server = await startServer(options);
    const errand = new Errand({ url: server.url, token: server.token });
    const launch = async (spec: Spec) => (await startIt(errand, specOf(spec))).id;
    return {
      server,
      begin: async (spec) => waitFor(errand.job(await launch(spec))),
      launch,
      letGo: async (spec) => (await startIt(errand, { ...specOf(spec), mode: "detached" })).id,
      readNotice: notice,
    };
  },
};

/** A spec in the words of the SDK. */
export function specOf({ command, stdin, callbackUrl, outputBytes, ...same }: Spec): JobSpec {
  return {
    ...same,
    ...(typeof command === "string" ? { shell: command } : { command }),
    ...(stdin && { stdin: { base64: Buffer.from(stdin).toString("base64") } }),
    ...(outputBytes !== undefined && { limits: { outputBytes } }),
    ...(callbackUrl !== undefined && { callback: { url: callbackUrl } }),
  };
}

/** Throws `Refused`. */
export async function startIt(errand: Errand, spec: JobSpec): Promise<Job> {
  try {
    return await errand.start(spec);
  } catch (error) {
    if (error instanceof ErrandError) throw new Refused(error.code, error.detail);
    throw error;
  }
}

function follow(job: Job): Run {
  const controller = new AbortController();
  const ended = collect(job, controller.signal);
  return leaving(job.id, ended, controller);
}

function waitFor(job: Job): Run {
  const controller = new AbortController();
  const ended = fetchAll(job, controller.signal);
  return leaving(job.id, ended, controller);
}

/** A command whose client can go away. */
export function leaving(jobId: string, ended: Promise<Told>, controller: AbortController): Run {
  // Who leaves does not look at it.
  ended.catch(() => undefined);
  return { jobId, ended, leave: () => controller.abort() };
}

async function collect(job: Job, signal: AbortSignal): Promise<Told> {
  const pieces = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  let end: EndedEvent | null = null;
  let isWhole = true;
  for await (const event of job.events({ signal })) {
    if (event.type === "stdout" || event.type === "stderr") pieces[event.type].push(event.bytes);
    else if (event.type === "gap") isWhole = false;
    else if (event.type === "ended") end = event;
  }
  if (end === null) throw new Error(`the events of job ${job.id} have no end`);
  const [stdout, stderr] = [Buffer.concat(pieces.stdout), Buffer.concat(pieces.stderr)];
  const whole = isWhole && !end.job.stdout.truncated && !end.job.stderr.truncated;
  return { ...endOf(job, end.outcome), stdout, stderr, whole };
}

async function fetchAll(job: Job, signal: AbortSignal): Promise<Told> {
  const { outcome, ...record } = await job.wait({ seconds: endMilliseconds / 1_000, signal });
  // What is kept; whether that is all says the record.
  const stdout = await new Response(job.stdout({ signal, follow: false })).bytes();
  const stderr = await new Response(job.stderr({ signal, follow: false })).bytes();
  const whole = !record.stdout.truncated && !record.stderr.truncated;
  return { ...endOf(job, outcome), stdout, stderr, whole };
}

function endOf({ id }: Job, outcome: Outcome | null) {
  if (outcome === null) throw new Error(`job ${id} has not ended`);
  const { code, signal, reason } = outcome;
  return { jobId: id, code, signal, reason };
}

/** Callbacks do not come through the SDK. */
export const notice: Awaited<ReturnType<Adapter["start"]>>["readNotice"] = (body) => {
  const { job } = JSON.parse(body) as { job: { id: string; outcome: Outcome } };
  const { code, signal, reason } = job.outcome;
  return { jobId: job.id, code, signal, reason };
};

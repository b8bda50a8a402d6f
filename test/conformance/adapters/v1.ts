import type { WireJob } from "../../../src/protocol/job.ts";
import { type Server, startServer } from "../../support/server.ts";
import {
  type Adapter,
  endMilliseconds,
  type Notice,
  Refused,
  type Run,
  type Spec,
  type Told,
} from "../adapter.ts";

/** The door `v1` through background jobs: start one, wait for its end, fetch what it has written. */
export const v1: Adapter = {
  name: "v1 in the background",
  mode: "background",
  flags: {
    argv: true,
    anyText: true,
    cwd: true,
    env: true,
    exactBytes: true,
    stderr: true,
    ending: true,
    reason: true,
    errorCodes: true,
    stopsWithClient: "a background job runs on whatever its client does",
    alias: true,
    stdin: true,
    mergeOutput: true,
    discardOutput: true,
    leftoversStop: true,
    successExitCodes: true,
    runTimeout: true,
    idleTimeout: true,
    outputLimit: true,
    keptOutput: true,
    background: true,
    survives: true,
    detached: true,
    callback: true,
  },
  async start(options) {
    const server = await startServer(options);
    const launch = async (spec: Spec) => (await post(server, bodyOf(spec))).id;
    return {
      server,
      begin: async (spec) => follow(server, await launch(spec)),
      launch,
      letGo: async (spec) => (await post(server, { ...bodyOf(spec), mode: "detached" })).id,
      readNotice,
    };
  },
};

function bodyOf({ command, stdin, callbackUrl, outputBytes, ...same }: Spec): Record<string, unknown> {
  return {
    ...same,
    ...(typeof command === "string" ? { shell: command } : { command }),
    ...(stdin === undefined ? {} : { stdin: { base64: Buffer.from(stdin).toString("base64") } }),
    ...(outputBytes === undefined ? {} : { limits: { outputBytes } }),
    ...(callbackUrl === undefined ? {} : { callback: { url: callbackUrl } }),
  };
}

async function post(server: Server, body: unknown): Promise<WireJob> {
  const headers = { "content-type": "application/json" };
  const response = await server.request("/v1/jobs", { method: "POST", headers, body: JSON.stringify(body) });
  if (response.status === 201) return (await response.json()) as WireJob;
  const { code, detail } = (await response.json()) as { code: string; detail: string };
  throw new Refused(code, detail);
}

function follow(server: Server, jobId: string): Run {
  const controller = new AbortController();
  const ended = endOf(server, jobId, controller.signal);
  // Who leaves does not look at it.
  ended.catch(() => undefined);
  return { jobId, ended, leave: () => controller.abort() };
}

async function endOf(server: Server, jobId: string, signal: AbortSignal): Promise<Told> {
  const path = `/v1/jobs/${jobId}`;
  const response = await server.request(`${path}?wait=${endMilliseconds / 1_000}`, { signal });
  const { outcome, state, ...job } = (await response.json()) as WireJob;
  if (outcome === null) throw new Error(`job ${jobId} has not ended: ${state}`);
  const read = async (stream: "stdout" | "stderr") => (await server.request(`${path}/${stream}`)).bytes();
  const { code, signal: by, reason } = outcome;
  const whole = !job.stdout.truncated && !job.stderr.truncated;
  return {
    jobId,
    stdout: await read("stdout"),
    stderr: await read("stderr"),
    code,
    signal: by,
    reason,
    whole,
  };
}

function readNotice(body: string): Notice {
  const { type, job } = JSON.parse(body) as { type: string; job: WireJob };
  if (type !== "job.ended" || job.outcome === null) throw new Error(`not the notice of an end: ${body}`);
  const { code, signal, reason } = job.outcome;
  return { jobId: job.id, code, signal, reason };
}

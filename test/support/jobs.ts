import type { RequestOptions } from "./request.ts";
import type { Server } from "./running-server.ts";

/** The body of `POST /process`; `unknown` values let a test send what the contract refuses. */
export interface ProcessSpec {
  alias: string;
  cmd: string;
  args?: readonly string[];
  cwd?: string;
  envs?: Readonly<Record<string, string>>;
}

export interface Outcome {
  reason: string;
  code: number | null;
  signal: string | null;
  success: boolean;
  detail: string | null;
}

export interface Job {
  id: string;
  alias: string | null;
  command: string[];
  state: string;
  outcome: Outcome | null;
  pid: number | null;
  stderrTail?: string;
}

let aliases = 0;

/** An alias that no other test of this run uses. */
export function newAlias(prefix = "job"): string {
  aliases += 1;
  return `${prefix}-${process.pid}-${aliases}`;
}

/** Sends any body to `POST /process` as it is. */
export function postBody(
  server: Server,
  body: string | Uint8Array<ArrayBuffer>,
  options: RequestOptions = {},
): Promise<Response> {
  const headers = new Headers(options.headers);
  if (!headers.has("content-type")) headers.set("content-type", "application/json");
  return server.request("/process", { ...options, method: "POST", headers, body });
}

/** `POST /process`; the answer comes as soon as its headers are there. */
export function postProcess(server: Server, spec: ProcessSpec, options?: RequestOptions): Promise<Response> {
  return postBody(server, JSON.stringify(spec), options);
}

/** The request for a command line under a new alias. */
export function specOf(command: readonly string[], more: Partial<ProcessSpec> = {}): ProcessSpec {
  const [cmd = "", ...args] = command;
  return { alias: newAlias(), cmd, args, ...more };
}

/** Starts a command line under a new alias and gives its answer. */
export function start(
  server: Server,
  command: readonly string[],
  more?: Partial<ProcessSpec>,
): Promise<Response> {
  return postProcess(server, specOf(command, more));
}

export interface Finished {
  bytes: Uint8Array;
  text: string;
  job: Job;
}

/** Runs a command line to its end; the answer must be 200 and whole. */
export async function run(
  server: Server,
  command: readonly string[],
  more: Partial<ProcessSpec> = {},
): Promise<Finished> {
  const response = await start(server, command, more);
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  const bytes = await response.bytes();
  return { bytes, text: new TextDecoder().decode(bytes), job: await endedJob(server, idOf(response)) };
}

/** The id that the answer's header names. */
export function idOf(response: Response): string {
  const id = response.headers.get("errand-job-id");
  if (id === null) throw new Error("the answer names no job");
  return id;
}

/** `GET /v1/jobs/{id}`, with `?wait=` when seconds are given. */
export async function job(server: Server, id: string, waitSeconds?: number): Promise<Job> {
  const query = waitSeconds === undefined ? "" : `?wait=${waitSeconds}`;
  const response = await server.request(`/v1/jobs/${id}${query}`);
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as Job;
}

/** Waits for the job's end. */
export async function endedJob(server: Server, id: string, waitSeconds = 10): Promise<Job> {
  const found = await job(server, id, waitSeconds);
  if (found.outcome === null) throw new Error(`job ${id} has not ended: ${JSON.stringify(found)}`);
  return found;
}

/** `POST /v1/jobs/{id}/stop`; the answer comes when the tree is gone. */
export function stop(server: Server, id: string, graceSeconds?: number): Promise<Response> {
  const body = JSON.stringify(graceSeconds === undefined ? {} : { graceSeconds });
  const headers = { "content-type": "application/json" };
  return server.request(`/v1/jobs/${id}/stop`, { method: "POST", headers, body });
}

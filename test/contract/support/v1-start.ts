import type { WireJob } from "../../../src/protocol/job.ts";
import type { RequestOptions } from "../../support/request.ts";
import type { Server } from "../../support/server.ts";
import { until } from "../../support/wait.ts";
import { type Problem, problem } from "./v1.ts";

const json = { "content-type": "application/json" };

/** `POST /v1/jobs` with this body; a text is sent as it is. */
export function postJob(server: Server, body: unknown, options: RequestOptions = {}): Promise<Response> {
  return server.request("/v1/jobs", startRequest(body, options));
}

/** Starts a job, which must be answered with 201, and gives it as the answer shows it. */
export async function startJob(server: Server, spec: unknown): Promise<WireJob> {
  const response = await postJob(server, spec);
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as WireJob;
}

/** Sends a start that must be refused, and gives the problem. */
export function startProblem(server: Server, body: unknown, options: RequestOptions = {}): Promise<Problem> {
  return problem(server, "/v1/jobs", startRequest(body, options));
}

/** `GET /v1/jobs/{id}` at the job's end. */
export async function endOf(server: Server, id: string): Promise<WireJob> {
  const response = await server.request(`/v1/jobs/${id}?wait=15`);
  const job = (await response.json()) as WireJob;
  if (response.status !== 200 || job.endedAt === null) throw new Error(`no end: ${JSON.stringify(job)}`);
  return job;
}

/** Starts a job and gives it at its end. */
export async function runJob(server: Server, spec: unknown): Promise<WireJob> {
  return endOf(server, (await startJob(server, spec)).id);
}

export type Stream = "stdout" | "stderr";

/** `GET /v1/jobs/{id}/stdout` or `/stderr`. */
export function getOutput(
  server: Server,
  id: string,
  stream: Stream,
  options?: RequestOptions,
): Promise<Response> {
  return server.request(`/v1/jobs/${id}/${stream}`, options);
}

/** The text that is kept of a stream by now; it must be there. */
export async function textOf(server: Server, id: string, stream: Stream = "stdout"): Promise<string> {
  const response = await getOutput(server, id, stream);
  if (response.status !== 200) throw new Error(`${stream}: ${response.status}`);
  return response.text();
}

/** Waits until this and nothing else is kept of a running job's stream. */
export async function untilWritten(
  server: Server,
  { id, text, stream = "stdout" }: { id: string; text: string; stream?: Stream },
): Promise<void> {
  const written = async () => (await textOf(server, id, stream)) === text;
  await until(written, { describe: `${JSON.stringify(text)} on ${stream}` });
}

function startRequest(body: unknown, { headers, ...options }: RequestOptions): RequestOptions {
  const text = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  return { ...options, method: "POST", headers: { ...json, ...headersOf(headers) }, body: text };
}

function headersOf(headers: RequestOptions["headers"]): Record<string, string> {
  return Object.fromEntries(new Headers(headers));
}

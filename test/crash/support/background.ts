import { createHash } from "node:crypto";
import type { Outcome } from "../../support/jobs.ts";
import type { Server } from "../../support/server.ts";
import { within } from "../../support/wait.ts";

/** What v1 tells of one stream. */
export interface Stream {
  bytes: number | null;
  keptFrom: number | null;
  truncated: boolean;
}

/** A job as v1 tells it. */
export interface BackgroundJob {
  id: string;
  alias: string | null;
  mode: string;
  state: string;
  outcome: Outcome | null;
  failure: string | null;
  pid: number | null;
  stdout: Stream;
  stderr: Stream;
  stderrTail: string | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
  expiresAt: string | null;
}

export type OutputName = "stdout" | "stderr";
export type Spec = Readonly<Record<string, unknown>>;

/** `POST /v1/jobs`, whatever comes of it. */
export function post(
  server: Server,
  spec: Spec,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return server.request("/v1/jobs", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(spec),
  });
}

/** Starts a job in the background; the answer must be 201. */
export async function background(server: Server, spec: Spec): Promise<BackgroundJob> {
  return json(await post(server, spec), 201);
}

/** `GET /v1/jobs/{id}`; with seconds, it waits for the end so long. */
export async function look(server: Server, id: string, waitSeconds?: number): Promise<BackgroundJob> {
  const query = waitSeconds === undefined ? "" : `?wait=${waitSeconds}`;
  return json(await server.request(`/v1/jobs/${id}${query}`), 200);
}

/** The job when it has ended, within 20 seconds unless another time is said. */
export async function ended(server: Server, id: string, waitSeconds = 20): Promise<BackgroundJob> {
  const job = await look(server, id, waitSeconds);
  if (job.outcome === null) throw new Error(`it has not ended: ${JSON.stringify(job)}`);
  return job;
}

/** Starts a job and waits for its end. */
export async function ran(server: Server, spec: Spec): Promise<BackgroundJob> {
  return ended(server, (await background(server, spec)).id);
}

/** The ids of the newest 500 jobs, newest first. */
export async function listed(server: Server): Promise<string[]> {
  const response = await server.request("/v1/jobs?limit=500");
  const { jobs } = (await response.json()) as { jobs: BackgroundJob[] };
  return jobs.map(({ id }) => id);
}

/** All that is kept of a stream. */
export async function output(server: Server, id: string, stream: OutputName): Promise<Buffer> {
  const response = await server.request(`/v1/jobs/${id}/${stream}`);
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return Buffer.from(await response.arrayBuffer());
}

/** The same as text. */
export async function outputText(server: Server, id: string, stream: OutputName): Promise<string> {
  return (await output(server, id, stream)).toString();
}

/** How much is kept of a stream, and its SHA-256, without holding it. */
export async function digest(
  server: Server,
  id: string,
  stream: OutputName,
): Promise<{ bytes: number; sha256: string }> {
  const response = await server.request(`/v1/jobs/${id}/${stream}`);
  if (response.status !== 200 || response.body === null) throw new Error(`${response.status}`);
  const hash = createHash("sha256");
  let bytes = 0;
  const read = async (body: ReadableStream<Uint8Array>) => {
    for await (const chunk of body) {
      hash.update(chunk);
      bytes += chunk.byteLength;
    }
  };
  await within(read(response.body), { timeoutMilliseconds: 60_000, describe: "all of the output" });
  return { bytes, sha256: hash.digest("hex") };
}

/** A command line for a spec: a shell's, whose `$1` and so on are the arguments. */
export function shell(script: string, ...args: readonly string[]): { command: string[] } {
  return { command: ["/bin/sh", "-c", script, "sh", ...args] };
}

/** The stable code of an error, with its status. */
export async function refusal(response: Response): Promise<{ status: number; code: string }> {
  const { code } = (await response.json()) as { code: string };
  return { status: response.status, code };
}

async function json(response: Response, status: number): Promise<BackgroundJob> {
  const text = await response.text();
  if (response.status !== status) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text) as BackgroundJob;
}

import type { ServerResponse } from "node:http";
import type { Broker } from "../../core/broker.ts";
import { ErrandError } from "../../core/errors.ts";
import { isJobId } from "../../core/ids.ts";
import type { JobId } from "../../core/job.ts";
import type { OutputStream } from "../../core/ports.ts";
import { readNone } from "./parameters.ts";

const path = /^\/v1\/jobs\/([^/]+)\/(stdout|stderr)$/;

/** Read and written at once; so much is in memory for one client. */
const chunkBytes = 256 * 1024;

/** Parameters that v1 will have here. */
const planned = ["tail", "follow"];

/** What a path asks for; null when it is not the output of a job. */
export function outputOf(path_: string): { readonly id: string; readonly stream: OutputStream } | null {
  const [, id, stream] = path.exec(path_) ?? [];
  return id === undefined ? null : { id, stream: stream as OutputStream };
}

interface OutputRequest {
  readonly response: ServerResponse;
  readonly id: string;
  readonly stream: OutputStream;
  readonly query: string;
}

/** Answers with all that is kept of a job's stream by now, byte for byte. Throws `not-found`. */
export async function sendOutput(
  broker: Broker,
  { response, id, stream, query }: OutputRequest,
): Promise<void> {
  const wanted = planned.find((name) => new URLSearchParams(query).has(name));
  if (wanted !== undefined) throw new ErrandError("not-available", `?${wanted}= is not in this build yet`);
  readNone(query);
  const job = isJobId(id) ? broker.get(id) : undefined;
  if (job === undefined)
    throw new ErrandError("not-found", `no job ${JSON.stringify(id)} is running or on record`);
  const bytes = broker.outputBytes(id, stream);
  if (bytes === null)
    throw new ErrandError("not-found", `the output of job ${id} is not kept: its mode is ${job.mode}`);
  response.writeHead(200, {
    "Content-Type": "application/octet-stream",
    "Content-Length": String(bytes),
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
  });
  if (response.req.method === "HEAD") {
    response.end();
    return;
  }
  for (let offset = 0; offset < bytes && !response.destroyed; ) {
    const chunk = await readKept(broker, {
      id,
      stream,
      offset,
      length: Math.min(chunkBytes, bytes - offset),
    });
    if (chunk.byteLength === 0) {
      // The connection is of no more use: what came next would be taken for the rest.
      response.destroy();
      return;
    }
    offset += chunk.byteLength;
    response.write(chunk);
    while (response.writableLength >= chunkBytes && !response.destroyed) await roomIn(response);
  }
  if (!response.destroyed) response.end();
}

/** The client has taken something, or has gone. */
async function roomIn(response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

interface Wanted {
  readonly id: JobId;
  readonly stream: OutputStream;
  readonly offset: number;
  readonly length: number;
}

/** Nothing when it has been removed meanwhile. */
async function readKept(broker: Broker, { id, stream, offset, length }: Wanted): Promise<Uint8Array> {
  try {
    return await broker.readOutput(id, stream, offset, length);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return new Uint8Array(0);
    throw error;
  }
}

import type { ServerResponse } from "node:http";
import type { Broker } from "../../core/broker.ts";
import { ErrandError } from "../../core/errors.ts";
import { isJobId } from "../../core/ids.ts";
import { isLive, type Job, type JobId } from "../../core/job.ts";
import type { OutputStream } from "../../core/ports.ts";
import { cut, roomIn, whileConnected } from "../backpressure.ts";
import type { Exchange } from "../exchange.ts";
import { SentChunks } from "../sentChunks.ts";
import { Changes } from "./changes.ts";
import type { Follower } from "./followers.ts";
import { read, readBytes, readFlag } from "./parameters.ts";
import { readRange } from "./range.ts";
import type { RouteParts } from "./routeParts.ts";

/** Read and written at once; so much is in memory for one client. */
const chunkBytes = 256 * 1024;

const commonHeaders = {
  "Content-Type": "application/octet-stream",
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
  "X-Content-Type-Options": "nosniff",
};

/** `GET /v1/jobs/{id}/stdout` and `/stderr`: what is kept of a stream, byte for byte. */
export async function sendOutput(
  parts: RouteParts,
  { request, response, query }: Exchange,
  { id, stream }: { readonly id: string; readonly stream: OutputStream },
): Promise<void> {
  const { broker } = parts;
  const parameters = read(query, ["tail", "follow"]);
  const tail = readBytes(parameters, "tail");
  const follow = readFlag(parameters, "follow") ?? false;
  const { range } = request.headers;
  if (tail !== undefined && range !== undefined)
    throw new ErrandError(
      "invalid-parameter",
      "tail: with a Range header there are two ways to say what is wanted",
    );
  const bytes = keptBytes(broker, id, stream);
  if (follow && request.method !== "HEAD") {
    const offset =
      tail === undefined
        ? followOffset(range, { bytes, over: broker.active(id) === undefined })
        : Math.max(0, bytes - tail);
    const follower = parts.followers.enter(response);
    await followOutput(broker, { response, follower, id, stream, offset, headers: {} });
    return;
  }
  if (tail !== undefined) {
    await sendPart(broker, {
      response,
      id,
      stream,
      start: Math.max(0, bytes - tail),
      end: bytes,
      total: null,
    });
    return;
  }
  const part = readRange(range, bytes);
  const whole = { start: 0, end: bytes };
  await sendPart(broker, { response, id, stream, ...(part ?? whole), total: part === null ? null : bytes });
}

/** Throws `not-found`. */
function keptBytes(broker: Broker, id: string, stream: OutputStream): number {
  const job = isJobId(id) ? broker.get(id) : undefined;
  if (job === undefined)
    throw new ErrandError("not-found", `no job ${JSON.stringify(id)} is running or on record`);
  const bytes = broker.outputBytes(id, stream);
  if (bytes !== null) return bytes;
  if (job.state === "queued" || job.state === "starting") return 0;
  throw new ErrandError("not-found", `the output of job ${id} is not kept: its mode is ${job.mode}`);
}

/** One who follows may ask to go on where nothing is yet, as long as something may come. */
function followOffset(
  range: string | undefined,
  { bytes, over }: { readonly bytes: number; readonly over: boolean },
): number {
  const [, first] = /^bytes=(\d{1,15})-$/.exec(range ?? "") ?? [];
  if (range === undefined) return 0;
  const beyond = over && Number(first) > 0 ? bytes : bytes + 1;
  if (first !== undefined && Number(first) < beyond) return Number(first);
  throw new ErrandError("invalid-range", `with follow, bytes=<first>- is allowed, from 0 to ${bytes} by now`);
}

interface Part {
  readonly response: ServerResponse;
  readonly id: JobId;
  readonly stream: OutputStream;
  readonly start: number;
  readonly end: number;
  /** Of how many bytes it is a part; null when it was not asked for as a range. */
  readonly total: number | null;
}

async function sendPart(broker: Broker, { response, id, stream, start, end, total }: Part): Promise<void> {
  const readAt = (offset: number) =>
    readKept(broker, { id, stream, offset, length: Math.min(chunkBytes, end - offset) });
  // Before the head: Bun would make a whole and empty answer of a head behind which nothing comes.
  let chunk = response.req.method === "HEAD" || start === end ? null : await readAt(start);
  if (chunk?.byteLength === 0)
    throw new ErrandError("not-found", `the output of job ${id} is not kept any more`);
  if (response.destroyed) return;
  response.writeHead(total === null ? 200 : 206, {
    ...commonHeaders,
    "Accept-Ranges": "bytes",
    "Content-Length": String(end - start),
    ...(total !== null && { "Content-Range": `bytes ${start}-${end - 1}/${total}` }),
  });
  const chunks = new SentChunks(response);
  let offset = start;
  while (chunk !== null && chunk.byteLength > 0 && !response.destroyed) {
    offset += chunk.byteLength;
    await write(response, chunks, chunk);
    chunk = offset < end && !response.destroyed ? await readAt(offset) : null;
  }
  if (chunk !== null) cut(response);
  else if (!response.destroyed) response.end();
}

interface Following {
  readonly response: ServerResponse;
  readonly follower: Follower;
  readonly id: JobId;
  readonly stream: OutputStream;
  readonly offset: number;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Sends a stream as it comes, until the job has ended; who follows a running job is there for it. What is not whole ends
 * in a cut answer: the server stopped the job, it never ran, or not all of it is kept.
 */
export async function followOutput(
  broker: Broker,
  { response, follower, id, stream, offset: start, headers }: Following,
): Promise<void> {
  const active = broker.active(id);
  follower.attend(active);
  const known = broker.outputBytes(id, stream) ?? 0;
  response.writeHead(start > 0 ? 206 : 200, {
    ...commonHeaders,
    ...(start > 0 && start < known && { "Content-Range": `bytes ${start}-${known - 1}/*` }),
    ...headers,
  });
  response.flushHeaders();
  const changes = new Changes(broker, id, whileConnected(response));
  const chunks = new SentChunks(response);
  let offset = start;
  try {
    for (;;) {
      changes.note();
      // Looked at before the reading: what came before an end is read in any case.
      const over = active === undefined || !isLive(active.job);
      offset = await sendNew(broker, { response, chunks, id, stream, offset });
      if (over || response.destroyed) break;
      await changes.wait();
    }
  } finally {
    changes.close();
  }
  if (response.destroyed) return;
  if (active?.wasStopped || isPart(active?.job ?? broker.get(id), stream, offset)) cut(response);
  else response.end();
}

/** Sends what has come behind the offset; where it has come to. */
async function sendNew(
  broker: Broker,
  {
    response,
    chunks,
    id,
    stream,
    offset: start,
  }: Omit<Following, "headers" | "follower"> & { chunks: SentChunks },
): Promise<number> {
  let offset = start;
  while (!response.destroyed) {
    const available = (broker.outputBytes(id, stream) ?? 0) - offset;
    if (available <= 0) break;
    const chunk = await readKept(broker, { id, stream, offset, length: Math.min(chunkBytes, available) });
    if (chunk.byteLength === 0) break;
    offset += chunk.byteLength;
    await write(response, chunks, chunk);
  }
  return offset;
}

/** True when what was sent, up to the offset, is not all that there was, or nobody can tell. */
function isPart(job: Job | undefined, stream: OutputStream, offset: number): boolean {
  if (job === undefined || job.state === "lost" || job.state === "failed") return true;
  if (job.state !== "ended") return false;
  const { truncated, bytes } = job.output[stream];
  // Files may have been removed before they were read to their end.
  return truncated || offset < (bytes ?? 0);
}

async function write(response: ServerResponse, chunks: SentChunks, chunk: Uint8Array): Promise<void> {
  chunks.write(chunk);
  while (response.writableLength >= chunkBytes && !response.destroyed) await roomIn(response);
  chunks.release();
}

interface Wanted {
  readonly id: JobId;
  readonly stream: OutputStream;
  readonly offset: number;
  readonly length: number;
}

/** Nothing when it has been removed meanwhile: the answer is cut then. */
async function readKept(broker: Broker, { id, stream, offset, length }: Wanted): Promise<Uint8Array> {
  try {
    return await broker.readOutput(id, stream, offset, length);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return new Uint8Array(0);
    throw error;
  }
}

import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { ErrandError } from "../../core/errors.ts";
import type { Started } from "../../core/idempotency.ts";
import { isLive, type Job, type JobId, type JobSpec } from "../../core/job.ts";
import { checkScope } from "../../core/scopes.ts";
import { type Exchange, sendWhole } from "../exchange.ts";
import { streamOutput } from "../streamOutput.ts";
import { captureOutput } from "./capture.ts";
import { decodeSpec } from "./decodeSpec.ts";
import { sendJobEvents } from "./events.ts";
import { readJson } from "./json.ts";
import { followOutput } from "./output.ts";
import { read, waitOf } from "./parameters.ts";
import type { RouteParts } from "./routeParts.ts";

/** What the client wants to be answered with. */
type Wish = "job" | "sse" | "ndjson" | "raw";

const idempotencyKey = /^[\x21-\x7e]{1,255}$/;

/** `POST /v1/jobs`. */
export async function startJob(parts: RouteParts, exchange: Exchange): Promise<void> {
  const { request, response, principal } = exchange;
  const wish = wishOf(request.headers.accept);
  const wait = waitOf(read(exchange.query, ["wait"]), parts.limits.waitSeconds);
  const key = keyOf(request.headers["idempotency-key"]);
  const body = await exchange.body();
  const spec = decodeSpec(readJson(body, request.headers["content-type"]), {
    ...parts.limits,
    streams: wish !== "job",
  });
  if (spec.callback !== null) parts.callbacks.check(spec.callback.url);
  if (wish === "raw" && key === null && canStreamDirectly(spec)) {
    await streamDirectly(parts, exchange, spec);
    return;
  }
  const requestSha256 = createHash("sha256").update(body).digest();
  const idempotent = key === null ? null : { owner: principal.name, key, requestSha256 };
  const { job, replayed } = await start(parts, exchange, spec, idempotent);
  const joined = job.owner !== principal.name || job.command !== spec.command;
  const headers = {
    Location: `/v1/jobs/${job.id}`,
    "Errand-Job-Id": job.id,
    ...(replayed && { "Idempotent-Replayed": "true" }),
  };
  if (wish === "sse" || wish === "ndjson") {
    await sendJobEvents(parts, { response, id: job.id, from: null, live: true, format: wish, headers });
  } else if (wish === "raw") {
    await followOutput(parts, { response, id: job.id, stream: "stdout", offset: 0, headers });
  } else {
    await answerJob(parts, response, { job, wait, status: replayed || joined ? 200 : 201, headers });
  }
}

/** True when nothing that is asked for needs output that is kept. */
function canStreamDirectly({ onDisconnect, aliasPolicy, outputBytes, tty }: JobSpec): boolean {
  return onDisconnect === "kill" && aliasPolicy === "reject" && outputBytes === null && tty === null;
}

/** The fastest way for one who wants stdout alone: nothing is kept. */
async function streamDirectly(
  { broker, limits }: RouteParts,
  exchange: Exchange,
  spec: JobSpec,
): Promise<void> {
  const { response, principal } = exchange;
  if (response.destroyed) return;
  const active = broker.startAttached(spec, { owner: principal.name, door: "v1" });
  await streamOutput(response, active, {
    bufferedChunks: limits.stdoutChunks,
    onClientGone: () => broker.disconnect(active),
  });
}

async function start(
  { broker, idempotency }: RouteParts,
  { principal }: Exchange,
  spec: JobSpec,
  idempotent: Parameters<RouteParts["idempotency"]["once"]>[0] | null,
): Promise<Started> {
  const origin = { owner: principal.name, door: "v1" };
  if (spec.mode === "detached") {
    if (idempotent !== null)
      throw new ErrandError("not-available", "Idempotency-Key with a detached job is not in this build yet");
    return { job: broker.startDetached(spec, origin), replayed: false };
  }
  // To join is to see what the job says.
  if (spec.aliasPolicy === "join") checkScope(principal, "jobs.events");
  const run = (onAdmitted?: (id: JobId) => void) => broker.startBackground(spec, origin, onAdmitted);
  if (idempotent === null) return { job: (await run()).job, replayed: false };
  return idempotency.once(idempotent, run);
}

interface JobAnswer {
  readonly job: Job;
  readonly wait: number | undefined;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

async function answerJob(parts: RouteParts, response: ServerResponse, answer: JobAnswer): Promise<void> {
  const { broker, limits, encode } = parts;
  const job = (await broker.wait(answer.job.id, answer.wait ?? 0)) ?? answer.job;
  if (response.destroyed) return;
  const wire = encode(job);
  const captured =
    answer.wait === undefined
      ? {}
      : { captured: isLive(job) ? null : await captureOutput(broker, job, limits.answerOutputBytes) };
  sendWhole(response, answer.status, JSON.stringify({ ...wire, ...captured }), {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    ...answer.headers,
  });
}

function wishOf(accept: string | undefined): Wish {
  if (accept === undefined) return "job";
  const types = accept.split(",").map((part) => part.split(";", 1)[0]?.trim().toLowerCase());
  if (types.includes("text/event-stream")) return "sse";
  if (types.includes("application/x-ndjson")) return "ndjson";
  return types.includes("application/octet-stream") ? "raw" : "job";
}

function keyOf(value: string | string[] | undefined): string | null {
  if (value === undefined) return null;
  if (typeof value === "string" && idempotencyKey.test(value)) return value;
  throw new ErrandError(
    "invalid-parameter",
    "Idempotency-Key: 1 to 255 visible ASCII characters are allowed",
  );
}

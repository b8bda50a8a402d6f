import type { ServerResponse } from "node:http";
import type { ActiveJob } from "../../core/activeJob.ts";
import type { Broker } from "../../core/broker.ts";
import type { CallbackPolicy } from "../../core/callbackPorts.ts";
import { ErrandError } from "../../core/errors.ts";
import { isLive, type Job } from "../../core/job.ts";
import type { Limits } from "../../core/limits.ts";
import type { NonceRecord } from "../../core/ports.ts";
import type { Operation } from "../../core/scopes.ts";
import {
  type Door,
  type Exchange,
  errorHeaders,
  type Principal,
  sendWhole,
  type Unauthenticated,
} from "../exchange.ts";
import { checkSource } from "../source.ts";
import { decode } from "./decode.ts";
import { type Envelope, encodeEnded, encodeError, encodeStarted } from "./encode.ts";
import { readText } from "./outputText.ts";
import { isSigned, type SidecarCredential, Signatures } from "./signature.ts";

interface SidecarParts {
  readonly broker: Broker;
  readonly limits: Limits;
  readonly credentials: readonly SidecarCredential[];
  readonly nonces: NonceRecord;
  readonly callbacks: CallbackPolicy;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const onlyMethod = "POST";

/**
 * The door `sidecar`: `POST /shell` runs a command by the shell. The command is nobody's but its own: a client that goes
 * away never stops it.
 */
export class SidecarDoor implements Door {
  readonly name = "sidecar";
  readonly #parts: SidecarParts;
  readonly #signatures: Signatures;

  constructor(parts: SidecarParts) {
    this.#parts = parts;
    const { credentials, nonces, limits, now } = parts;
    this.#signatures = new Signatures({
      ...{ credentials, nonces, now },
      windowSeconds: limits.signatureWindowSeconds,
    });
  }

  authenticate(request: Unauthenticated): Promise<Principal> | null {
    return isSigned(request.request) ? this.#signatures.check(request) : null;
  }

  operation(method: string): Operation | null {
    return method === onlyMethod ? "jobs.start" : null;
  }

  async handle({ request, response, principal, body }: Exchange): Promise<void> {
    if (request.method !== onlyMethod) {
      throw new ErrandError("method-not-allowed", `${request.method} is not allowed here, ${onlyMethod} is`);
    }
    checkSource(request);
    const { spec, wait } = decode(await body());
    const { broker, callbacks } = this.#parts;
    if (spec.callback !== null) callbacks.check(spec.callback.url);
    // Even when the client has gone by now: it has asked, and its going stops nothing.
    const active = await broker.startBackground(spec, { owner: principal.name, door: this.name });
    if (!wait) {
      answer(response, encodeStarted(active.job.id));
      return;
    }
    const job = await endOf(active, response);
    if (job !== null) answer(response, await this.#ended(job));
  }

  refuse(response: ServerResponse, error: ErrandError): void {
    const allow = error.code === "method-not-allowed" ? { Allow: onlyMethod } : {};
    answer(response, encodeError(error), { ...errorHeaders(error), ...allow });
  }

  async #ended(job: Job): Promise<Envelope> {
    const { broker, limits } = this.#parts;
    const mostBytes = limits.answerOutputBytes;
    const stdout = await readText(broker, job, { stream: "stdout", mostBytes });
    const stderr = await readText(broker, job, { stream: "stderr", mostBytes });
    return encodeEnded(job, stdout, stderr);
  }
}

/** The job when it has ended, or null when nobody waits for the answer any more. */
function endOf(active: ActiveJob, response: ServerResponse): Promise<Job | null> {
  return new Promise((resolve) => {
    if (response.destroyed) resolve(null);
    else if (!isLive(active.job)) resolve(active.job);
    else {
      const gone = () => {
        forget();
        resolve(null);
      };
      const forget = active.onEnd((job) => {
        response.off("close", gone);
        resolve(job);
      });
      response.on("close", gone);
    }
  });
}

function answer(
  response: ServerResponse,
  { status, text }: Envelope,
  headers: Readonly<Record<string, string>> = { "Cache-Control": "no-store" },
): void {
  sendWhole(response, status, text, { "Content-Type": "application/json", ...headers });
}

import type { ServerResponse } from "node:http";
import type { ActiveJob } from "../../core/activeJob.ts";
import type { Broker } from "../../core/broker.ts";
import { ErrandError } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import type { Operation } from "../../core/scopes.ts";
import { type Door, type Exchange, errorHeaders, sendText } from "../exchange.ts";
import { checkSource } from "../source.ts";
import { streamOutput } from "../streamOutput.ts";
import { decode, type RexecSpec } from "./decode.ts";
import { encodeError } from "./errors.ts";

const acceptedTypes = ["application/json", "application/x-www-form-urlencoded"];

/** The door `rexec`: `POST /process` runs a command and streams its stdout in the answer. */
export class RexecDoor implements Door {
  readonly name = "rexec";
  readonly #broker: Broker;
  readonly #limits: Limits;

  constructor(broker: Broker, limits: Limits) {
    this.#broker = broker;
    this.#limits = limits;
  }

  operation(method: string): Operation | null {
    return method === "POST" ? "jobs.start" : null;
  }

  async handle({ request, response, principal, body }: Exchange): Promise<void> {
    if (request.method !== "POST") {
      sendText(response, 501, "Invalid path.");
      return;
    }
    checkSource(request, acceptedTypes);
    const spec = decode(await body(), this.#limits.aliasBytes);
    if (response.destroyed) return;
    const active = this.#start(spec, principal.name, response);
    if (active === null) return;
    await streamOutput(response, active, {
      bufferedChunks: this.#limits.stdoutChunks,
      onClientGone: () => this.#broker.disconnect(active),
    });
  }

  refuse(response: ServerResponse, error: ErrandError): void {
    const { status, text } = encodeError(error);
    sendText(response, status, text, errorHeaders(error));
  }

  #start(spec: RexecSpec, owner: string, response: ServerResponse): ActiveJob | null {
    try {
      return this.#broker.startAttached(spec, { owner, door: this.name });
    } catch (error) {
      if (!(error instanceof ErrandError) || error.code !== "already-running") throw error;
      const { status, text } = encodeError(error, spec.alias);
      sendText(response, status, text, errorHeaders(error));
      return null;
    }
  }
}

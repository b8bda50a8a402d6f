import { ErrandError } from "../../core/errors.ts";
import { isJobId } from "../../core/ids.ts";
import type { JobId } from "../../core/job.ts";
import type { ProcessInput } from "../../core/ports.ts";
import { whileConnected } from "../backpressure.ts";
import { type Exchange, sendWhole } from "../exchange.ts";
import { read, readBytes, readFlag } from "./parameters.ts";
import type { RouteParts } from "./routeParts.ts";

/** Lets one at a time write to a job's stdin, in the order in which they came. */
export class InputQueues {
  readonly #tails = new Map<JobId, Promise<void>>();

  async inTurn<Result>(id: JobId, write: () => Promise<Result>): Promise<Result> {
    const before = this.#tails.get(id) ?? Promise.resolve();
    const turn = before.then(write);
    const tail = turn.then(
      () => {},
      () => {},
    );
    this.#tails.set(id, tail);
    try {
      return await turn;
    } finally {
      if (this.#tails.get(id) === tail) this.#tails.delete(id);
    }
  }
}

/**
 * `PUT /v1/jobs/{id}/stdin`: answers when the command can take more, with how much has been taken in all. Of a client that
 * goes before its turn nothing is taken.
 */
export async function putStdin(parts: RouteParts, exchange: Exchange, id: string): Promise<void> {
  const parameters = read(exchange.query, ["offset", "close"]);
  const offset = readBytes(parameters, "offset");
  const close = readFlag(parameters, "close") ?? false;
  const { response } = exchange;
  const waiting = parts.waitingBodies.enter(id, await exchange.body());
  const gone = whileConnected(response);
  gone.addEventListener("abort", waiting.letGo);
  if (gone.aborted) waiting.letGo();
  const write = async () => {
    await parts.broker.reach(id, gone);
    const input = inputOf(parts, id);
    const body = waiting.take();
    if (body === null) throw new ErrandError("invalid-request", "the client has gone before its turn");
    const fresh = freshPart(body, offset ?? input.bytes, input);
    if (fresh.byteLength > 0) await input.write(fresh);
    if (close) input.close();
    return { offset: input.bytes, closed: input.closed };
  };
  const answer = await parts.inputs.inTurn(id, write).finally(waiting.end);
  sendWhole(response, 200, JSON.stringify(answer), {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
  });
}

/** Where to write what is for that job. Throws `not-found`, `stdin-closed`. */
export function inputOf({ broker }: Pick<RouteParts, "broker">, id: string): ProcessInput {
  const job = isJobId(id) ? broker.get(id) : undefined;
  if (job === undefined)
    throw new ErrandError("not-found", `no job ${JSON.stringify(id)} is running or on record`);
  const process = broker.active(id)?.process ?? null;
  if (process === null)
    throw new ErrandError("stdin-closed", `job ${id} does not run: its state is ${job.state}`);
  if (process.input !== null) return process.input;
  throw new ErrandError("stdin-closed", `job ${id} was started without "stdin": "open"`);
}

/** What of the bytes has not been taken yet: a repeated write is harmless. */
function freshPart(body: Uint8Array, offset: number, input: ProcessInput): Uint8Array {
  if (offset > input.bytes)
    throw new ErrandError(
      "stdin-gap",
      `offset=${offset}: only ${input.bytes} bytes have been written so far`,
    );
  return body.subarray(Math.min(body.byteLength, input.bytes - offset));
}

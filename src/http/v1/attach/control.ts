import type { Broker } from "../../../core/broker.ts";
import { ErrandError } from "../../../core/errors.ts";
import type { JobId } from "../../../core/job.ts";
import { type AttachClientMessage, attachClientSchema } from "../../../protocol/attach.ts";
import { type Fields, isObject, parseJson } from "../../jsonFields.ts";
import { signalJob } from "../signal.ts";
import { explain } from "../unknownField.ts";

/** A client that does not speak the protocol: its connection is closed. */
export class BadFrame extends Error {
  override readonly name = "BadFrame";
}

/** A message of a client. Throws `BadFrame` for what is none at all, `invalid-request` for one that is not allowed. */
export function readMessage(payload: Uint8Array): AttachClientMessage {
  const message = readObject(payload);
  const parsed = attachClientSchema.safeParse(message);
  if (parsed.success) return parsed.data;
  const form = attachClientSchema.options.find(({ shape }) => shape.type.value === message.type);
  const why = explain(parsed.error, Object.keys(form?.shape ?? {}), "the message");
  throw new ErrandError("invalid-request", why);
}

/** Does what the client asks for. Throws `no-terminal`, `not-running`, `invalid-spec`. */
export function carryOut(broker: Broker, id: JobId, message: AttachClientMessage): void {
  switch (message.type) {
    case "resize":
      broker.resize(id, { cols: message.cols, rows: message.rows });
      return;
    case "signal":
      signalJob(broker, id, message.signal);
      return;
  }
}

function readObject(payload: Uint8Array): Fields {
  let value: unknown;
  try {
    value = parseJson(payload);
  } catch {
    throw new BadFrame("a frame of channel 3 holds no JSON");
  }
  if (isObject(value) && typeof value.type === "string") return value;
  throw new BadFrame("a frame of channel 3 holds no object with a type");
}

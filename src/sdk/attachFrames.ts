import { fieldsOf } from "./bytes.ts";
import { ConnectionError } from "./errors.ts";

/** The subprotocol whose frames these are. */
export const attachProtocol = "errand.v1";

/** First byte of a frame. */
const channel = { stdin: 0, stdout: 1, stderr: 2, control: 3, close: 255 } as const;

/** What the server sends: bytes of an output, or a message about them. */
export type AttachFrame =
  | { readonly type: "stdout" | "stderr"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: "control"; readonly fields: Readonly<Record<string, unknown>> }
  /** What newer servers send. */
  | { readonly type: "unknown" };

const encoder = new TextEncoder();

/** Reads one frame. Throws `ConnectionError` for what is none. */
export function readFrame(message: Uint8Array<ArrayBuffer>): AttachFrame {
  const bytes = message.subarray(1);
  switch (message[0]) {
    case channel.stdout:
      return { type: "stdout", bytes };
    case channel.stderr:
      return { type: "stderr", bytes };
    case channel.control:
      return { type: "control", fields: readControl(bytes) };
    default:
      return { type: "unknown" };
  }
}

/** Bytes for the command to read. */
export function stdinFrame(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return frameOf(channel.stdin, bytes);
}

/** A message to the server. */
export function controlFrame(fields: Readonly<Record<string, unknown>>): Uint8Array<ArrayBuffer> {
  return frameOf(channel.control, encoder.encode(JSON.stringify(fields)));
}

/** The end of what the command reads. */
export function closeStdinFrame(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(channel.close, channel.stdin);
}

function frameOf(first: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(1 + bytes.byteLength);
  frame[0] = first;
  frame.set(bytes, 1);
  return frame;
}

function readControl(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    value = null;
  }
  const fields = fieldsOf(value);
  if (typeof fields?.type === "string") return fields;
  throw new ConnectionError("a control frame holds no message of Errand");
}

import { fieldsOf, readBytes } from "./bytes.ts";

/** Output that came with an answer. */
export interface CapturedStream {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** As UTF-8; what is none becomes U+FFFD. */
  readonly text: string;
  /** There was more. */
  readonly truncated: boolean;
}

export interface Captured {
  readonly stdout: CapturedStream;
  readonly stderr: CapturedStream;
}

/** What an answer to a start with `wait` has captured; null when it has nothing. */
export function readCaptured(value: unknown): Captured | null {
  const fields = fieldsOf(value);
  const stdout = readStream(fields?.stdout);
  const stderr = readStream(fields?.stderr);
  return stdout && stderr && { stdout, stderr };
}

function readStream(value: unknown): CapturedStream | null {
  const fields = fieldsOf(value);
  const found = fields && readBytes(fields);
  if (!found) return null;
  const text = found.text ?? textOf(found.bytes);
  return { bytes: found.bytes, text, truncated: fields.truncated === true };
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Bytes as UTF-8, with U+FFFD for what is none. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

/** What is said on a connection that ends with it. */
interface LastAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
}

/** How long the client may take to read its answer and to end its side: nothing else ends a connection that is left open. */
const lingerMilliseconds = 1_000;

/** Answers without a response of the server, and ends the connection: what was sent behind the head is never read. */
export function closeWith(socket: Duplex, { status, headers = {}, text = "" }: LastAnswer): void {
  if (socket.destroyed) return;
  const lines = Object.entries({
    ...headers,
    ...{ Connection: "close", "Content-Length": String(Buffer.byteLength(text)) },
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n${text}`);
  const timer = setTimeout(() => socket.destroy(), lingerMilliseconds);
  socket.on("close", () => clearTimeout(timer));
}

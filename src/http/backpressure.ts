import type { ServerResponse } from "node:http";
import type { Writable } from "node:stream";

/** Resolves when the client has taken something, or has gone. Ask `writableLength` again: it may not be enough. */
export async function roomIn(response: Writable): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

/** Breaks an answer off, so that its client cannot take it for whole. */
export function cut(response: ServerResponse): void {
  const { httpVersion, socket } = response.req;
  // Without chunks, as nginx asks when nobody tells it otherwise, an answer is whole when its connection ends in order.
  // Of an answer that has not begun, Bun would make an empty 200.
  if (httpVersion === "1.0" || !response.headersSent) socket.resetAndDestroy();
  response.destroy();
}

/** Aborted when the client goes before its answer is complete. */
export function whileConnected(response: ServerResponse): AbortSignal {
  const control = new AbortController();
  if (response.destroyed) control.abort();
  else response.on("close", () => control.abort());
  return control.signal;
}

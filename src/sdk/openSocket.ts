import { ConnectionError } from "./errors.ts";
import type { FrameSocket, SocketCall } from "./frameSocket.ts";
import { hasNodeSockets, openNodeSocket } from "./nodeSocket.ts";
import type { ErrandOptions } from "./options.ts";
import { openPlatformSocket, type WebSocketConstructor } from "./platformSocket.ts";

/** All that there may be in a platform. */
interface Platform {
  readonly WebSocket?: WebSocketConstructor;
}

/** How long an opening may take. */
const openSeconds = 60;

interface Wanted extends Omit<SocketCall, "socketPath">, Pick<ErrandOptions, "socketPath" | "webSocket"> {}

/**
 * Opens a WebSocket: with the class that was asked for; in Node and Bun over their own connections, which can wait for a slow
 * reader; else with the platform's class. Throws `ErrandError`, `ConnectionError`.
 */
export async function openSocket({ webSocket, socketPath, ...call }: Wanted): Promise<FrameSocket> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), openSeconds * 1_000);
  const signal = AbortSignal.any([call.signal, late.signal]);
  try {
    return await open({ ...call, signal, socketPath }, webSocket);
  } finally {
    clearTimeout(timer);
  }
}

function open(call: SocketCall, asked: WebSocketConstructor | undefined): Promise<FrameSocket> {
  if (asked === undefined && hasNodeSockets()) return openNodeSocket(call);
  const Constructor = asked ?? (globalThis as Platform).WebSocket;
  if (Constructor === undefined)
    throw new ConnectionError("this platform has no WebSocket: give `webSocket` to the client");
  return openPlatformSocket(Constructor, call);
}

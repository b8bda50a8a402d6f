import type { Exchange } from "../exchange.ts";
import { jobEvents } from "./events.ts";
import { lifecycleEvents } from "./lifecycle.ts";
import { sendOutput } from "./output.ts";
import type { RouteParts } from "./routeParts.ts";
import { putStdin } from "./stdin.ts";

type Handle = (parts: RouteParts, exchange: Exchange, id: string) => Promise<void>;

/** The calls whose bodies are streams, or large: they write their answers themselves. HEAD is told as GET. */
const calls: readonly { readonly method: string; readonly path: RegExp; readonly handle: Handle }[] = [
  {
    method: "POST",
    path: /^\/v1\/jobs$/,
    // Loaded later: the library of the schemas takes longer to load than the server takes to start.
    handle: async (parts, exchange) => (await import("./start.ts")).startJob(parts, exchange),
  },
  { method: "GET", path: /^\/v1\/jobs\/([^/]+)\/events$/, handle: jobEvents },
  {
    method: "GET",
    path: /^\/v1\/jobs\/([^/]+)\/stdout$/,
    handle: (parts, exchange, id) => sendOutput(parts, exchange, { id, stream: "stdout" }),
  },
  {
    method: "GET",
    path: /^\/v1\/jobs\/([^/]+)\/stderr$/,
    handle: (parts, exchange, id) => sendOutput(parts, exchange, { id, stream: "stderr" }),
  },
  { method: "PUT", path: /^\/v1\/jobs\/([^/]+)\/stdin$/, handle: putStdin },
  { method: "GET", path: /^\/v1\/events$/, handle: lifecycleEvents },
];

/** What answers such a call; null for all others. */
export function streamCall(
  method: string,
  path: string,
): ((parts: RouteParts, exchange: Exchange) => Promise<void>) | null {
  for (const call of calls) {
    const [whole, id = ""] = (call.method === method && call.path.exec(path)) || [];
    if (whole !== undefined) return (parts, exchange) => call.handle(parts, exchange, id);
  }
  return null;
}

import type { Operation } from "../../core/scopes.ts";
import { isReadOnly } from "./attach/readOnly.ts";

/** Every call of v1 with what it asks for. A call that is not here must not be served: a test holds the routes to it. */
const calls: readonly { readonly method: string; readonly path: RegExp; readonly operation: Operation }[] = [
  call("POST", "/v1/jobs", "jobs.start"),
  call("GET", "/v1/jobs", "jobs.list"),
  call("GET", "/v1/jobs/*", "jobs.get"),
  call("DELETE", "/v1/jobs/*", "jobs.forget"),
  call("GET", "/v1/jobs/*/stdout", "jobs.output"),
  call("GET", "/v1/jobs/*/stderr", "jobs.output"),
  call("GET", "/v1/jobs/*/events", "jobs.events"),
  call("PUT", "/v1/jobs/*/stdin", "jobs.stdin"),
  call("POST", "/v1/jobs/*/signal", "jobs.signal"),
  call("POST", "/v1/jobs/*/resize", "jobs.resize"),
  call("GET", "/v1/jobs/*/attach", "jobs.attach"),
  call("POST", "/v1/jobs/*/stop", "jobs.stop"),
  call("POST", "/v1/jobs/*/callback/resend", "callbacks.resend"),
  call("GET", "/v1/info", "info.read"),
  call("GET", "/v1/events", "events.read"),
  call("POST", "/v1/tokens", "tokens.manage"),
  call("GET", "/v1/tokens", "tokens.manage"),
  call("DELETE", "/v1/tokens/*", "tokens.manage"),
  call("POST", "/v1/shutdown", "server.shutdown"),
  call("GET", "/openapi.json", "openapi.read"),
  call("GET", "/docs", "openapi.read"),
];

/** `*` stands for one segment, whatever is in it. */
function call(method: string, path: string, operation: Operation) {
  const segments = path.split("/").map((segment) => (segment === "*" ? "[^/]+" : RegExp.escape(segment)));
  return { method, path: new RegExp(`^${segments.join("/")}$`, "s"), operation };
}

/** What a request to v1 asks for; null for what v1 does not have. */
export function v1Operation(method: string, path: string, query = ""): Operation | null {
  const found = calls.find((known) => known.method === method && known.path.test(path))?.operation ?? null;
  return found === "jobs.attach" && isReadOnly(query) ? "jobs.watch" : found;
}

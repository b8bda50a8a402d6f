import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { ErrandError } from "../../core/errors.ts";
import type { Operation } from "../../core/scopes.ts";
import { whileConnected } from "../backpressure.ts";
import { type Door, type Exchange, sendWhole, type UpgradeExchange } from "../exchange.ts";
import { closeWith } from "../upgrade.ts";
import { v1Operation } from "./operations.ts";
import { encodeProblem } from "./problem.ts";
import type { RouteParts } from "./routeParts.ts";
import { streamCall } from "./streams.ts";
import type { TokenCaller } from "./tokens.ts";

const base = "http://localhost";

interface Routes {
  fetch(request: Request, caller: TokenCaller): Response | Promise<Response>;
}

/** Headers that a call may look at. */
const headerNames = ["content-type"] as const;

/** The door `v1`: Errand's own API. */
export class V1Door implements Door {
  readonly name = "v1";
  readonly #parts: RouteParts;
  #routes: Promise<Routes> | null = null;

  constructor(parts: RouteParts) {
    this.#parts = parts;
  }

  operation(method: string, path: string, query: string): Operation | null {
    return v1Operation(method, path, query);
  }

  /** These libraries take longer to load than the whole server takes to start. */
  async preload(): Promise<void> {
    await import("./start.ts");
    await this.#load();
    await import("./attach/attach.ts");
  }

  async handle(exchange: Exchange): Promise<void> {
    const { request, response, path, query, principal, body } = exchange;
    // A URL would be resolved: only a path that is its own resolution may name anything.
    if (new URL(path, base).pathname !== path || path.includes("%")) {
      throw new ErrandError("not-found", "no such path in v1");
    }
    // The answer to HEAD has the headers of GET; its body is left out when it is sent.
    const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
    const stream = streamCall(method, path);
    if (stream !== null) {
      await stream(this.#parts, exchange);
      return;
    }
    const routes = await this.#load();
    const hasBody = method !== "GET";
    const answer = await routes.fetch(
      new Request(`${base}${path}${query === "" ? "" : `?${query}`}`, {
        method,
        headers: headersOf(request),
        ...(hasBody ? { body: await body() } : {}),
      }),
      { owner: principal.name, scopes: principal.scopes, gone: () => whileConnected(response) },
    );
    const headers = { "Cache-Control": "no-store", ...Object.fromEntries(answer.headers) };
    sendWhole(response, answer.status, await answer.text(), headers);
  }

  #load(): Promise<Routes> {
    this.#routes ??= import("./routes.ts").then(({ makeRoutes }) => makeRoutes(this.#parts));
    return this.#routes;
  }

  upgrade(exchange: UpgradeExchange): Promise<void> | null {
    const { request, path } = exchange;
    const [, id] = /^\/v1\/jobs\/([^/%]+)\/attach$/.exec(path) ?? [];
    const isWebSocket = request.headers.upgrade?.toLowerCase() === "websocket";
    if (id === undefined || request.method !== "GET" || !isWebSocket) return null;
    return import("./attach/attach.ts").then(({ attach }) => attach(this.#parts, exchange, id));
  }

  refuseUpgrade(socket: Duplex, error: ErrandError): void {
    closeWith(socket, encodeProblem(error));
  }

  refuse(response: ServerResponse, error: ErrandError): void {
    const { status, headers, text } = encodeProblem(error);
    sendWhole(response, status, text, headers);
  }
}

function headersOf({ headers }: IncomingMessage): Headers {
  const found = new Headers();
  for (const name of headerNames) {
    const value = headers[name];
    if (typeof value === "string") found.set(name, value);
  }
  return found;
}

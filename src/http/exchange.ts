import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { ErrandError } from "../core/errors.ts";
import type { Operation, Scope } from "../core/scopes.ts";

/** Who is asking, once the credential has been checked. */
export interface Principal {
  readonly name: string;
  readonly scopes: readonly Scope[];
}

/** One request that has passed the guard, and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** As it was sent: nothing decoded, nothing normalised, without the query. */
  readonly path: string;
  readonly query: string;
  readonly principal: Principal;
  /** The body, once. Throws `too-large`, `too-many-requests` or `invalid-request`. */
  body(): Promise<Buffer>;
}

/** A request for another protocol on its connection, which has passed the guard. */
export interface UpgradeExchange extends Pick<Exchange, "request" | "path" | "query" | "principal"> {
  readonly socket: Duplex;
  /** What has come behind the head of the request. */
  readonly head: Buffer;
  /** Calls back when the credential is not good for this any more: tokens expire, and are revoked. */
  readonly onLost: (callback: () => void) => void;
}

/** A request whose credential has not been looked at. Its body may be read here and once more by the handler. */
export type Unauthenticated = Omit<Exchange, "principal">;

/** One protocol's way in. */
export interface Door {
  readonly name: string;
  /**
   * Who asks, for a request with a credential that only this protocol knows, such as a signature of its body; null for
   * any other, which needs a token. Rejects with `unauthorized`. Not called when nobody needs a credential.
   */
  authenticate?(request: Unauthenticated): Promise<Principal> | null;
  /**
   * What a request asks for, which decides who may ask; HEAD comes as GET, the query as it was sent. Null for what this protocol does not know:
   * its answer is the same for everybody, and says so.
   */
  operation(method: string, path: string, query: string): Operation | null;
  /** Answers; what it throws is told by `refuse`. */
  handle(exchange: Exchange): Promise<void>;
  /** Tells an error in the words of this protocol. */
  refuse(response: ServerResponse, error: ErrandError): void;
  /** Loads what the first request would have to wait for. */
  preload?(): Promise<void>;
  /** Takes a connection over as a WebSocket; null where none is served. What it rejects with is told by `refuseUpgrade`. */
  upgrade?(exchange: UpgradeExchange): Promise<void> | null;
  /** Tells an error to one who has asked for a WebSocket, and ends the connection. */
  refuseUpgrade?(socket: Duplex, error: ErrandError): void;
}

const challenge = 'Basic realm="errand", Bearer realm="errand"';

/** Headers that go with an error in every protocol. */
export function errorHeaders(error: ErrandError): Record<string, string> {
  const headers: Record<string, string> = { "Cache-Control": "no-store" };
  if (error.retryAfterSeconds !== undefined)
    headers["Retry-After"] = String(Math.ceil(error.retryAfterSeconds));
  if (error.code === "unauthorized") headers["WWW-Authenticate"] = challenge;
  return headers;
}

/** Sends a short text and ends the answer. */
export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendWhole(response, status, text, { "Content-Type": "text/plain; charset=utf-8", ...headers });
}

/** How long a body that nobody wants is read and thrown away: closing at once would make its sender lose the answer. */
const lingerMilliseconds = 1_000;

/** Sends a whole answer. When the request's body has not been read, the connection is closed behind it. */
export function sendWhole(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>>,
): void {
  if (response.writableEnded) return;
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const request = response.req;
  const length = { "Content-Length": String(Buffer.byteLength(text)) };
  if (request.complete) {
    response.writeHead(status, { ...headers, ...length });
    response.end(request.method === "HEAD" ? undefined : text);
    return;
  }
  response.writeHead(status, { ...headers, ...length, Connection: "close" });
  response.write(text);
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMilliseconds);
  request.on("end", end).resume();
}

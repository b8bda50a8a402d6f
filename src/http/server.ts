import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { ErrandError, errorTable, toErrandError } from "../core/errors.ts";
import type { Limits } from "../core/limits.ts";
import { checkScope } from "../core/scopes.ts";
import { Bodies } from "./bodies.ts";
import { type Door, type Exchange, errorHeaders, type Principal, type UpgradeExchange } from "./exchange.ts";
import type { Guard } from "./guard.ts";
import { OpenAnswers } from "./openAnswers.ts";
import { closeWith } from "./upgrade.ts";

/** A page that needs no credential. */
export interface PublicPage {
  answer(request: IncomingMessage, response: ServerResponse): void;
}

interface ServerParts {
  readonly limits: Limits;
  /** Open connections at most: the limit, or less where descriptors are few. */
  readonly connections: number;
  readonly guard: Guard;
  readonly publicPages: ReadonlyMap<string, PublicPage>;
  /** The door for a path, as it was sent; every path has one. */
  readonly doorFor: (path: string) => Door;
  readonly onInternalError: (error: unknown) => void;
  /** A request has come; null when nobody wants to know. */
  readonly onRequest: ((request: IncomingMessage) => void) | null;
  /**
   * A request was refused before it was carried out: by the guard, for its credential or for its scopes. `who` asked,
   * when that is known.
   */
  readonly onRefused: (request: IncomingMessage, error: ErrandError, who: string | null) => void;
}

/** A server for one address. */
export interface ErrandServer {
  readonly server: Server;
  /** Takes no more connections and resolves when all answers have gone out, at the latest after that time. */
  close(seconds: number): Promise<void>;
}

/** Between two looks for requests that arrive too slowly. */
const checkMilliseconds = 1_000;

/** Answers that are nearly complete when their credential is lost are let out, such as the one to its revocation. */
const lastAnswerMilliseconds = 250;

/** What is said on a connection whose bytes are no HTTP. */
const refusedConnection = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
} as const satisfies Record<string, number>;

const notImplemented = { status: 501 } as const;

/** A server for one address, not listening yet. Each request is guarded, then handed to its door. */
export function makeServer(parts: ServerParts): ErrandServer {
  const { limits } = parts;
  const bodies = new Bodies(limits);
  const server = createServer({
    maxHeaderSize: limits.requestHeaderBytes,
    headersTimeout: limits.headersTimeoutSeconds * 1_000,
    requestTimeout: limits.requestTimeoutSeconds * 1_000,
    keepAliveTimeout: limits.keepAliveSeconds * 1_000,
    connectionsCheckingInterval: checkMilliseconds,
  });
  server.maxConnections = parts.connections;
  server.timeout = 0;
  const answers = new OpenAnswers();
  const entry: Entry = { ...parts, answers };
  const unwatch = watchCredentials(parts.guard, answers);
  server.on("request", (request, response) => {
    answers.add(response);
    dispatch(entry, request, response, () => bodies.receive(request));
  });
  // The client asks before it sends a body: it is told to go on only when the body is wanted.
  server.on("checkContinue", (request, response) => {
    answers.add(response);
    dispatch(entry, request, response, () => bodies.receive(request, () => response.writeContinue()));
  });
  server.on("upgrade", (request, socket, head) => {
    answers.add(socket);
    upgrade(entry, { request, socket, head });
  });
  server.on("connect", (_request, socket) => closeWith(socket, notImplemented));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const known = Object.entries(refusedConnection).find(([code]) => code === error.code);
    closeWith(socket, { status: known?.[1] ?? 400 });
  });
  return {
    server,
    async close(seconds) {
      server.close();
      unwatch();
      await answers.settle(seconds * 1_000);
      answers.cut();
      server.closeAllConnections();
    },
  };
}

interface Entry extends ServerParts {
  readonly answers: OpenAnswers;
}

/** Whoever has lost a credential loses what it has opened; gives what ends that. */
function watchCredentials(guard: Guard, answers: OpenAnswers): () => void {
  let isDue = false;
  const look = () => {
    isDue = false;
    answers.endRefused(({ req }, door) => {
      const { path, query } = split(req.url ?? "");
      return enters(door, (request) => guard.authenticate(request), { request: req, path, query });
    });
  };
  return guard.onLost(() => {
    if (!isDue) setTimeout(look, lastAnswerMilliseconds);
    isDue = true;
  });
}

function dispatch(
  parts: Entry,
  request: IncomingMessage,
  response: ServerResponse,
  body: () => Promise<Buffer>,
): void {
  const { path, query } = split(request.url ?? "");
  const door = parts.doorFor(path);
  let who: string | null = null;
  parts.onRequest?.(request);
  const refuse = (error: unknown) => {
    if (!(error instanceof ErrandError)) parts.onInternalError(error);
    door.refuse(response, toErrandError(error));
  };
  const refuseEntry = (error: unknown) => {
    if (error instanceof ErrandError) parts.onRefused(request, error, who);
    refuse(error);
  };
  const enter = (principal: Principal, received = body) => {
    who = principal.name;
    authorise(door, { request, path, query, principal });
    const exchange: Exchange = { request, response, path, query, principal, body: received };
    door.handle(exchange).catch(refuse);
  };
  try {
    parts.guard.checkHost(request);
    const page = parts.publicPages.get(path);
    if (page !== undefined && (request.method === "GET" || request.method === "HEAD")) {
      page.answer(request, response);
      return;
    }
    parts.guard.checkOrigin(request);
    if (door.authenticate !== undefined && !parts.guard.isOpen) {
      const shared = sharedBody(body);
      const own = door.authenticate({ request, response, path, query, body: shared.look });
      if (own !== null) {
        own.then((principal) => enter(principal, shared.take)).catch(refuseEntry);
        return;
      }
    }
    const principal = parts.guard.authenticate(request);
    parts.answers.entered(response, door);
    enter(principal);
  } catch (error) {
    refuseEntry(error);
  }
}

/** Asked before every dispatch, so that no door can forget it. Throws `forbidden`. */
function authorise(
  door: Door,
  { request, path, query, principal }: Pick<Exchange, "request" | "path" | "query" | "principal">,
): void {
  // What a later layer takes for the same method is the same here.
  const method = (request.method ?? "GET").toUpperCase();
  const operation = door.operation(method === "HEAD" ? "GET" : method, path, query);
  if (operation !== null) checkScope(principal, operation);
}

/** The target as it was sent, parted at the first question mark. */
function split(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf("?");
  return mark < 0
    ? { path: target, query: "" }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** A body that is received once: `take` gives what `look` has received, and it is held no longer here. */
function sharedBody(receive: () => Promise<Buffer>): Record<"look" | "take", () => Promise<Buffer>> {
  let received: Promise<Buffer> | null = null;
  const look = () => {
    received ??= receive();
    return received;
  };
  const take = () => {
    const body = look();
    received = null;
    return body;
  };
  return { look, take };
}

type Upgrade = Pick<UpgradeExchange, "request" | "socket" | "head">;

/** Everything that asks for another protocol ends as one, or ends the connection. */
function upgrade(parts: Entry, { request, socket, head }: Upgrade): void {
  const { guard, answers, onRefused, onInternalError } = parts;
  const { path, query } = split(request.url ?? "");
  const door = parts.doorFor(path);
  let who: string | null = null;
  parts.onRequest?.(request);
  const refuse = (error: unknown) => {
    if (!(error instanceof ErrandError)) onInternalError(error);
    const known = toErrandError(error);
    if (door.refuseUpgrade !== undefined) door.refuseUpgrade(socket, known);
    else closeWith(socket, { status: errorTable[known.code].status, headers: errorHeaders(known) });
  };
  try {
    guard.checkHost(request);
    guard.checkOrigin(request);
    const principal = guard.authenticateUpgrade(request);
    who = principal.name;
    authorise(door, { request, path, query, principal });
    const authenticate = () => guard.authenticateUpgrade(request);
    const onLost = (callback: () => void) =>
      answers.connected(socket, () => {
        if (!enters(door, authenticate, { request, path, query })) callback();
      });
    const exchange = { request, socket, head, path, query, principal, onLost };
    const upgraded = door.upgrade?.(exchange) ?? null;
    if (upgraded === null) closeWith(socket, notImplemented);
    else upgraded.catch(refuse);
  } catch (error) {
    if (error instanceof ErrandError) onRefused(request, error, who);
    refuse(error);
  }
}

/** True when the same one would be let in again now. */
function enters(
  door: Door,
  authenticate: (request: IncomingMessage) => Principal,
  asked: Pick<Exchange, "request" | "path" | "query">,
): boolean {
  try {
    authorise(door, { ...asked, principal: authenticate(asked.request) });
    return true;
  } catch {
    return false;
  }
}

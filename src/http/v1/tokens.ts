import type { OpenAPIHono } from "@hono/zod-openapi";
import { ErrandError, toErrandError } from "../../core/errors.ts";
import type { Scope } from "../../core/scopes.ts";
import type { Token } from "../../core/tokens.ts";
import type { WireMadeToken, WireToken } from "../../protocol/tokens.ts";
import type { IssuedTokens, ListedToken } from "../issuedTokens.ts";
import { decodeToken } from "./decodeToken.ts";
import { readJson } from "./json.ts";
import { readNone } from "./parameters.ts";
import { encodeProblem } from "./problem.ts";
import { listRoute, makeRoute, revokeRoute, shutdownRoute } from "./tokenRoutes.ts";

/** Who asks. */
export interface TokenCaller {
  readonly owner: string;
  readonly scopes: readonly Scope[];
  /** Aborted when they have gone. */
  readonly gone: () => AbortSignal;
}

/** One line for those who want to know later: who has done what, and how it went. */
export interface AuditEntry {
  readonly who: string;
  readonly operation: string;
  /** `ok`, or the code of the error. */
  readonly result: string;
  /** Which one. Never a secret. */
  readonly token?: string;
  readonly name?: string;
  readonly scopes?: readonly Scope[];
  readonly expiresAt?: string | null;
}

export interface TokenParts {
  readonly tokens: IssuedTokens;
  readonly audit: (entry: AuditEntry) => void;
  /** Lets the running jobs end, then ends the server. */
  readonly shutdown: () => void;
}

/** Adds the calls for those who manage the server. The scope has been checked by then. */
export function mountTokens(
  app: OpenAPIHono<{ Bindings: TokenCaller }>,
  { tokens, audit, shutdown }: TokenParts,
): void {
  const queryOf = (url: string) => new URL(url).search.slice(1);

  app.openAPIRegistry.registerPath(makeRoute);
  app.post("/v1/tokens", async (context) => {
    const { req, env } = context;
    const who = env.owner;
    return noted(audit, { who, operation: "tokens.make" }, async (note) => {
      readNone(queryOf(req.url));
      const wanted = decodeToken(readJson(await req.arrayBuffer(), req.header("content-type")));
      const { name, scopes } = wanted;
      note({ name, scopes, expiresAt: timeOrNull(wanted.expiresAt) });
      const { token, secret } = tokens.make(wanted, { name: who, scopes: env.scopes });
      note({ token: token.id });
      return context.json(encodeMade(token, secret), 201, { Location: `/v1/tokens/${token.id}` });
    });
  });

  app.openAPIRegistry.registerPath(listRoute);
  app.get("/v1/tokens", (context) =>
    noted(audit, { who: context.env.owner, operation: "tokens.list" }, async () => {
      readNone(queryOf(context.req.url));
      return context.json({ tokens: tokens.list().map(encodeListed) });
    }),
  );

  app.openAPIRegistry.registerPath(revokeRoute);
  app.delete("/v1/tokens/:id", (context) =>
    noted(audit, { who: context.env.owner, operation: "tokens.revoke" }, async (note) => {
      readNone(queryOf(context.req.url));
      const id = context.req.param("id");
      const known = tokens.list().find((token) => token.id === id);
      if (known !== undefined) note({ token: id, name: known.name });
      tokens.revoke(id);
      return context.body(null, 204);
    }),
  );

  app.openAPIRegistry.registerPath(shutdownRoute);
  app.post("/v1/shutdown", (context) =>
    noted(audit, { who: context.env.owner, operation: "server.shutdown" }, async () => {
      readNone(queryOf(context.req.url));
      await refuseBody(context.req);
      shutdown();
      return context.body(null, 202);
    }),
  );

  const methods = { "/v1/tokens": "GET, POST", "/v1/tokens/:id": "DELETE", "/v1/shutdown": "POST" };
  for (const [path, allowed] of Object.entries(methods)) {
    app.all(path, () => {
      const { status, headers, text } = encodeProblem(
        new ErrandError("method-not-allowed", `allowed here is ${allowed}`),
      );
      return new Response(text, { status, headers: { ...headers, Allow: allowed } });
    });
  }
}

/** Carries out an operation and tells the audit how it went, also when it was refused. */
async function noted<Result>(
  audit: TokenParts["audit"],
  entry: Omit<AuditEntry, "result">,
  carryOut: (note: (more: Partial<AuditEntry>) => void) => Promise<Result>,
): Promise<Result> {
  let noted = entry;
  const note = (more: Partial<AuditEntry>) => {
    noted = { ...noted, ...more };
  };
  try {
    const result = await carryOut(note);
    audit({ ...noted, result: "ok" });
    return result;
  } catch (error) {
    audit({ ...noted, result: toErrandError(error).code });
    throw error;
  }
}

async function refuseBody(req: {
  arrayBuffer(): Promise<ArrayBuffer>;
  header(name: string): string | undefined;
}) {
  const body = await req.arrayBuffer();
  if (body.byteLength === 0) return;
  const value = readJson(body, req.header("content-type"));
  if (JSON.stringify(value) !== "{}")
    throw new ErrandError("invalid-spec", "the body: nothing, or {}, is allowed");
}

function encodeMade({ id, name, scopes, ...token }: Token, secret: string): WireMadeToken {
  const times = { createdAt: time(token.createdAt), expiresAt: timeOrNull(token.expiresAt) };
  return { id, name, scopes: [...scopes], ...times, secret };
}

function encodeListed({ id, name, scopes, source, ...token }: ListedToken): WireToken {
  const times = { createdAt: timeOrNull(token.createdAt), expiresAt: timeOrNull(token.expiresAt) };
  return { id, name, scopes: [...scopes], ...times, source };
}

function time(wall: number): string {
  return new Date(wall).toISOString();
}

function timeOrNull(wall: number | null): string | null {
  return wall === null ? null : time(wall);
}

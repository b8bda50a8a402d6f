import type { RequestOptions } from "./request.ts";
import type { Server } from "./server.ts";

/** The answer to `POST /v1/tokens`. */
export interface MadeToken {
  id: string;
  name: string;
  scopes: string[];
  createdAt: string;
  expiresAt: string | null;
  secret: string;
}

export interface ListedToken {
  id: string;
  name: string;
  scopes: string[];
  createdAt: string | null;
  expiresAt: string | null;
  source: string;
}

let names = 0;

/** A name that no other test of this run uses. */
export function newName(prefix = "token"): string {
  names += 1;
  return `${prefix}-${process.pid}-${names}`;
}

/** Sends any body to `POST /v1/tokens` as it is. */
export function postToken(server: Server, body: string, options: RequestOptions = {}): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return server.request("/v1/tokens", { headers, ...options, method: "POST", body });
}

/** Makes a token, which must work. */
export async function makeToken(
  server: Server,
  scopes: readonly string[],
  more: Readonly<Record<string, unknown>> = {},
): Promise<MadeToken> {
  const response = await postToken(server, JSON.stringify({ name: newName(), scopes, ...more }));
  const text = await response.text();
  if (response.status !== 201) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text) as MadeToken;
}

/** `GET /v1/tokens`, which must answer 200. */
export async function listTokens(server: Server): Promise<ListedToken[]> {
  const response = await server.request("/v1/tokens");
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return ((await response.json()) as { tokens: ListedToken[] }).tokens;
}

/** `DELETE /v1/tokens/{id}`; gives the status. */
export async function revokeToken(server: Server, id: string, options: RequestOptions = {}): Promise<number> {
  const response = await server.request(`/v1/tokens/${id}`, { ...options, method: "DELETE" });
  await response.text();
  return response.status;
}

import { createHash } from "node:crypto";
import type { Operation } from "../../../src/core/scopes.ts";
import { signature } from "../../support/sidecar.ts";

/** One request, as every principal sends it. `DONE` stands for an ended job, `NONE` for an id that no job has. */
export interface Cell {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation | null;
  /** What those get who may ask. */
  readonly allowed: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function row(
  call: string,
  operation: Operation | null,
  allowed: number,
  more: Pick<Cell, "body" | "headers"> = {},
): Cell {
  const [method = "", path = ""] = call.split(" ");
  return { method, path, operation, allowed, ...more };
}

const json = { "content-type": "application/json" };
const octets = { "content-type": "application/octet-stream" };
const accept = (type: string) => ({ ...json, accept: type });
const form = { "content-type": "application/x-www-form-urlencoded" };

/** `FILE` stands for a file that the command makes: it shows that it has run. */
const touch = JSON.stringify({ command: ["touch", "FILE"] });

/** Every call of every door. */
export const cells: readonly Cell[] = [
  row("POST /v1/jobs", "jobs.start", 201, { headers: json, body: touch }),
  row("POST /v1/jobs?wait=1", "jobs.start", 201, { headers: json, body: touch }),
  row("POST /v1/jobs?", "jobs.start", 200, { headers: accept("text/event-stream"), body: touch }),
  row("POST /v1/jobs?", "jobs.start", 200, { headers: accept("application/x-ndjson"), body: touch }),
  row("POST /v1/jobs?", "jobs.start", 200, { headers: accept("application/octet-stream"), body: touch }),
  row("GET /v1/jobs", "jobs.list", 200),
  row("HEAD /v1/jobs", "jobs.list", 200),
  row("GET /v1/jobs/DONE", "jobs.get", 200),
  row("HEAD /v1/jobs/DONE", "jobs.get", 200),
  row("GET /v1/jobs/NONE", "jobs.get", 404),
  row("GET /v1/jobs/x", "jobs.get", 404),
  row("DELETE /v1/jobs/NONE", "jobs.forget", 404),
  row("GET /v1/jobs/DONE/stdout", "jobs.output", 200),
  row("HEAD /v1/jobs/DONE/stdout", "jobs.output", 200),
  row("GET /v1/jobs/DONE/stderr", "jobs.output", 200),
  row("GET /v1/jobs/DONE/events?follow=false", "jobs.events", 200),
  row("GET /v1/jobs/DONE/events", "jobs.events", 200, { headers: { accept: "application/x-ndjson" } }),
  row("PUT /v1/jobs/NONE/stdin", "jobs.stdin", 404, { headers: octets, body: "x" }),
  row("POST /v1/jobs/NONE/signal", "jobs.signal", 404, { headers: json, body: '{"signal":"SIGINT"}' }),
  row("POST /v1/jobs/NONE/resize", "jobs.resize", 404, { headers: json, body: '{"cols":80,"rows":24}' }),
  row("POST /v1/jobs/DONE/resize", "jobs.resize", 409, { headers: json, body: '{"cols":80,"rows":24}' }),
  row("GET /v1/jobs/NONE/attach", "jobs.attach", 404),
  row("HEAD /v1/jobs/NONE/attach", "jobs.attach", 404),
  row("GET /v1/jobs/DONE/attach?readOnly=true", "jobs.watch", 426),
  row("GET /v1/jobs/DONE/attach?readOnly=TRUE", "jobs.attach", 400),
  row("GET /v1/jobs/DONE/attach?readOnly=true&readOnly=false", "jobs.attach", 400),
  row("GET /v1/jobs/DONE/attach?readonly=true", "jobs.attach", 400),
  row("POST /v1/jobs/NONE/stop", "jobs.stop", 404),
  row("POST /v1/jobs/DONE/stop", "jobs.stop", 200),
  row("POST /v1/jobs/NONE/callback/resend", "callbacks.resend", 404),
  row("GET /v1/info", "info.read", 200),
  row("GET /v1/events", "events.read", 200),
  row("GET /v1/tokens", "tokens.manage", 200),
  row("HEAD /v1/tokens", "tokens.manage", 200),
  row("POST /v1/tokens", "tokens.manage", 422, { headers: json, body: '{"name":"x","scopes":[]}' }),
  row("DELETE /v1/tokens/NONE", "tokens.manage", 404),
  row("POST /v1/shutdown", "server.shutdown", 422, { headers: json, body: "[]" }),
  row("GET /openapi.json", "openapi.read", 200),
  row("POST /process", "jobs.start", 200, {
    headers: json,
    body: '{"alias":"ALIAS","cmd":"touch","args":["FILE"]}',
  }),
  row("POST /process?", "jobs.start", 200, {
    headers: form,
    body: '{"alias":"ALIAS","cmd":"touch","args":["FILE"]}',
  }),
  row("POST /shell", "jobs.start", 200, { headers: json, body: '{"command":"touch FILE"}' }),
  row("POST /shell?", "jobs.start", 200, { headers: json, body: '{"command":"touch FILE","wait":false}' }),
  // What no door knows is the same for every credential.
  row("GET /process", null, 501),
  row("PUT /process", null, 501),
  row("GET /shell", null, 405),
  row("GET /v1/nope", null, 404),
  row("PATCH /v1/jobs", null, 405),
  row("GET /v1/tokens/NONE", null, 405),
  row("GET /v1/nodes", null, 501),
  row("PUT /v1/files/a", null, 501),
  row("GET /nope", null, 501),
  row("POST /", null, 501),
];

/** Who asks. `scopes`: null for those who are nobody. */
export interface Asker {
  readonly name: string;
  readonly scopes: readonly string[] | null;
  /** Headers that tell who it is, which may depend on the body. */
  readonly headers: (cell: Pick<Cell, "method" | "path">, body: string) => Record<string, string>;
}

/** By a token, in the form that is due. */
export function byToken(name: string, secret: string, scopes: Asker["scopes"]): Asker {
  const basic = `Basic ${Buffer.from(`x:${secret}`).toString("base64")}`;
  const authorization = name.length % 2 === 0 ? `Bearer ${secret}` : basic;
  return { name, scopes, headers: () => ({ authorization }) };
}

/** By a signature, which the sidecar's door alone knows. */
export const signer: Asker = {
  name: "signer",
  scopes: ["run"],
  headers: ({ method, path }, body) => ({
    ...signature({ method, path: path.split("?", 1)[0] ?? "", body }),
  }),
};

export const subsets = [
  ["read"],
  ["run"],
  ["admin"],
  ["read", "run"],
  ["read", "admin"],
  ["run", "admin"],
  ["admin", "run", "read"],
] as const;

/** Tokens of the configuration, one for each set of scopes; the secret is the name. */
export const configuredTokens = subsets
  .map((scopes) => {
    const name = `configured-${scopes.join("-")}`;
    const sha256 = createHash("sha256").update(name).digest("hex");
    return `[[token]]\nname = "${name}"\nsha256 = "${sha256}"\nscopes = ${JSON.stringify(scopes)}\n`;
  })
  .join("\n");

import { createHmac, randomUUID } from "node:crypto";
import type { RequestOptions } from "./request.ts";
import { type Server, type ServerOptions, startServer } from "./server.ts";

/** The key of the credential `dff` in `sidecarConfig`. */
export const secretKey = "only-for-tests-4f6c1d";

/** A sidecar that may call back receivers on loopback. */
export const sidecarConfig = `[[sidecar]]
name = "dff"
secretKey = "${secretKey}"

[callbacks]
allowPrivate = ["127.0.0.0/8"]
`;

/** A server with `sidecarConfig`, and more of it. */
export function startSidecar(more = "", options: ServerOptions = {}): Promise<Server> {
  return startServer({ ...options, config: `${sidecarConfig}\n${more}` });
}

/** `data` of an answer; what is there depends on what was asked. */
export interface ShellData {
  stdout: string;
  stderr: string;
  exitCode: number | null;
  signal: string | null;
  jobId: string;
  truncated?: true;
}

export interface Envelope {
  data: ShellData | null;
  message: string;
  ok: boolean;
}

/** Sends any body to `POST /shell` as it is, with the local token. */
export function postText(
  server: Server,
  body: string | Uint8Array<ArrayBuffer>,
  options: RequestOptions = {},
): Promise<Response> {
  const headers = new Headers(options.headers);
  if (!headers.has("content-type")) headers.set("content-type", "application/json");
  return server.request("/shell", { ...options, method: "POST", headers, body });
}

/** `POST /shell` with these fields; `unknown` values let a test send what the contract refuses. */
export function postShell(server: Server, fields: unknown, options?: RequestOptions): Promise<Response> {
  return postText(server, JSON.stringify(fields), options);
}

/** Runs a command and gives what the answer tells of it, which must be 200. */
export async function shell(
  server: Server,
  command: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<ShellData> {
  const response = await postShell(server, { command, ...more });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return (JSON.parse(text) as { data: ShellData }).data;
}

/** Status and message of a refusal, whose envelope must be right. */
export async function refusal(response: Response): Promise<{ status: number; message: string }> {
  const text = await response.text();
  const { data, message, ok, ...more } = JSON.parse(text) as Envelope;
  const right = data === null && ok === false && message !== "" && Object.keys(more).length === 0;
  const type = response.headers.get("content-type");
  if (!right || type !== "application/json") throw new Error(`${response.status} ${type}: ${text}`);
  return { status: response.status, message };
}

export interface Signed {
  secret?: string;
  method?: string;
  path?: string;
  nonce?: string;
  timestamp?: number | string;
  body?: string | Uint8Array;
}

export interface SignatureHeaders {
  "X-Auth-Nonce": string;
  "X-Auth-Timestamp": string;
  "X-Auth-Signature": string;
}

/** Unix time in seconds, so far from now. */
export function unixTime(offSeconds = 0): number {
  return Math.floor(Date.now() / 1_000) + offSeconds;
}

/** The headers that sign this, by the words of the contract. */
export function signature(signed: Signed = {}): SignatureHeaders {
  const { secret = secretKey, method = "POST", path = "/shell", body = "" } = signed;
  const nonce = signed.nonce ?? randomUUID().replaceAll("-", "");
  const timestamp = String(signed.timestamp ?? unixTime());
  const hmac = createHmac("sha1", secret).update(`${method}\n${path}\n${nonce}\n${timestamp}\n`).update(body);
  return {
    "X-Auth-Nonce": nonce,
    "X-Auth-Timestamp": timestamp,
    "X-Auth-Signature": hmac.digest("hex").toUpperCase(),
  };
}

/** `POST /shell` with a signature instead of a token. */
export function postSigned(server: Server, fields: unknown, more: Signed = {}): Promise<Response> {
  const body = JSON.stringify(fields);
  return postText(server, body, { credential: false, headers: { ...signature({ body, ...more }) } });
}

import { baseOf, reasonOf } from "./address.ts";
import { ownCredential } from "./credential.ts";
import {
  readResult,
  type ShellOutput,
  type ShellStarted,
  SidecarError,
  type SidecarResult,
} from "./sidecarResult.ts";
import { signatureHeaders } from "./sidecarSignature.ts";

// What programs need beside the class.
export { type ShellOutput, type ShellStarted, SidecarError, type SidecarResult };

/** Where a Sidecar is and how to be let in. Without a secret key and token the server must be open. */
export interface SidecarOptions {
  /** Such as `http://127.0.0.1:8099`. A path in front is for a proxy that takes it away. */
  readonly url: string;
  /** Signs each request. */
  readonly secretKey?: string | undefined;
  /** Is sent with each request, instead of a signature. */
  readonly token?: string | undefined;
}

/** One command. */
export interface ShellOptions {
  /** Run by `/bin/sh -c`. */
  readonly cmd: string;
  /** True (the default): the result comes when the command has ended. */
  readonly wait?: boolean | undefined;
  readonly workdir?: string | undefined;
  /** Added to the command's environment: `KEY=VALUE` each, or by name. */
  readonly envs?: readonly string[] | Readonly<Record<string, string>> | undefined;
  /** The output is posted there when the command has ended. */
  readonly callbackUrl?: string | undefined;
  /** Seconds for the request alone, 3 by default; the command runs on after them. */
  readonly timeout?: number | undefined;
}

/** Whether a server answers. `version` and `releaseDate` are null where it is none that is known. */
export interface SidecarCheck {
  readonly ok: boolean;
  /** The HTTP status; null when there was no answer. */
  readonly status: number | null;
  readonly version: string | null;
  readonly releaseDate: string | null;
  /** Says why it is not ok; empty when it is. */
  readonly message: string;
}

const defaultTimeoutSeconds = 3;
/** Longer timers end at once. */
const mostTimeoutSeconds = 2_147_483;
const shellPath = "/shell";

/** A client of the door `sidecar`, and of the DataFlux Func Sidecar. */
export class Sidecar {
  readonly #base: string;
  readonly #secretKey: string | undefined;
  readonly #token: string | undefined;

  /** Throws `TypeError` for what can be no Sidecar. */
  constructor({ url, secretKey, token }: SidecarOptions) {
    if (secretKey !== undefined && token !== undefined) throw new TypeError("give a secretKey or a token");
    if (secretKey === "" || token === "") throw new TypeError("the secretKey or token is empty");
    this.#base = baseOf(url);
    this.#secretKey = secretKey;
    this.#token = token;
  }

  /** Runs a command. Throws `SidecarError` when there is no result; a command that fails is a result. */
  shell(options: ShellOptions & { readonly wait?: true | undefined }): Promise<SidecarResult<ShellOutput>>;
  shell(options: ShellOptions & { readonly wait: false }): Promise<SidecarResult<ShellStarted>>;
  shell(options: ShellOptions): Promise<SidecarResult<ShellOutput | ShellStarted>>;
  async shell(options: ShellOptions): Promise<SidecarResult<ShellOutput | ShellStarted>> {
    const body = new TextEncoder().encode(JSON.stringify(fieldsOf(options)));
    const headers = { "Content-Type": "application/json", ...(await this.#credential(body)) };
    const answer = await this.#ask(shellPath, options.timeout, { method: "POST", headers, body });
    const result = readResult(answer.status, answer.text);
    const { status } = answer;
    if (status >= 400) {
      const why = result?.message ?? answer.text.slice(0, 200);
      throw new SidecarError("refused", `${status}: ${why}`, { status, ...(result && { result }) });
    }
    if (result === null)
      throw new SidecarError("unreachable", `${status}, but no answer of a Sidecar`, { status });
    return result as SidecarResult<ShellOutput | ShellStarted>;
  }

  /** Asks whether the server answers; never throws for a server that does not. Needs no credential. */
  async check({ timeout }: Pick<ShellOptions, "timeout"> = {}): Promise<SidecarCheck> {
    const unknown = { ok: false, version: null, releaseDate: null };
    try {
      const { status, text } = await this.#ask("/", timeout, { headers: { Accept: "text/plain" } });
      const version = lineOf(text, "Version");
      if (status !== 200 || version === null) {
        return { ...unknown, status, message: `${status}, but no answer of a Sidecar` };
      }
      return { ok: true, status, version, releaseDate: lineOf(text, "Release Date"), message: "" };
    } catch (error) {
      if (!(error instanceof SidecarError)) throw error;
      return { ...unknown, status: error.status, message: error.message };
    }
  }

  async #credential(body: Uint8Array<ArrayBuffer>): Promise<Record<string, string>> {
    if (this.#token !== undefined) return { Authorization: `Bearer ${this.#token}` };
    if (this.#secretKey === undefined) return {};
    return signatureHeaders(this.#secretKey, { method: "POST", path: shellPath, body });
  }

  async #ask(path: string, timeout = defaultTimeoutSeconds, init: RequestInit = {}) {
    if (!(timeout > 0 && timeout <= mostTimeoutSeconds)) {
      throw new RangeError(`timeout: more than 0 and at most ${mostTimeoutSeconds} seconds are allowed`);
    }
    const signal = AbortSignal.timeout(timeout * 1_000);
    try {
      // A redirect would hand the credential on.
      const own = ownCredential(this.#token ?? this.#secretKey);
      const response = await fetch(this.#base + path, { ...init, ...own, redirect: "error", signal });
      return { status: response.status, text: await response.text() };
    } catch (cause) {
      if (signal.aborted || isTimeout(cause)) {
        throw new SidecarError("timeout", `no answer from ${this.#base} within ${timeout} s`, { cause });
      }
      throw new SidecarError("unreachable", `no answer from ${this.#base}: ${reasonOf(cause)}`, { cause });
    }
  }
}

/** The body, in the names of the wire; what is not set is not sent. */
function fieldsOf({ cmd, wait = true, workdir, envs, callbackUrl }: ShellOptions) {
  return { command: cmd, wait, workdir, envs: pairsOf(envs), callbackURL: callbackUrl };
}

function pairsOf(envs: ShellOptions["envs"]): readonly string[] | undefined {
  if (envs === undefined || isList(envs)) return envs;
  return Object.entries(envs).map(([name, value]) => {
    if (name === "" || name.includes("=")) throw new TypeError(`envs: ${JSON.stringify(name)} is no name`);
    return `${name}=${value}`;
  });
}

function isList(envs: NonNullable<ShellOptions["envs"]>): envs is readonly string[] {
  return Array.isArray(envs);
}

function lineOf(text: string, name: string): string | null {
  const line = text.split("\n").find((one) => one.startsWith(`* ${name}: `));
  return line?.slice(`* ${name}: `.length).trim() ?? null;
}

/** Runtimes have limits of their own, which they tell in words of their own. */
function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "TimeoutError") return true;
  const { cause } = error;
  return cause instanceof Error && "code" in cause && /TIMEOUT|TIMEDOUT/.test(String(cause.code));
}

import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import type { CallbackPolicy } from "../core/callbackPorts.ts";
import type { AllowedAddresses } from "./addresses.ts";
import { allowedWords } from "./policy.ts";
import { type Resolve, resolveName } from "./resolve.ts";

/** One callback, ready to be sent. */
export interface CallbackMessage {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Gives the try up. */
  readonly signal: AbortSignal;
}

/** What came of one try: the status of the answer, or why there was none, in words without control characters. */
export type Answer = { readonly status: number } | { readonly error: string };

/** Sends one callback once. Never rejects. */
export type SendCallback = (message: CallbackMessage) => Promise<Answer>;

interface SenderOptions {
  readonly policy: CallbackPolicy;
  readonly addresses: AllowedAddresses;
  /** For the whole try: name, connection, request and the head of the answer. */
  readonly timeoutSeconds: number;
  readonly resolve?: Resolve;
}

/** Of the answer's body so much is taken, for so long, so that a receiver does not see its answer refused. */
const mostBodyBytes = 64 * 1024;
const mostBodyMilliseconds = 1_000;
/** Interim answers, as 100 Continue, that may come before the one that counts. */
const mostInterim = 16;
const mostErrorCharacters = 200;

/**
 * Makes the function that sends callbacks by POST. The connection goes to the address that was checked, whatever the
 * name stands for a moment later; redirects are not followed and proxies not used.
 */
export function makeSender(options: SenderOptions): SendCallback {
  const { policy, timeoutSeconds, resolve = resolveName } = options;
  const pinned = pinningLookup(options.addresses, resolve);
  return async ({ signal, ...message }) => {
    const control = new AbortController();
    const giveUp = () => control.abort();
    const timer = setTimeout(giveUp, timeoutSeconds * 1_000);
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp);
    try {
      // An address in the URL itself never comes to the lookup.
      policy.check(message.url);
      return { status: await post(message, { lookup: pinned, signal: control.signal }) };
    } catch (error) {
      return { error: control.signal.aborted ? `no answer within ${timeoutSeconds} s` : wordsOf(error) };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
    }
  };
}

/** Gives the first address of a name if all that it has are allowed. */
function pinningLookup(addresses: AllowedAddresses, resolve: Resolve): LookupFunction {
  const allowed = async (name: string) => {
    const found = await resolve(name);
    const bad = found.find(({ address }) => !addresses.allows(address));
    if (bad !== undefined) throw notAllowed(bad.address);
    const [first] = found;
    if (first === undefined) throw new Error("the name has no address");
    return first;
  };
  return (name, { all }, callback) => {
    allowed(name).then(
      (first) => (all ? callback(null, [first]) : callback(null, first.address, first.family)),
      (error: Error) => callback(error, []),
    );
  };
}

interface Connection {
  readonly lookup: LookupFunction;
  readonly signal: AbortSignal;
}

function post(
  message: Pick<CallbackMessage, "url" | "headers" | "body">,
  connection: Connection,
): Promise<number> {
  const url = new URL(message.url);
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(message.body);
    const headers = { ...message.headers, "content-length": String(bytes.byteLength) };
    // No agent: a kept connection would not be looked up again.
    const sent = request(url, { method: "POST", headers, agent: false, ...connection });
    sent.on("error", reject);
    let interim = 0;
    sent.on("information", () => {
      interim += 1;
      if (interim > mostInterim) sent.destroy(new Error(`more than ${mostInterim} interim answers came`));
    });
    sent.on("response", (answer) => {
      resolve(answer.statusCode ?? 0);
      discard(sent, answer);
    });
    sent.on("upgrade", (answer, socket) => {
      resolve(answer.statusCode ?? 0);
      socket.destroy();
    });
    sent.on("close", () => reject(new Error("the connection was closed")));
    sent.end(bytes);
  });
}

function discard(sent: ClientRequest, answer: IncomingMessage): void {
  const timer = setTimeout(() => sent.destroy(), mostBodyMilliseconds);
  let bytes = 0;
  answer.on("data", (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes > mostBodyBytes) sent.destroy();
  });
  answer.on("error", () => {});
  answer.on("close", () => clearTimeout(timer));
}

function notAllowed(address: string): Error {
  return new Error(`the name stands for ${address}, which is not allowed: ${allowedWords}`);
}

/** Words may come from a resolver or from what the other side has sent. */
function wordsOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? `${error.code}: ` : "";
  const text = `${code}${error instanceof Error ? error.message : error}`;
  return text
    .replace(/[^\x20-\x7e]+/g, " ")
    .trim()
    .slice(0, mostErrorCharacters);
}

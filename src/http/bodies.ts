import type { IncomingMessage } from "node:http";
import { ErrandError } from "../core/errors.ts";

interface BodyLimits {
  readonly requestBodyBytes: number;
  readonly pendingBodyBytes: number;
}

const nothing = Buffer.alloc(0);
const retryAfterSeconds = 1;

/** Receives bodies, each and all of them together bounded. */
export class Bodies {
  readonly #limits: BodyLimits;
  #pendingBytes = 0;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /**
   * The whole body. `onWanted` is called when its declared length is allowed. Throws `too-large`,
   * `too-many-requests`, or `invalid-request` when the client went away.
   */
  receive(request: IncomingMessage, onWanted?: () => void): Promise<Buffer> {
    const declared = Number(request.headers["content-length"] ?? 0);
    if (declared > this.#limits.requestBodyBytes) return Promise.reject(this.#tooLarge());
    onWanted?.();
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const settle = () => {
        this.#pendingBytes -= bytes;
        request.off("data", take).off("end", end).off("aborted", gone);
      };
      const fail = (error: ErrandError) => {
        settle();
        reject(error);
      };
      const take = (chunk: Buffer) => {
        bytes += chunk.byteLength;
        this.#pendingBytes += chunk.byteLength;
        chunks.push(chunk);
        if (bytes > this.#limits.requestBodyBytes) fail(this.#tooLarge());
        else if (this.#pendingBytes > this.#limits.pendingBodyBytes) fail(this.#tooMany());
      };
      const end = () => {
        settle();
        const [first = nothing] = chunks;
        resolve(chunks.length > 1 ? Buffer.concat(chunks) : first);
      };
      const gone = () => fail(new ErrandError("invalid-request", "the request was cut"));
      request.on("data", take).on("end", end).on("aborted", gone);
    });
  }

  #tooLarge(): ErrandError {
    const allowed = `a body of at most ${this.#limits.requestBodyBytes} bytes is allowed (requestBodyBytes)`;
    return new ErrandError("too-large", allowed);
  }

  #tooMany(): ErrandError {
    return new ErrandError(
      "too-many-requests",
      "too many bodies are being received at once",
      retryAfterSeconds,
    );
  }
}

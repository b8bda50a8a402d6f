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

  /** The whole body. Throws `too-large`, `too-many-requests`, or `invalid-request` when the client went away. */
  receive(request: IncomingMessage): Promise<Buffer> {
    const declared = Number(request.headers["content-length"] ?? 0);
    if (declared > this.#limits.requestBodyBytes) return Promise.reject(this.#tooLarge());
    return new Promise((resolve, reject) => {
      let chunks: Buffer[] = [];
      let bytes = 0;
      const settle = (finish: () => void) => {
        this.#pendingBytes -= bytes;
        bytes = 0;
        chunks = [];
        finish();
      };
      request.on("data", (chunk: Buffer) => {
        bytes += chunk.byteLength;
        this.#pendingBytes += chunk.byteLength;
        chunks.push(chunk);
        if (bytes > this.#limits.requestBodyBytes) settle(() => reject(this.#tooLarge()));
        else if (this.#pendingBytes > this.#limits.pendingBodyBytes) settle(() => reject(this.#tooMany()));
      });
      request.on("end", () => {
        const [only] = chunks;
        const body =
          chunks.length === 1 && only !== undefined
            ? only
            : chunks.length === 0
              ? nothing
              : Buffer.concat(chunks);
        settle(() => resolve(body));
      });
      const gone = () => settle(() => reject(new ErrandError("invalid-request", "the request was cut")));
      request.on("aborted", gone);
      request.on("error", gone);
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

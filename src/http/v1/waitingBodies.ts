import { ErrandError } from "../../core/errors.ts";
import type { JobId } from "../../core/job.ts";

/** So many requests may wait for one job's command to read, those whose clients have gone among them. */
const mostRequestsPerJob = 1_000;
const retryAfterSeconds = 5;

/** A body that waits for its turn. */
export interface WaitingBody {
  /** Its turn has come: the bytes, once; null when its client has gone meanwhile. */
  take(): Uint8Array | null;
  /** Its client has gone: what has not been taken is let go. */
  letGo(): void;
  /** It waits no more. To be called once. */
  end(): void;
}

/** The bodies that wait for commands to read, and how much they are: a command may never read. */
export class WaitingBodies {
  readonly #mostBytes: number;
  readonly #requests = new Map<JobId, number>();
  #bytes = 0;

  /** `mostBytes`: of all jobs together. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Takes a body in. Throws `too-many-requests`. */
  enter(id: JobId, body: Uint8Array): WaitingBody {
    const requests = this.#requests.get(id) ?? 0;
    if (requests >= mostRequestsPerJob)
      throw tooMuch(`${requests} requests wait for job ${id} to read, which is the limit`);
    if (this.#bytes + body.byteLength > this.#mostBytes)
      throw tooMuch(`${this.#mostBytes} bytes may wait for commands to read (pendingBodyBytes)`);
    this.#requests.set(id, requests + 1);
    this.#bytes += body.byteLength;
    let waiting: Uint8Array | null = body;
    let countedBytes = body.byteLength;
    const uncount = () => {
      this.#bytes -= countedBytes;
      countedBytes = 0;
    };
    return {
      take: () => {
        const taken = waiting;
        waiting = null;
        return taken;
      },
      letGo: () => {
        if (waiting !== null) uncount();
        waiting = null;
      },
      end: () => {
        uncount();
        this.#leave(id);
      },
    };
  }

  #leave(id: JobId): void {
    const requests = (this.#requests.get(id) ?? 1) - 1;
    if (requests === 0) this.#requests.delete(id);
    else this.#requests.set(id, requests);
  }
}

function tooMuch(why: string): ErrandError {
  return new ErrandError("too-many-requests", why, retryAfterSeconds);
}

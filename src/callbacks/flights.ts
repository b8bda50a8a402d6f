import type { Delivery } from "../core/callbackPorts.ts";
import type { JobId } from "../core/job.ts";
import type { Limits } from "../core/limits.ts";

type Route = Pick<Delivery, "jobId" | "url">;

/** The callbacks that are on their way: one of each job, and of each host and of all together only so many. */
export class Flights {
  readonly #limits: Pick<Limits, "callbacksAtOnce" | "callbacksPerHost">;
  readonly #jobs = new Set<JobId>();
  readonly #hosts = new Map<string, number>();

  constructor(limits: Pick<Limits, "callbacksAtOnce" | "callbacksPerHost">) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#jobs.size;
  }

  /** True when no more may start, wherever they go. */
  get isFull(): boolean {
    return this.#jobs.size >= this.#limits.callbacksAtOnce;
  }

  /** True while one of that job is on its way. */
  has(jobId: JobId): boolean {
    return this.#jobs.has(jobId);
  }

  /** Notes one that starts; false when it must not. */
  start({ jobId, url }: Route): boolean {
    const host = hostOf(url);
    const toHost = this.#hosts.get(host) ?? 0;
    if (this.isFull || this.#jobs.has(jobId) || toHost >= this.#limits.callbacksPerHost) return false;
    this.#jobs.add(jobId);
    this.#hosts.set(host, toHost + 1);
    return true;
  }

  /** Notes one that is back. */
  land({ jobId, url }: Route): void {
    const host = hostOf(url);
    const left = (this.#hosts.get(host) ?? 1) - 1;
    this.#jobs.delete(jobId);
    if (left === 0) this.#hosts.delete(host);
    else this.#hosts.set(host, left);
  }
}

/** Name or address with the port. */
function hostOf(url: string): string {
  return URL.parse(url)?.host ?? "";
}

import { reasonOf } from "./address.ts";
import { ConnectionError, ErrandError, StreamCut } from "./errors.ts";
import { jobPath } from "./eventStream.ts";
import type { StreamName } from "./eventTypes.ts";
import { isOver, type OutputStream } from "./jobTypes.ts";
import { jobOf } from "./readJob.ts";
import type { Opened, Transport } from "./transport.ts";

/** Which stream of which job. */
export interface OutputSource {
  readonly transport: Transport;
  readonly jobId: string;
  readonly stream: StreamName;
}

interface Wanted {
  readonly from: number;
  /** The last bytes alone; null for all from `from` on. */
  readonly tail: number | null;
  readonly follow: boolean;
  readonly signal: AbortSignal | undefined;
}

/** How far the output of a job has been read. */
export class OutputPlace {
  readonly #source: OutputSource;
  readonly #wanted: Wanted;
  /** Of the next byte; null until the server has told where the tail begins. */
  #offset: number | null;
  /** The answer brings so many more; null when it does not say. */
  #announced: number | null = null;
  #isFollowing = false;
  /** What came in all, once the job has ended. */
  #over: OutputStream | null = null;
  #wasOpen = false;
  #wasSilent = false;

  constructor(source: OutputSource, wanted: Wanted) {
    this.#source = source;
    this.#wanted = wanted;
    this.#offset = wanted.tail === null ? wanted.from : null;
  }

  /** The last answer was left because nothing came: there are no signs of life in it, so only a new one can tell. */
  get wasSilent(): boolean {
    return this.#wasSilent;
  }

  /** What one answer brings from here on. Throws `ErrandError`, `ConnectionError`, `Cancelled`. */
  async *pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    this.#wasSilent = false;
    const opened = await this.#open();
    if (opened === null) return;
    const { response, cutter } = opened;
    const { silenceSeconds } = this.#source.transport;
    try {
      this.#wasOpen = true;
      let skip = this.#begin(response);
      const reader = response.body?.getReader();
      for (;;) {
        cutter.within(silenceSeconds);
        const { done, value } = (await reader?.read()) ?? { done: true };
        // Time that the caller takes is no silence.
        cutter.within(null);
        if (done) break;
        const piece = value.subarray(Math.min(skip, value.byteLength));
        skip -= value.byteLength - piece.byteLength;
        if (piece.byteLength === 0) continue;
        this.#offset = this.#read + piece.byteLength;
        if (this.#announced !== null) this.#announced -= piece.byteLength;
        yield piece;
      }
    } catch (cause) {
      if (cause instanceof ConnectionError) throw cause;
      throw new ConnectionError(`the output was cut: ${reasonOf(cause)}`, { cause });
    } finally {
      this.#wasSilent = cutter.isLate;
      cutter.end();
    }
  }

  /** The last answer was to go on until the job ends; that it did so does not mean that the job has ended. */
  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  /**
   * What is to be done after an answer. The server cuts what it knows not to be whole, and a proxy may put a clean end to what
   * was cut: so the record is asked, and the rest of a job that has ended is fetched by its length. Throws `StreamCut` when
   * not all was kept.
   */
  async next({ repeatable }: { readonly repeatable: boolean }): Promise<"end" | "more" | "cut"> {
    if (!this.#isFollowing) {
      if ((this.#announced ?? 0) > 0) return "cut";
      if (!this.#wanted.follow) return "end";
      // Only now it is known where the tail ends.
      return this.#over === null ? "more" : this.#end(this.#over);
    }
    const { transport, jobId, stream } = this.#source;
    const { signal } = this.#wanted;
    const job = jobOf(await transport.json({ path: jobPath(jobId), signal, repeatable }));
    if (!isOver(job)) return "cut";
    this.#over = job[stream];
    return this.#read >= (job[stream].bytes ?? Number.POSITIVE_INFINITY) ? "end" : "more";
  }

  #end({ bytes }: OutputStream): "end" {
    if (this.#read >= (bytes ?? 0)) return "end";
    const { stream, jobId } = this.#source;
    throw this.#cut(`${stream} of job ${jobId} was not kept from ${this.#read} to ${bytes}`, undefined);
  }

  /** Offset behind the last byte that has come. */
  get #read(): number {
    return this.#offset ?? 0;
  }

  /** The error to tell when it does not go on. */
  failure(error: unknown): unknown {
    const { jobId, stream } = this.#source;
    if (!this.#wasOpen || !(error instanceof ConnectionError || error instanceof ErrandError)) return error;
    if (error instanceof StreamCut) return error;
    return this.#cut(`${stream} of job ${jobId} was cut and cannot be resumed: ${error.message}`, error);
  }

  /** Null when there is nothing from here on. */
  async #open(): Promise<Opened | null> {
    const { transport, jobId, stream } = this.#source;
    const { follow, tail, signal } = this.#wanted;
    const offset = this.#offset;
    // A tail that grows while it is read would tell no offset to resume at.
    this.#isFollowing = follow && offset !== null && this.#over === null;
    const query = this.#isFollowing ? "?follow=true" : "";
    const range = offset === null ? `bytes=-${tail}` : `bytes=${offset}-`;
    const headers = { Accept: "application/octet-stream", ...(offset === 0 ? {} : { Range: range }) };
    try {
      return await transport.open({ path: `${jobPath(jobId)}/${stream}${query}`, headers, signal });
    } catch (error) {
      if (!(error instanceof ErrandError) || error.status !== 416) throw error;
      this.#offset ??= 0;
      this.#announced = null;
      return null;
    }
  }

  /** Reads where the answer begins; gives how many of its bytes have been seen. */
  #begin({ status, headers }: Response): number {
    const [, start, end] = /^bytes (\d+)-(\d+)\//.exec(headers.get("content-range") ?? "") ?? [];
    // What a proxy has packed has another length than its content.
    const length = headers.has("content-encoding") ? null : headers.get("content-length");
    this.#announced = length === null ? null : Number(length);
    if (this.#offset === null) {
      if (status === 206 && start === undefined) throw new ConnectionError("the answer tells no offset");
      this.#offset = status === 206 ? Number(start) : 0;
      return 0;
    }
    const begin = status === 206 ? Number(start ?? this.#offset) : 0;
    if (begin > this.#offset)
      throw this.#cut(`the bytes from ${this.#offset} to ${begin} are no longer kept`, undefined);
    if (this.#announced === null && end !== undefined && !this.#isFollowing)
      this.#announced = Number(end) + 1 - begin;
    const skip = this.#offset - begin;
    if (this.#announced !== null) this.#announced -= skip;
    return skip;
  }

  #cut(message: string, cause: unknown): StreamCut {
    const { jobId, stream } = this.#source;
    const offsets = { stdoutOffset: 0, stderrOffset: 0, [`${stream}Offset`]: this.#read };
    return new StreamCut(message, { jobId, received: { cursor: null, ...offsets }, cause });
  }
}

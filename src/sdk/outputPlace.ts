import { reasonOf } from "./address.ts";
import { ConnectionError, ErrandError, StreamCut } from "./errors.ts";
import { jobPath } from "./eventStream.ts";
import type { StreamName } from "./eventTypes.ts";
import { isOver, type JobRecord, type OutputStream } from "./jobTypes.ts";
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

  /** What the end of an answer means: a proxy may have put a clean one to an answer that was cut. */
  async afterAnswer(): Promise<"end" | "more" | "cut"> {
    if (!this.#wanted.follow) return (this.#announced ?? 0) <= 0 ? "end" : "cut";
    // Only now it is known where the tail ends.
    if (!this.#isFollowing) return "more";
    const { state, bytes, truncated } = await this.#known(true);
    const isWhole = bytes === null || truncated || this.#read >= bytes;
    return isOver({ state }) && isWhole ? "end" : "cut";
  }

  /** Whether a cut answer has brought all that a job that has ended has written. */
  async hasAll(): Promise<boolean> {
    if (!this.#isFollowing || !this.#wasOpen) return false;
    try {
      const { state, bytes } = await this.#known(false);
      return isOver({ state }) && bytes !== null && this.#read >= bytes;
    } catch {
      // Nobody answers: nothing is known.
      return false;
    }
  }

  async #known(repeatable: boolean): Promise<OutputStream & Pick<JobRecord, "state">> {
    const { transport, jobId, stream } = this.#source;
    const { signal } = this.#wanted;
    const job = jobOf(await transport.json({ path: jobPath(jobId), signal, repeatable }));
    return { ...job[stream], state: job.state };
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
    this.#isFollowing = follow && offset !== null;
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
    if (this.#announced === null && end !== undefined && !this.#wanted.follow)
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

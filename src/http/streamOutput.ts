import type { ServerResponse } from "node:http";
import type { ActiveJob } from "../core/activeJob.ts";
import { cut } from "./backpressure.ts";
import { SentChunks } from "./sentChunks.ts";

interface StreamOptions {
  /** So many chunks may wait for a slow client before the command is held back. */
  readonly bufferedChunks: number;
  /** The connection has closed before the answer was complete. Called once. */
  readonly onClientGone: () => void;
}

/** What one read of output brings at most. */
const chunkBytes = 64 * 1024;

function headersFor(active: ActiveJob): Record<string, string> {
  return {
    "Content-Type": "application/octet-stream",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "Errand-Job-Id": active.job.id,
  };
}

/**
 * Answers with the job's stdout, byte for byte, until the job has ended. A job that the server stopped ends in a cut
 * answer, so that nobody takes it for whole.
 */
export async function streamOutput(
  response: ServerResponse,
  active: ActiveJob,
  options: StreamOptions,
): Promise<void> {
  let done = false;
  /** For the client to take what was written. */
  let waiting = false;
  let wake: (() => void) | null = null;
  response.on("close", () => {
    wake?.();
    if (!done) options.onClientGone();
  });
  const cutNow = () => {
    done = true;
    if (!response.headersSent) {
      response.writeHead(200, headersFor(active));
      response.flushHeaders();
    }
    cut(response);
  };
  const whole = await active.output.whole();
  if (whole !== null && !response.destroyed) {
    done = true;
    response.writeHead(200, headersFor(active));
    response.end(whole);
    return;
  }
  if (!response.destroyed) {
    response.writeHead(200, headersFor(active));
    response.flushHeaders();
  }
  response.on("drain", () => wake?.());
  // A client that has stopped reading must not keep a stopped job's answer open.
  active.onEnd(() => {
    if (active.wasStopped && waiting) cutNow();
  });
  const chunks = new SentChunks(response);
  const mostBufferedBytes = options.bufferedChunks * chunkBytes;
  for (;;) {
    const chunk = await active.output.read();
    if (chunk === null) break;
    // Without a client the rest is read all the same: a full pipe would keep the command from ending.
    if (response.destroyed) continue;
    chunks.write(chunk);
    waiting = true;
    // The length is asked, since "drain" may come while much is still waiting.
    while (response.writableLength >= mostBufferedBytes && !response.destroyed) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = null;
    }
    waiting = false;
    chunks.release();
  }
  if (response.destroyed) return;
  if (active.wasStopped) {
    cutNow();
    return;
  }
  done = true;
  response.end();
}

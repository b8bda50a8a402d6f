import { fieldsOf } from "./bytes.ts";
import { readCaptured } from "./captured.ts";
import { ConnectionError } from "./errors.ts";
import { ndjson } from "./eventStream.ts";
import { Job } from "./job.ts";
import type { StartOptions } from "./options.ts";
import { jobOf } from "./readJob.ts";
import type { JobSpec } from "./specTypes.ts";
import type { Call, Opened, Transport } from "./transport.ts";

/** Starts a job, in the background or with the stream that an attached job is tied to. */
export async function startJob(
  transport: Transport,
  spec: JobSpec,
  { idempotencyKey, wait, signal }: StartOptions,
): Promise<Job> {
  if (idempotencyKey !== undefined && !/^[\x21-\x7e]{1,255}$/.test(idempotencyKey))
    throw new TypeError("idempotencyKey: 1 to 255 visible ASCII characters are needed");
  const repeatable = idempotencyKey !== undefined;
  const headers = idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey };
  // The start itself may take long, as when it replaces a job that is slow to stop.
  const call = { method: "POST", path: "/v1/jobs", body: spec, signal, answerSeconds: null } as const;
  if (spec.mode !== "attached") {
    const path = wait === undefined ? call.path : `${call.path}?wait=${wait}`;
    const answer = await transport.json({ ...call, path, headers, repeatable });
    const record = jobOf(answer);
    return new Job(transport, record.id, { record, captured: readCaptured(fieldsOf(answer)?.captured) });
  }
  if (wait !== undefined) throw new TypeError("wait: an attached job is followed by its events");
  const opened = await openRepeatedly(transport, {
    ...call,
    headers: { ...headers, Accept: ndjson },
    repeatable,
  });
  const id = opened.response.headers.get("errand-job-id");
  if (id === null) {
    opened.cutter.end();
    throw new ConnectionError("the answer is none of Errand");
  }
  // From here on `events()` says what ends it.
  opened.cutter.listenTo(undefined);
  return new Job(transport, id, { opened });
}

async function openRepeatedly(transport: Transport, call: Call): Promise<Opened> {
  const reconnect = transport.reconnect(call.signal);
  for (;;) {
    try {
      return await transport.open(call);
    } catch (error) {
      if (!call.repeatable) throw error;
      await reconnect.pause(error);
    }
  }
}

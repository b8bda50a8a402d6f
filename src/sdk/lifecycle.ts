import { fieldsOf } from "./bytes.ts";
import { throwIfCancelled } from "./cancel.ts";
import { ConnectionError } from "./errors.ts";
import { ndjson } from "./eventStream.ts";
import { linesOf } from "./lines.ts";
import type { CallOptions } from "./options.ts";
import { readJob } from "./readJob.ts";
import type { LifecycleEvent } from "./serverTypes.ts";
import type { Transport } from "./transport.ts";

/** What happens to all jobs from now on, over cuts: after one comes a gap of unknown size. */
export async function* lifecycleEvents(
  transport: Transport,
  { signal }: CallOptions,
): AsyncGenerator<LifecycleEvent, void, undefined> {
  const reconnect = transport.reconnect(signal);
  let wasOpen = false;
  for (;;) {
    let failure: unknown;
    try {
      const opened = await transport.open({ path: "/v1/events", headers: { Accept: ndjson }, signal });
      const lines = linesOf(opened, transport.silenceSeconds);
      if (wasOpen) yield { type: "gap", missed: null };
      wasOpen = true;
      for await (const line of lines) {
        const event = readEvent(line);
        reconnect.connected();
        if (event !== null) yield event;
      }
      failure = new ConnectionError("the stream of events ended");
    } catch (error) {
      failure = error;
    }
    throwIfCancelled(signal);
    await reconnect.pause(failure);
  }
}

/** Null for what tells a program nothing. */
function readEvent(line: string): LifecycleEvent | null {
  const { type, job: told, missed } = parse(line);
  if (type === "gap") return { type, missed: typeof missed === "number" ? missed : null };
  if (type !== "job.started" && type !== "job.ended" && type !== "job.failed") return null;
  const job = readJob(told);
  return job === undefined ? null : { type, job };
}

function parse(line: string): Readonly<Record<string, unknown>> {
  try {
    return fieldsOf(JSON.parse(line)) ?? {};
  } catch {
    throw new ConnectionError(`no event of Errand: ${line.slice(0, 80)}`);
  }
}

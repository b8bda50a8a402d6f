import { Errand } from "../../../src/sdk/errand.ts";
import type { JobEvent, StreamName } from "../../../src/sdk/eventTypes.ts";
import type { ErrandOptions } from "../../../src/sdk/options.ts";
import { within } from "../../support/wait.ts";
import { type Script, ScriptedServer } from "./scripted-server.ts";

/** A scripted server and a client of it; `asked` tells its requests as text. */
export async function scripted(script: Script, options: Partial<ErrandOptions> = {}) {
  const server = await ScriptedServer.start(script);
  const errand = new Errand({ url: server.url, ...options });
  const asked = () =>
    server.asked.map(({ method, path, query }) =>
      [`${method} ${path}`, ...(query.size === 0 ? [] : [decodeURIComponent(String(query))])].join("?"),
    );
  return { server, errand, asked, job: errand.job("7") };
}

/** The error of a call, which has to come. */
export async function errorOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await within(call);
  } catch (error) {
    return error;
  }
  throw new Error("there was no error");
}

/** All events to the end. */
export async function all(events: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const found: JobEvent[] = [];
  for await (const event of events) found.push(event);
  return found;
}

/** What one has seen before the error, and the error. */
export async function untilError(events: AsyncIterable<JobEvent>) {
  const seen: JobEvent[] = [];
  const reading = (async () => {
    for await (const event of events) seen.push(event);
  })();
  return { seen, error: await errorOf(reading) };
}

/** The output of one stream as its events bring it. */
export function bytesOf(events: readonly JobEvent[], name: StreamName): Buffer {
  return Buffer.concat(events.flatMap((event) => (event.type === name ? [event.bytes] : [])));
}

/** The same as text, with what the end tells. */
export function textOf(events: readonly JobEvent[], name: StreamName): string {
  return events
    .map((event) => (event.type === name ? event.text : event.type === "ended" ? event.rest[name] : ""))
    .join("");
}

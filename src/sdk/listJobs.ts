import { fieldsOf } from "./bytes.ts";
import type { JobRecord } from "./jobTypes.ts";
import type { CallOptions, ListQuery } from "./options.ts";
import { expected, jobOf } from "./readJob.ts";
import type { Transport } from "./transport.ts";

/** The jobs of all pages, newest first; a page is asked for when the one before is used up. */
export async function* listJobs(
  transport: Transport,
  query: ListQuery,
  { signal }: CallOptions,
): AsyncGenerator<JobRecord, void, undefined> {
  const parameters = parametersOf(query);
  for (;;) {
    const path = parameters.size === 0 ? "/v1/jobs" : `/v1/jobs?${parameters}`;
    const answer = fieldsOf(await transport.json({ path, signal, repeatable: true }));
    yield* expected(Array.isArray(answer?.jobs) ? answer.jobs : null).map(jobOf);
    const next = answer?.nextCursor;
    if (typeof next !== "string") return;
    parameters.set("cursor", next);
  }
}

function parametersOf({ state, alias, label, node, since, pageSize }: ListQuery): URLSearchParams {
  const values = {
    state: typeof state === "string" ? state : state?.join(","),
    ...{ alias, label, node, since: typeof since === "string" ? since : since?.toISOString() },
    limit: pageSize,
  };
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  return parameters;
}

import type { Errand } from "./errand.ts";

/** Starts a background job and gives its id. */
export async function startJob(errand: Errand, spec: Readonly<Record<string, unknown>>): Promise<string> {
  const response = await call(errand, "POST", "/v1/jobs", spec);
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return ((await response.json()) as { id: string }).id;
}

/** Stops these jobs at once, and answers when nothing of them is left. */
export async function stopJobs(errand: Errand, ids: readonly string[]): Promise<void> {
  await Promise.all(
    ids.map(async (id) => (await call(errand, "POST", `/v1/jobs/${id}/stop`, { graceSeconds: 0 })).text()),
  );
}

/** Resolves when the job has ended. */
export async function waitForEnd(errand: Errand, id: string): Promise<void> {
  await (await call(errand, "GET", `/v1/jobs/${id}?wait=30`)).text();
}

/** So many clients each do it again as soon as it is done, until it was done so often; how often it is done a second. */
export async function rate(clients: number, times: number, once: () => Promise<unknown>): Promise<number> {
  let left = times;
  const begin = performance.now();
  const client = async () => {
    while (left > 0) {
      left -= 1;
      await once();
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return times / ((performance.now() - begin) / 1_000);
}

function call({ url, token }: Errand, method: string, path: string, body?: unknown): Promise<Response> {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  return fetch(`${url}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

// Calls for the whole server, through the SDK.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Errand } from "../../src/sdk/errand.ts";
import type { LifecycleEvent } from "../../src/sdk/serverTypes.ts";
import { endEverything, projectRoot, type Server, startServer } from "../support/server.ts";
import { until, within } from "../support/wait.ts";

let server: Server;
let errand: Errand;
beforeAll(async () => {
  server = await startServer();
  errand = new Errand({ url: server.url, token: server.token });
});
afterAll(endEverything);

test("info tells version and limits", async () => {
  const { version } = await Bun.file(`${projectRoot}/package.json`).json();
  const info = await errand.info();
  expect(info).toMatchObject({ version, runningJobs: 0, limits: { maxRunningJobs: 10_000 } });
  expect(Date.parse(info.startedAt)).toBeLessThanOrEqual(Date.now());
});

test("lists over pages, and what is asked for alone", async () => {
  const labels = { list: crypto.randomUUID() };
  const label = `list=${labels.list}`;
  const ids: string[] = [];
  for (let count = 0; count < 5; count += 1) {
    const job = await errand.start({ command: ["true"], labels });
    ids.unshift(job.id);
    await job.wait();
  }
  const found = async (query: Parameters<Errand["list"]>[0]) => {
    const list: string[] = [];
    for await (const { id } of errand.list(query)) list.push(id);
    return list;
  };
  expect(await found({ label, pageSize: 2 })).toEqual(ids);
  expect(await found({ label, state: ["ended", "lost"] })).toEqual(ids);
  expect(await found({ label, state: "running" })).toEqual([]);
  expect(await found({ label, since: new Date(Date.now() + 60_000) })).toEqual([]);
  const wrong = found({ pageSize: 0 });
  await expect(wrong).rejects.toMatchObject({ name: "ErrandError", code: "invalid-parameter" });
});

test("events tell the life of all jobs", async () => {
  const controller = new AbortController();
  const seen: LifecycleEvent[] = [];
  const listening = (async () => {
    for await (const event of errand.events({ signal: controller.signal })) seen.push(event);
  })();
  listening.catch(() => undefined);
  const ids: string[] = [];
  const told = async () => {
    // It listens from now on, whenever that is.
    ids.push((await errand.start({ command: ["true"] }, { wait: 5 })).id);
    return ids.find((id) => seen.filter((event) => event.type !== "gap" && event.job.id === id).length === 2);
  };
  const id = await until(told, { describe: "both events of a job" });
  const types = seen.flatMap((event) => (event.type !== "gap" && event.job.id === id ? [event.type] : []));
  expect(types).toEqual(["job.started", "job.ended"]);
  controller.abort();
  await expect(within(listening)).rejects.toMatchObject({ name: "Cancelled" });
});

test("tokens are made, listed and revoked", async () => {
  const made = await errand.tokens.create({ name: "sdk", scopes: ["read"] });
  const reader = new Errand({ url: server.url, token: made.secret });
  expect((await reader.info()).node).toBeString();
  await expect(reader.run(["true"])).rejects.toMatchObject({ code: "forbidden", status: 403 });
  const tokens = await errand.tokens.list();
  expect(tokens.find(({ id }) => id === made.id)).toMatchObject({
    name: "sdk",
    scopes: ["read"],
    source: "api",
  });
  expect(tokens.find(({ source }) => source === "local")).toBeDefined();
  await errand.tokens.revoke(made.id);
  await expect(reader.info()).rejects.toMatchObject({ code: "unauthorized", status: 401 });
  const past = errand.tokens.create({ name: "sdk", scopes: ["run"], expiresAt: new Date(0) });
  await expect(past).rejects.toMatchObject({ name: "ErrandError", code: "invalid-spec" });
});

test("shutdown lets running jobs end", async () => {
  const other = await startServer();
  const client = new Errand({ url: other.url, token: other.token });
  const run = client.run({ shell: "sleep 0.7; echo last" });
  await until(async () => {
    for await (const job of client.list({ state: "running" })) return job;
    return null;
  });
  await client.shutdown();
  expect((await within(run)).stdout).toBe("last\n");
  expect(await within(other.process.exited)).toBe(0);
});

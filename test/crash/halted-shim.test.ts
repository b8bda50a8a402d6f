// A shim that is halted while its server is replaced: the job is told as it is, and all goes on when the shim does.
import { afterAll, expect, test } from "bun:test";
import { putStdin } from "../contract/support/v1-stdin.ts";
import { attach } from "../support/attach.ts";
import { signal } from "../support/proc.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until, within } from "../support/wait.ts";
import { ended, look, outputText } from "./support/background.ts";
import { replace, shimOf, survivor } from "./support/surviving.ts";

afterAll(endEverything);

/** Longer than a server waits for shims, and not for ever. */
const startMilliseconds = 10_000;
const timeoutMilliseconds = 60_000;

const post = (server: Server, id: string, what: string, body: object) =>
  server.request(`/v1/jobs/${id}/${what}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

/** Whether it has come by now. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const other = Symbol();
  return (await Promise.race([promise.catch(() => null), Bun.sleep(100).then(() => other)])) === other;
}

test(
  "the job is running for the next servers, and for the one that can ask, it ends as it did",
  async () => {
    const server = await startServer();
    const script = 'trap "" USR1; echo begun; read -r line; echo "got $line"; exec sleep 600';
    const { id } = await survivor(server, { shell: script, stdin: "open", alias: "halted" });
    await until(async () => (await outputText(server, id, "stdout")) === "begun\n", {
      describe: "its begin",
    });
    const { pid, startedAt } = await look(server, id);
    const shim = shimOf(server, id);
    signal(shim, "SIGSTOP");

    const began = performance.now();
    const next = await replace(server);
    expect(performance.now() - began).toBeLessThan(startMilliseconds);
    const running = { id, state: "running", pid, startedAt, outcome: null, alias: "halted" };
    expect(await look(next, id)).toMatchObject(running);
    const list = await within(next.request("/v1/jobs?state=running"));
    expect(await list.json()).toMatchObject({ jobs: [running] });
    expect(await outputText(next, id, "stdout")).toBe("begun\n");
    // What has to be carried out by the shim waits for it.
    const signalled = post(next, id, "signal", { signal: "SIGUSR1" });
    const written = putStdin(next, id, "more\n");
    expect([await isPending(signalled), await isPending(written)]).toEqual([true, true]);
    signal(shim, "SIGCONT");
    expect([(await within(signalled)).status, await within(written)]).toEqual([
      200,
      { offset: 5, closed: false },
    ]);
    await until(async () => (await outputText(next, id, "stdout")) === "begun\ngot more\n", {
      describe: "more",
    });

    signal(shim, "SIGSTOP");
    await next.kill9();
    const third = await startServer({ dataDir: server.dataDir });
    expect(await look(third, id)).toMatchObject(running);
    // Nor does its end wait for a job that goes on.
    expect(await within(third.stop(), { timeoutMilliseconds: startMilliseconds })).toBe(0);
    const last = await startServer({ dataDir: server.dataDir });
    const stopped = post(last, id, "stop", { graceSeconds: 5 });
    expect(await isPending(stopped)).toBe(true);
    signal(shim, "SIGCONT");
    expect((await within(stopped)).status).toBe(200);
    expect(await ended(last, id)).toMatchObject({
      ...{ state: "ended", pid, startedAt },
      outcome: { reason: "stopped", signal: "SIGTERM" },
    });
  },
  timeoutMilliseconds,
);

/** More than its socket and the server hold for it. */
const signals = 20_000;

test(
  "one that does not read is asked no more, and hears what was asked before",
  async () => {
    const server = await startServer();
    const { id } = await survivor(server, { shell: "trap 'echo heard' USR1; while :; do sleep 0.05; done" });
    await until(async () => (await look(server, id)).state === "running", { describe: "its start" });
    const shim = shimOf(server, id);
    const attached = await attach(server, id);
    await attached.message("live");
    signal(shim, "SIGSTOP");
    attached.control({ type: "signal", signal: "SIGUSR1" });
    for (let sent = 0; sent < signals; sent += 1) attached.control({ type: "signal", signal: "SIGCONT" });
    expect(await attached.message("error")).toMatchObject({ code: "too-many-requests" });
    const refused = await post(server, id, "signal", { signal: "SIGCONT" });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    signal(shim, "SIGCONT");
    await until(async () => (await post(server, id, "signal", { signal: "SIGCONT" })).status === 200, {
      describe: "room for a signal",
    });
    await until(async () => (await outputText(server, id, "stdout")).startsWith("heard"), {
      describe: "USR1",
    });
  },
  timeoutMilliseconds,
);

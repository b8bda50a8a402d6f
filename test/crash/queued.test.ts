// Jobs that wait for an alias when their server ends: what is told of them is that they never ran, where that is known.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Receiver } from "../support/callback-receiver.ts";
import { loopbackCallbacks, untilState, verified } from "../support/callbacks.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { signal } from "../support/proc.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { shimsOf } from "../support/survivors.ts";
import { until, within } from "../support/wait.ts";
import {
  type BackgroundJob,
  background,
  ended,
  look,
  post,
  ran,
  refusal,
  shell,
} from "./support/background.ts";
import { directoryOf } from "./support/surviving.ts";

afterAll(endEverything);

const config = loopbackCallbacks();
const again = ({ dataDir }: Server) => startServer({ dataDir, config });
const neverRan = { state: "failed", outcome: null, pid: null, startedAt: null };
const turn = expect.stringContaining("its turn");

/** Waits for the alias; it would leave a file if it ever ran. */
function waiting(alias: string, more: object = {}) {
  const marker = join(temporaryDirectory("queued"), "ran");
  return { marker, spec: { ...shell('echo ran > "$1"', marker), alias, aliasPolicy: "queue", ...more } };
}

const holding = (alias: string, survive: boolean) => ({ command: ["sleep", "600"], alias, survive });

/** What a receiver got of that job, by its state. */
function toldOf(server: Server, receiver: Receiver, id: string): string[] {
  const bodies = receiver.received.map(
    (one) => verified(server, one) as { type: string; job: BackgroundJob },
  );
  return bodies.filter(({ job }) => job.id === id).map(({ type, job }) => `${type} ${job.state}`);
}

describe("a job that waits for its alias", () => {
  test("when the server is killed: it has failed, its callback says so once, and the survivor has the alias", async () => {
    const receiver = await Receiver.start();
    const server = await startServer({ config });
    const holder = await background(server, holding("one", true));
    const callback = { url: receiver.url(), events: ["job.started", "job.ended"] };
    const { marker, spec } = waiting("one", { callback });
    const answer = await post(server, spec, { "idempotency-key": "waits" });
    const { id, state } = (await answer.json()) as BackgroundJob;
    const other = await background(server, waiting("one", { survive: false }).spec);
    expect([state, other.state]).toEqual(["queued", "queued"]);
    await server.kill9();
    const next = await again(server);
    expect(await look(next, id)).toMatchObject({ ...neverRan, failure: turn });
    expect(await look(next, other.id)).toMatchObject({ ...neverRan, failure: turn });
    expect(await look(next, holder.id)).toMatchObject({ state: "running", alias: "one" });
    expect((await refusal(await post(next, { command: ["true"], alias: "one" }))).code).toBe(
      "already-running",
    );
    // The same start is not another one.
    const repeated = await post(next, spec, { "idempotency-key": "waits" });
    expect([repeated.status, await repeated.json()]).toMatchObject([
      422,
      { code: "start-failed", detail: turn },
    ]);
    await untilState(next, id, "delivered");
    const stopped = await next.request(`/v1/jobs/${holder.id}/stop`, { method: "POST" });
    expect(stopped.status).toBe(200);
    expect(await ran(next, { shell: "exit 3", alias: "one" })).toMatchObject({ outcome: { code: 3 } });
    await next.kill9();
    const last = await again(next);
    expect(await look(last, id)).toMatchObject({ ...neverRan, failure: turn });
    expect(toldOf(last, receiver, id)).toEqual(["job.ended failed"]);
    expect(existsSync(marker)).toBe(false);
  });

  test("when the server is stopped: the same is told, and called back", async () => {
    const receiver = await Receiver.start();
    const server = await startServer({ config });
    await background(server, holding("one", true));
    const { marker, spec } = waiting("one", { callback: { url: receiver.url() } });
    const { id } = await background(server, spec);
    expect(await server.stop()).toBe(0);
    const next = await again(server);
    expect(await look(next, id)).toMatchObject({ ...neverRan, failure: turn });
    await untilState(next, id, "delivered");
    expect(toldOf(next, receiver, id)).toEqual(["job.ended failed"]);
    expect(existsSync(marker)).toBe(false);
  });

  test("and cannot be executed when its turn comes: its callback says so, for nothing else can", async () => {
    const receiver = await Receiver.start();
    const server = await startServer({ config });
    const gate = await background(server, { command: ["cat"], stdin: "open", alias: "one" });
    const callback = { url: receiver.url() };
    const { id } = await background(server, {
      ...{ command: ["/no/such/program"], alias: "one", aliasPolicy: "queue", callback },
    });
    await server.request(`/v1/jobs/${gate.id}/stdin?close=true`, { method: "PUT", body: "" });
    await untilState(server, id, "delivered");
    expect(toldOf(server, receiver, id)).toEqual(["job.ended failed"]);
    // One whose start was refused has been told that.
    const refused = await post(server, { command: ["/no/such/program"], callback });
    expect(refused.status).toBe(422);
    await ended(server, (await background(server, { command: ["true"], callback })).id);
    await receiver.untilReceived(2);
    expect(
      receiver.received.map((one) => (verified(server, one) as { job: BackgroundJob }).job.state),
    ).toEqual(["failed", "ended"]);
  });
});

test("a job whose turn has come, but which no shim has taken, has failed, and is never taken any more", async () => {
  const server = await startServer({ config });
  // Its shim is the one that is ready for the next job.
  await ran(server, { command: ["true"] });
  const holder = await background(server, { command: ["cat"], stdin: "open", alias: "one", survive: false });
  const { marker, spec } = waiting("one");
  const { id } = await background(server, spec);
  const shims = await until(() => ((found) => (found.length > 0 ? found : null))(shimsOf(server.dataDir)), {
    describe: "the shims",
  });
  for (const shim of shims) signal(shim, "SIGSTOP");
  await server.request(`/v1/jobs/${holder.id}/stdin?close=true`, { method: "PUT", body: "" });
  await until(() => existsSync(join(directoryOf(server, id), "exit")), { describe: "the directory" });
  expect((await look(server, id)).state).toBe("starting");
  await server.kill9();
  const next = await again(server);
  expect(await look(next, id)).toMatchObject({ ...neverRan, failure: turn });
  for (const shim of shims) signal(shim, "SIGCONT");
  const gone = () => shimsOf(server.dataDir).every((pid) => !shims.includes(pid));
  await within(until(gone, { describe: "the shims that were halted to be gone" }));
  expect([existsSync(marker), existsSync(directoryOf(next, id))]).toEqual([false, false]);
  expect(await ran(next, { shell: "exit 4", alias: "one" })).toMatchObject({ outcome: { code: 4 } });
});

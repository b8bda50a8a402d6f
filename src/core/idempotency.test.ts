import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  Claims,
  Commands,
  Folders,
  ManualClock,
  noShims,
  Records,
} from "../../test/contract/support/fake-ports.ts";
import { StoreBench } from "../../test/contract/support/stores.ts";
import type { Store } from "../store/store.ts";
import { Broker } from "./broker.ts";
import { ErrandError } from "./errors.ts";
import { EventBus } from "./eventBus.ts";
import { Idempotency, type Started } from "./idempotency.ts";
import { IdSource } from "./ids.ts";
import { type JobSpec, plainSpec } from "./job.ts";
import { defaultLimits } from "./limits.ts";
import type { IdempotencyRecord } from "./ports.ts";

const daySeconds = 86_400;

let bench: StoreBench;
let store: Store;
let clock: ManualClock;
let supervisor: Commands;
let spool: Folders;
beforeEach(() => {
  bench = new StoreBench();
  store = bench.open();
  [clock, supervisor, spool] = [new ManualClock(), new Commands(), new Folders()];
});
afterEach(() => bench.end());

/** A server, or the next one on the same data: what the last one had in memory is gone. */
function server(record: IdempotencyRecord = store.idempotency) {
  const history = new Records();
  const broker = new Broker({
    ...{ node: "here", supervisor, shims: noShims, spool, history, aliases: new Claims(), clock },
    ids: new IdSource(clock.wall, 0),
    bus: new EventBus(8),
    limits: defaultLimits(),
    log: { started: () => {}, ended: () => {} },
  });
  const idempotency = new Idempotency(broker, record, clock.wall);
  const once = (key: string, body = "{}", owner = "local", more: Partial<JobSpec> = {}): Promise<Started> => {
    const spec: JobSpec = { ...plainSpec, command: ["true"], mode: "background", ...more };
    const requestSha256 = createHash("sha256").update(body).digest();
    const run = (onAdmitted: (id: string) => void) =>
      broker.startBackground(spec, { owner, door: "v1" }, onAdmitted);
    return idempotency.once({ owner, key, requestSha256 }, run);
  };
  return { broker, history, once };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ErrandError) return error.code;
    throw error;
  }
  return "none";
}

describe("the same key and body", () => {
  test("start one job, one after the other and at once", async () => {
    const { once } = server();
    const started = await Promise.all([once("k"), once("k"), once("k")]);
    const again = await once("k");
    expect(new Set([...started, again].map(({ job }) => job.id)).size).toBe(1);
    expect([...started, again].map(({ replayed }) => replayed)).toEqual([false, true, true, true]);
    expect(supervisor.started).toHaveLength(1);
  });

  test("give the job as it is by now", async () => {
    const { once } = server();
    const { job } = await once("k");
    expect(job.state).toBe("running");
    supervisor.last.end(3);
    expect((await once("k")).job).toMatchObject({ id: job.id, state: "ended", outcome: { code: 3 } });
  });

  test("are tried again when the server died before it had begun", async () => {
    const before = server();
    const disk = Promise.withResolvers<void>();
    spool.ready = disk.promise;
    // Reserved, and never heard of again.
    before.once("k").catch(() => {});
    expect(supervisor.started).toHaveLength(0);
    spool.ready = Promise.resolve();
    const { job, replayed } = await server().once("k");
    expect([job.state, replayed, supervisor.started.length]).toEqual(["running", false, 1]);
    disk.resolve();
  });

  test("give what is on record of a job of the last server", async () => {
    const before = server();
    const { job } = await before.once("k");
    supervisor.last.end();
    const after = server();
    const ended = before.history.get(job.id);
    if (ended !== undefined) after.history.put(ended);
    expect(await after.once("k")).toEqual({ job: ended as never, replayed: true });
    expect(supervisor.started).toHaveLength(1);
  });
});

describe("a key", () => {
  test("with another body is refused, under way and afterwards", async () => {
    const { once } = server();
    const first = once("k");
    expect(await codeOf(once("k", "[]"))).toBe("key-reused");
    await first;
    expect(await codeOf(once("k", "[]"))).toBe("key-reused");
    expect(supervisor.started).toHaveLength(1);
  });

  test("is its owner's own", async () => {
    const { once } = server();
    const ids = [await once("k", "{}", "one"), await once("k", "{}", "two"), await once("k", "{}", 'one"]')];
    expect(new Set(ids.map(({ job }) => job.id)).size).toBe(3);
  });

  test("of a start that failed gives its failure again, without trying", async () => {
    const { once } = server();
    supervisor.refuse = new ErrandError("start-failed", "No such file");
    expect(await codeOf(once("k"))).toBe("start-failed");
    supervisor.refuse = null;
    await expect(once("k")).rejects.toMatchObject({ code: "start-failed", message: "No such file" });
    expect(supervisor.started).toHaveLength(0);
  });

  test.each(["storage-full", "too-many-jobs", "shutting-down"] as const)(
    "of a start that was refused as %s may be used again",
    async (code) => {
      const { once } = server();
      spool.refuse = new ErrandError(code, "not now");
      expect(await codeOf(once("k"))).toBe(code);
      spool.refuse = null;
      expect(await once("k")).toMatchObject({ replayed: false, job: { state: "running" } });
    },
  );

  test("of a start whose alias was taken may be used again", async () => {
    const { once } = server();
    await once("holder", "{}", "local", { alias: "a" });
    expect(await codeOf(once("k", "{}", "local", { alias: "a" }))).toBe("already-running");
    supervisor.last.end();
    expect(await once("k", "{}", "local", { alias: "a" })).toMatchObject({ replayed: false });
  });

  test("of a start that joined another job stays with that one", async () => {
    const { once } = server();
    const { job } = await once("holder", "{}", "local", { alias: "a" });
    const joining = { alias: "a", aliasPolicy: "join" } as const;
    expect(await once("k", "{}", "local", joining)).toMatchObject({ replayed: false, job: { id: job.id } });
    supervisor.last.end();
    expect(await once("k", "{}", "local", joining)).toMatchObject({ replayed: true, job: { id: job.id } });
    expect(supervisor.started).toHaveLength(1);
  });

  test("that is over is forgotten when the next one is noted, and is free then", async () => {
    const { once } = server();
    const first = await once("old");
    clock.pass((daySeconds - 1) * 1_000);
    expect((await once("old")).job.id).toBe(first.job.id);
    clock.pass(2_000);
    await once("new");
    expect(await once("old", "other body")).toMatchObject({ replayed: false });
    expect(supervisor.started).toHaveLength(3);
  });

  test("that cannot be noted starts nothing", async () => {
    const full = new ErrandError("too-many-requests", "full");
    const reserve = () => {
      throw full;
    };
    const { once, broker } = server({ find: () => null, reserve, release: () => {} });
    expect(await codeOf(once("k"))).toBe("too-many-requests");
    expect([supervisor.started.length, broker.runningJobs]).toEqual([0, 0]);
  });
});

test("while one waits in a line, the same key gives the one that waits", async () => {
  const { once } = server();
  await once("holder", "{}", "local", { alias: "a" });
  const queueing = { alias: "a", aliasPolicy: "queue" } as const;
  const first = await once("k", "{}", "local", queueing);
  expect(first).toMatchObject({ replayed: false, job: { state: "queued" } });
  expect(await once("k", "{}", "local", queueing)).toMatchObject({
    replayed: true,
    job: { id: first.job.id },
  });
});

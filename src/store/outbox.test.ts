import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { both, created, ended, lost, running } from "../../test/support/callback-jobs.ts";
import type { DeliveryResult } from "../core/callbackPorts.ts";
import type { Job } from "../core/job.ts";
import { migrate } from "./migrate.ts";
import { SqliteOutbox } from "./outbox.ts";

let folder: string;
let database: Database;
let outbox: SqliteOutbox;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "errand-outbox-"));
  open();
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(): void {
  database = new Database(join(folder, "errand.db"), { create: true, strict: true, safeIntegers: true });
  migrate(database);
  outbox = new SqliteOutbox(database);
}

const result = (more: Partial<DeliveryResult>): DeliveryResult => ({
  state: "pending",
  attempts: 1,
  nextAttemptAt: null,
  lastAttemptAt: created + 50,
  lastStatus: null,
  lastError: null,
  ...more,
});
const later = (at: number) => result({ nextAttemptAt: at, lastError: "no" });
const states = ({ id }: Job) => outbox.ofJob(id).map(({ event, state }) => `${event} ${state}`);
const dueIds = (wall: number, count = 99) => outbox.due(wall, count).map(({ id }) => id);
const idOf = ({ id }: Job, event: "started" | "ended") => `msg_${id}_${event}`;

describe("a state that is noted", () => {
  test("makes the callback that was asked for, due at once", () => {
    const job = running({ events: ["job.started"], form: "sidecar" });
    outbox.note(job);
    expect(outbox.ofJob(job.id)).toEqual([
      {
        id: idOf(job, "started"),
        jobId: job.id,
        event: "job.started",
        url: "http://receiver.test/a",
        form: "sidecar",
        state: "pending",
        attempts: 0,
        nextAttemptAt: created,
        lastAttemptAt: null,
        lastStatus: null,
        lastError: null,
      },
    ]);
    expect([outbox.due(created - 1, 9), outbox.due(created, 9)]).toEqual([[], outbox.ofJob(job.id)]);
  });

  test("makes none that was not asked for", () => {
    const silent = running(null);
    const onlyEnd = running({ events: ["job.ended"] });
    const onlyStart = running({ events: ["job.started"] });
    for (const job of [silent, onlyEnd]) outbox.note(job);
    for (const job of [silent, onlyStart]) outbox.note(ended(job));
    outbox.note({ ...ended(running()), state: "failed", failure: "no" } as Job);
    outbox.note({ ...running(), state: "starting" } as Job);
    outbox.note({ ...running(), state: "detached" } as Job);
    expect([states(silent), states(onlyEnd)]).toEqual([[], []]);
    expect(dueIds(created + 100)).toEqual([idOf(onlyStart, "started")]);
  });

  test("tells of a job that could not be started when its client only knows that it waits", () => {
    const job = running();
    for (const waited of [{}, { waited: true }]) {
      outbox.note({ ...ended(job), state: "failed", failure: "no", ...waited } as Job);
      expect(states(job)).toEqual("waited" in waited ? ["job.ended pending"] : []);
    }
    expect(dueIds(created + 100)).toEqual([idOf(job, "ended")]);
  });

  test("again changes nothing, in whatever state the callback is", () => {
    const job = running();
    outbox.note(job);
    outbox.note(job);
    outbox.settle(idOf(job, "started"), result({ state: "delivered", lastStatus: 200 }));
    outbox.note(job);
    outbox.note(ended(job));
    outbox.note(ended(job));
    expect(states(job)).toEqual(["job.started delivered", "job.ended pending"]);
  });

  test("after one that was never written tells both, in their order", () => {
    const [end, gone, unstarted] = [
      ended(running()),
      lost(running(), { started: true }),
      lost(running(), { started: false }),
    ];
    for (const job of [end, gone, unstarted]) outbox.note(job);
    const two = ["job.started pending", "job.ended pending"];
    expect([states(end), states(gone), states(unstarted)]).toEqual([two, two, ["job.ended pending"]]);
    expect(outbox.ofJob(gone.id)[1]?.nextAttemptAt).toBe(gone.lostAt);
  });

  test("keeps the URL in its one form", () => {
    const job = running({ url: "HTTP://Receiver.TEST:80?x=\u00e9#f", events: both });
    outbox.note(job);
    expect(outbox.ofJob(job.id)[0]?.url).toBe("http://receiver.test/?x=%C3%A9#f");
  });

  test("is on record with the transaction that notes it, or not at all", () => {
    const job = running();
    expect(() =>
      database.transaction(() => {
        outbox.note(job);
        throw new Error("no");
      })(),
    ).toThrow("no");
    expect(states(job)).toEqual([]);
    database.transaction(() => outbox.note(job))();
    database.close();
    open();
    expect(states(job)).toEqual(["job.started pending"]);
  });

  test("with the largest id is exact", () => {
    const job = { ...running(), id: "9223372036854775807" };
    outbox.note(job);
    expect(outbox.due(created, 9).map(({ jobId }) => jobId)).toEqual([job.id]);
    outbox.forget([job.id]);
    expect(outbox.ofJob(job.id)).toEqual([]);
  });
});

describe("what is due", () => {
  test("comes longest due first, at most so many, and of each job its first alone", () => {
    const jobs = [3, 1, 2].map((at) => ended(running({}, { startedAt: created + at })));
    for (const job of jobs) outbox.note(job);
    const [third, first, second] = jobs.map((job) => idOf(job, "started"));
    expect(dueIds(created + 100)).toEqual([first, second, third] as string[]);
    expect(dueIds(created + 100, 2)).toEqual([first, second] as string[]);
    expect(dueIds(created + 2)).toEqual([first, second] as string[]);
    expect(outbox.nextDue()).toBe(created + 1);
    expect([outbox.nextDue(created + 1), outbox.nextDue(created + 3)]).toEqual([created + 2, null]);
  });

  test("is a job's later one when its first is delivered or has failed", () => {
    for (const state of ["delivered", "failed"] as const) {
      const job = ended(running());
      outbox.note(job);
      outbox.settle(idOf(job, "started"), result({ state }));
      expect(dueIds(created + 10)).toEqual([idOf(job, "ended")]);
      outbox.forget([job.id]);
    }
  });

  test("is no later one while its first waits to be tried again, noted before or after", () => {
    const before = ended(running());
    const job = running();
    outbox.note(before);
    outbox.note(job);
    for (const one of [before, job]) outbox.settle(idOf(one, "started"), later(created + 5_000));
    outbox.note(ended(job));
    expect([dueIds(created + 4_999), outbox.nextDue(), outbox.nextDue(created + 5_000)]).toEqual([
      [],
      created + 5_000,
      null,
    ]);
    expect(dueIds(created + 5_000)).toEqual([idOf(before, "started"), idOf(job, "started")]);
    expect(outbox.ofJob(job.id).map(({ nextAttemptAt }) => nextAttemptAt)).toEqual([
      created + 5_000,
      created + 5_000,
    ]);
  });

  test("passes over origins", () => {
    const urls = [
      "http://a.test/x",
      "http://a.test:81/x",
      "https://a.test/x",
      "http://a.test.b/",
      "http://a.test",
      "http://[::1]/",
    ];
    const jobs = urls.map((url) => ended(running({ url })));
    for (const job of jobs) outbox.note(job);
    const without = (...origins: string[]) =>
      outbox.due(created + 100, 99, origins).map(({ jobId }) => jobs.findIndex(({ id }) => id === jobId));
    expect(without("http://a.test")).toEqual([1, 2, 3, 5]);
    expect(without("https://a.test", "http://a.test:81", "http://[::1]")).toEqual([0, 3, 4]);
    expect(without("http://a", "http:", "", "%")).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("a try that is settled", () => {
  test("is told as it was", () => {
    const job = running();
    outbox.note(job);
    const id = idOf(job, "started");
    const [noted] = outbox.ofJob(job.id);
    const tried = result({ nextAttemptAt: created + 9, attempts: 3, lastStatus: 503, lastError: "so" });
    outbox.settle(id, tried);
    expect<unknown>(outbox.ofJob(job.id)).toEqual([{ ...noted, ...tried }]);
    outbox.settle("msg_0_started", tried);
  });

  test("disables all of its job that are pending, and what is noted later", () => {
    const waiting = ended(running());
    const other = ended(running());
    const job = running();
    for (const one of [waiting, other, job]) outbox.note(one);
    for (const one of [waiting, job])
      outbox.settle(idOf(one, "started"), result({ state: "disabled", lastStatus: 410 }));
    outbox.note(ended(job));
    const disabled = ["job.started disabled", "job.ended disabled"];
    expect([states(waiting), states(job)]).toEqual([disabled, disabled]);
    expect(outbox.ofJob(job.id).map(({ nextAttemptAt }) => nextAttemptAt)).toEqual([null, null]);
    expect([dueIds(created + 100), outbox.nextDue()]).toEqual([[idOf(other, "started")], created]);
  });
});

describe("resending", () => {
  test("begins anew with all of the job, and with no other", () => {
    const [job, other] = [ended(running()), ended(running())];
    for (const one of [job, other]) {
      outbox.note(one);
      outbox.settle(idOf(one, "started"), result({ state: "failed", attempts: 10, lastError: "no" }));
      outbox.settle(idOf(one, "ended"), result({ state: "delivered", lastStatus: 200 }));
    }
    expect([outbox.resend(job.id, created + 99), outbox.resend("1", created)]).toEqual([2, 0]);
    expect(outbox.ofJob(job.id)).toMatchObject([
      { state: "pending", attempts: 0, nextAttemptAt: created + 99 },
      { state: "pending", attempts: 0, nextAttemptAt: created + 99 },
    ]);
    expect(dueIds(created + 99)).toEqual([idOf(job, "started")]);
  });

  test("takes back that the receiver wants no more", () => {
    const job = ended(running());
    outbox.note(job);
    outbox.settle(idOf(job, "started"), result({ state: "disabled" }));
    expect([outbox.resend(job.id, created), states(job)]).toEqual([
      2,
      ["job.started pending", "job.ended pending"],
    ]);
  });
});

test("forgetting takes these jobs' callbacks and no others", () => {
  const jobs = [1, 2, 3].map(() => ended(running()));
  for (const job of jobs) outbox.note(job);
  outbox.forget(jobs.slice(0, 2).map(({ id }) => id));
  expect(jobs.map((job) => states(job).length)).toEqual([0, 0, 2]);
});

// Contract v1: the record of jobs outlives the server, whether it ended in order or was killed.
import { afterAll, describe, expect, test } from "bun:test";
import { job, newAlias, run, specOf, start } from "../support/jobs.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, startServer } from "../support/server.ts";
import { list } from "./support/v1.ts";
import { runJob, startJob, textOf, untilWritten } from "./support/v1-start.ts";

afterAll(endEverything);

test("after an orderly end all jobs are there as they were, and new ids are larger", async () => {
  const first = await startServer();
  await run(first, ["sh", "-c", "echo out; echo err >&2; exit 7"], { alias: "same", cwd: "/" });
  await run(first, ["sh", "-c", "kill -KILL $$"], { alias: "other \u00e9\n" });
  await (await start(first, ["/not/there"], { alias: "same" })).text();
  const before = await list(first);
  expect(before.jobs.map(({ state }) => state)).toEqual(["failed", "ended", "ended"]);
  expect(await first.stop()).toBe(0);

  const second = await startServer({ dataDir: first.dataDir });
  expect(await list(second)).toEqual(before);
  expect((await list(second, "?alias=same&state=ended")).jobs).toHaveLength(1);
  const [newest] = before.jobs;
  const { job: next } = await run(second, ["true"], { alias: "same" });
  expect(BigInt(next.id) > BigInt(newest?.id ?? 0)).toBe(true);
  expect((await list(second)).jobs).toHaveLength(4);
});

test("a command that an orderly end stops is on record as stopped by it", async () => {
  const first = await startServer({ env: { ERRAND_LIMITS_SHUTDOWN_DRAIN_SECONDS: "0" } });
  const mark = newToken();
  const { jobId } = await rawProcess(first, specOf(["sleep", "100", mark]));
  await untilLiving(mark, 1);
  expect(await first.stop()).toBe(0);
  const second = await startServer({ dataDir: first.dataDir });
  expect(await job(second, jobId)).toMatchObject({
    state: "ended",
    outcome: { reason: "shutdown", code: null, signal: "SIGTERM", success: false },
  });
});

describe("after a kill", () => {
  test("what ran is lost, nothing of it is made up, and its alias is free", async () => {
    const first = await startServer();
    const alias = newAlias();
    const done = (await run(first, ["false"])).job;
    // What a list shows has been written.
    await list(first);
    const mark = newToken();
    const { jobId } = await rawProcess(first, specOf(["sleep", "100", mark], { alias }));
    await list(first);
    // The second one is killed before its record can have been written.
    const young = await rawProcess(first, specOf(["sleep", "100", mark]));
    await first.kill9();
    await untilGone(mark);

    const second = await startServer({ dataDir: first.dataDir });
    const lost = { reason: "lost", code: null, signal: null, success: false };
    expect(await job(second, jobId)).toMatchObject({ state: "lost", alias, outcome: lost, endedAt: null });
    expect(await job(second, young.jobId)).toMatchObject({ state: "lost", outcome: lost });
    expect((await job(second, done.id)).outcome).toMatchObject({ reason: "exited", code: 1 });
    expect((await list(second, "?state=lost")).jobs.map(({ id }) => id)).toEqual([young.jobId, jobId]);
    const next = await run(second, ["echo", "free"], { alias });
    expect([next.text, BigInt(next.job.id) > BigInt(young.jobId)]).toEqual(["free\n", true]);
    // It stays lost: waiting for it and stopping it answer at once.
    expect((await job(second, jobId, 60)).state).toBe("lost");
  });

  test("what ran in the background and was not to survive is lost, but not what it had written", async () => {
    const first = await startServer();
    const [alias, mark] = [newAlias(), newToken()];
    const shell = `printf written; printf oops >&2; exec sleep 100 ${mark}`;
    const { id } = await startJob(first, { shell, alias, survive: false });
    await untilWritten(first, { id, text: "written" });
    await first.kill9();
    await untilGone(mark);

    const second = await startServer({ dataDir: first.dataDir });
    expect((await job(second, id)) as unknown).toMatchObject({
      ...{ mode: "background", state: "lost", alias, command: ["/bin/sh", "-c", shell], endedAt: null },
      outcome: { reason: "lost", code: null, signal: null, success: false },
      stdout: { bytes: 7, keptFrom: 0 },
    });
    expect(await textOf(second, id)).toBe("written");
    expect((await runJob(second, { command: ["true"], alias })).state).toBe("ended");
  });

  test("an end in the background that was told stays as it was told", async () => {
    const first = await startServer();
    const told = await runJob(first, { shell: "printf out; exit 7" });
    await first.kill9();
    const second = await startServer({ dataDir: first.dataDir });
    const found = (await job(second, told.id)) as unknown;
    expect(found).toEqual(told);
    expect(await textOf(second, told.id)).toBe("out");
  });
});

test("an ended job says until when its record is kept", async () => {
  const server = await startServer({ env: { ERRAND_LIMITS_RETAIN_SECONDS: "1" } });
  const { id } = (await run(server, ["true"])).job;
  const { expiresAt, endedAt } = (await job(server, id)) as unknown as Record<string, string>;
  expect(Date.parse(expiresAt ?? "") - Date.parse(endedAt ?? "")).toBe(1_000);
});

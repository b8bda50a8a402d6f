import { afterAll, expect, test } from "bun:test";
import { type Script, ScriptedServer } from "../../test/sdk/support/scripted-server.ts";
import { wireJob } from "../../test/sdk/support/wire.ts";
import { endEverything } from "../../test/support/cleanup.ts";
import { within } from "../../test/support/wait.ts";
import { Errand } from "./errand.ts";
import { ConnectionError, ErrandError } from "./errors.ts";
import { isOver, type JobState } from "./jobTypes.ts";
import type { ErrandOptions } from "./options.ts";

afterAll(endEverything);

async function scripted(script: Script, options: Partial<ErrandOptions> = {}) {
  const server = await ScriptedServer.start(script);
  const waits = () => server.asked.map(({ query }) => Number(query.get("wait")));
  return { server, waits, job: new Errand({ url: server.url, ...options }).job("7") };
}

test("asks again and again until the end", async () => {
  const { job, waits } = await scripted(async (_, answer, number) => {
    await Bun.sleep(20);
    answer.json(wireJob(number < 3 ? "running" : "ended"));
  });
  expect((await within(job.wait())).state).toBe("ended");
  expect(job.record?.state).toBe("ended");
  // The first one is answered at once, and tells that there is a server.
  expect(waits()).toEqual([0, 25, 25, 25]);
});

test("gives the record as it is when the time is over", async () => {
  const { job, waits } = await scripted(async ({ query }, answer) => {
    await Bun.sleep(Number(query.get("wait")) * 1_000);
    answer.json(wireJob());
  });
  const begin = performance.now();
  const record = await within(job.wait({ seconds: 0.3 }));
  expect(isOver(record)).toBe(false);
  expect(performance.now() - begin).toBeGreaterThan(290);
  expect([waits()[0], waits()[1]]).toEqual([0, expect.closeTo(0.3, 1)]);
  expect((await job.wait({ seconds: 0 })).state).toBe("running");
});

test("no answer that comes too early makes it ask all the time", async () => {
  const { job, server } = await scripted((_, answer) => answer.json(wireJob()));
  await within(job.wait({ seconds: 0.5 }));
  expect(server.asked.length).toBeLessThan(9);
});

test("asks for less when the server allows less", async () => {
  const { job, waits } = await scripted(({ query }, answer) => {
    if (Number(query.get("wait")) > 5) return answer.problem(400, "invalid-parameter");
    answer.json(wireJob(query.get("wait") === "0.000" ? "running" : "ended"));
  });
  await within(job.wait());
  expect(waits()).toEqual([0, 25, 12.5, 6.25, 3.125]);
  const never = await scripted((_, answer) => answer.problem(400, "invalid-parameter"));
  await expect(within(never.job.wait())).rejects.toBeInstanceOf(ErrandError);
});

test("goes on over cuts, for a time", async () => {
  const { job, server } = await scripted(
    (_, answer, number) =>
      number === 0 || number > 2 ? answer.json(wireJob(number > 2 ? "lost" : "running")) : answer.cut(),
    { reconnectSeconds: 2 },
  );
  expect((await within(job.wait())).state).toBe("lost");
  await server.stop();
  await expect(within(job.wait())).rejects.toBeInstanceOf(ConnectionError);
});

test("must be a time", async () => {
  const { job } = await scripted(() => undefined);
  await expect(job.wait({ seconds: -1 })).rejects.toBeInstanceOf(RangeError);
});

test.each<[JobState, boolean]>([
  ["queued", false],
  ["starting", false],
  ["running", false],
  ["ended", true],
  ["failed", true],
  ["detached", true],
  ["lost", true],
])("%s is over: %p", (state, over) => {
  expect(isOver({ state })).toBe(over);
});

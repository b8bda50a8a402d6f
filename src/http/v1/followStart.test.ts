import { afterEach, expect, test } from "bun:test";
import { FollowedJob } from "../../../test/contract/support/followed-job.ts";
import type { Broker } from "../../core/broker.ts";
import type { Job } from "../../core/job.ts";
import type { OutputStream } from "../../core/ports.ts";
import { follow } from "./follow.ts";

let job: FollowedJob;
afterEach(() => job.remove());

/** The job as it is known before its start is. */
function notStarted(running: Job | undefined): unknown {
  return { ...running, state: "starting", startedAt: null };
}

test("output that is there before the start is known comes behind it", async () => {
  job = await new FollowedJob().start();
  const { broker, id } = job;
  job.write("stdout", "early");
  let isKnown = false;
  const slow = {
    get: () => (isKnown ? broker.get(id) : notStarted(broker.get(id))),
    active: () => broker.active(id),
    follow: () => broker.follow(id),
    outputBytes: (_: string, stream: OutputStream) => broker.outputBytes(id, stream),
  } as unknown as Broker;
  const types: string[] = [];
  const read = async () => {
    const options = { from: null, live: true, signal: new AbortController().signal };
    for await (const { type } of follow(slow, id, options)) types.push(type);
  };
  const over = read();
  job.write("stdout", "more", 1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(types).toEqual([]);
  isKnown = true;
  job.end();
  await over;
  expect([types[0], types.at(-1), types.includes("stdout")]).toEqual(["started", "ended", true]);
});

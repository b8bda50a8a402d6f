import { afterAll, expect, test } from "bun:test";
import { scripted } from "../../test/sdk/support/client.ts";
import { line, wireJob } from "../../test/sdk/support/wire.ts";
import { endEverything } from "../../test/support/cleanup.ts";
import { until } from "../../test/support/wait.ts";
import { ConnectionError } from "./errors.ts";
import type { LifecycleEvent } from "./serverTypes.ts";

afterAll(endEverything);

async function some(events: AsyncIterable<LifecycleEvent>, count: number): Promise<LifecycleEvent[]> {
  const found: LifecycleEvent[] = [];
  for await (const event of events) {
    found.push(event);
    if (found.length === count) break;
  }
  return found;
}

test("tells what happens, and what was missed", async () => {
  const { errand, server } = await scripted((_, answer) => {
    answer.stream();
    answer.chunk(line({ type: "job.started", job: wireJob() }) + line({ type: "heartbeat" }));
    answer.chunk(line({ type: "gap", missed: 3 }) + line({ type: "job.of-a-newer-server" }));
    answer.chunk(line({ type: "job.failed", job: wireJob("failed") }));
  });
  expect(await some(errand.events(), 3)).toEqual([
    { type: "job.started", job: wireJob() },
    { type: "gap", missed: 3 },
    { type: "job.failed", job: wireJob("failed") },
  ]);
  await until(() => server.open === 0, { describe: "the connection to be closed" });
});

test("after a cut nobody knows how many were missed", async () => {
  const { errand } = await scripted(async (_, answer) => {
    answer.stream();
    answer.chunk(line({ type: "job.ended", job: wireJob("ended") }));
    await Bun.sleep(30);
    answer.cut();
  });
  const types = (await some(errand.events(), 5)).map((event) =>
    event.type === "gap" ? event.missed : event.type,
  );
  expect(types).toEqual(["job.ended", null, "job.ended", null, "job.ended"]);
});

test("an end that cannot be mended is an error", async () => {
  const { errand } = await scripted(
    (_, answer) => {
      answer.stream();
      answer.finish();
    },
    { reconnectSeconds: 0 },
  );
  await expect(some(errand.events(), 1)).rejects.toBeInstanceOf(ConnectionError);
});

import { afterAll, describe, expect, test } from "bun:test";
import { all, scripted, textOf, untilError } from "../../test/sdk/support/client.ts";
import type { Script } from "../../test/sdk/support/scripted-server.ts";
import { ended, endedJob, line, started, text, wireJob } from "../../test/sdk/support/wire.ts";
import { endEverything } from "../../test/support/cleanup.ts";
import { until, within } from "../../test/support/wait.ts";
import { Cancelled, ConnectionError, ErrandError, StreamCut } from "./errors.ts";
import type { EventsOptions } from "./options.ts";

afterAll(endEverything);

describe("events", () => {
  test("come in their order, to the end", async () => {
    const { job, server } = await scripted((_, answer) => {
      answer.stream();
      answer.chunk(started() + text("2-0", 0, "ä") + line({ type: "heartbeat", cursor: "2-0" }));
      answer.chunk(text("2-1", 0, "b", "stderr") + ended("2-1", undefined, endedJob(2, 1)));
      answer.finish();
    });
    const events = await all(job.events());
    expect(events.map(({ type, cursor }) => [type, cursor])).toEqual([
      ["started", "0-0"],
      ["stdout", "2-0"],
      ["stderr", "2-1"],
      ["ended", "2-1"],
    ]);
    expect(events[1]).toMatchObject({ offset: 0, bytes: new Uint8Array(Buffer.from("ä")) });
    expect(job.record?.state).toBe("ended");
    const [asked] = server.asked;
    expect([asked?.path, asked?.query.size, asked?.headers.accept]).toEqual([
      "/v1/jobs/7/events",
      0,
      "application/x-ndjson",
    ]);
  });

  test("go on from a cursor, and can be asked for without what is to come", async () => {
    const { job, server } = await scripted((_, answer) => {
      answer.stream();
      answer.chunk(text("9-0", 5, "late"));
      answer.finish();
    });
    const events = await all(job.events({ cursor: "5-0", follow: false }));
    expect(events).toHaveLength(1);
    expect(String(server.asked[0]?.query)).toBe("cursor=5-0&follow=false");
  });

  test("gaps are passed on, and what is around them is not put together", async () => {
    const { job } = await scripted((_, answer) => {
      answer.stream();
      answer.chunk(started() + line({ type: "stdout", cursor: "1-0", offset: 0, base64: "4oI=" }));
      answer.chunk(line({ type: "gap", cursor: "9-0", stream: "stdout", from: 2, to: 9 }));
      answer.chunk(line({ type: "stdout", cursor: "a-0", offset: 9, base64: "rGE=" }) + ended("a-0"));
    });
    const events = await all(job.events());
    expect(events[2]).toEqual({ type: "gap", cursor: "9-0", stream: "stdout", from: 2, to: 9 });
    expect(textOf(events, "stdout")).toBe("\ufffd\ufffda");
  });

  test("of a job that never ran end without an outcome", async () => {
    const failed = wireJob("failed", { failure: "no such program" });
    const { job } = await scripted((_, answer) => {
      answer.stream();
      answer.chunk(ended("0-0", null, failed));
    });
    expect(await all(job.events())).toMatchObject([
      { type: "ended", outcome: null, job: { state: "failed" } },
    ]);
  });

  test("who leaves the loop closes the connection", async () => {
    const { job, server } = await scripted((_, answer) => {
      answer.stream();
      answer.chunk(started());
    });
    for await (const event of job.events()) {
      expect(event.type).toBe("started");
      break;
    }
    await until(() => server.open === 0, { describe: "the connection to be closed" });
  });
});

describe("a stream that cannot be resumed", () => {
  test("is an error that tells what has come", async () => {
    const { job } = await scripted(
      async (_, answer) => {
        answer.stream();
        answer.chunk(started() + text("2-0", 0, "ab"));
        // What comes together with a cut may be thrown away by the platform.
        await Bun.sleep(50);
        answer.cut();
      },
      { reconnectSeconds: 0 },
    );
    const { seen, error } = await untilError(job.events());
    expect(textOf(seen, "stdout")).toBe("ab");
    expect(error).toBeInstanceOf(StreamCut);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({
      jobId: "7",
      received: { cursor: "2-0", stdoutOffset: 2, stderrOffset: 0 },
      partial: null,
    });
  });

  test("is given up after the time without a connection", async () => {
    const { job, server } = await scripted(
      (_, answer, number) => {
        if (number > 0) return answer.cut();
        answer.stream();
        answer.chunk(started());
        answer.cut();
      },
      { reconnectSeconds: 1 },
    );
    const begin = performance.now();
    const { error } = await within(untilError(job.events()));
    expect(error).toBeInstanceOf(StreamCut);
    expect(performance.now() - begin).toBeGreaterThan(950);
    // Each try waits longer than the one before.
    expect(server.asked.length).toBeGreaterThan(2);
    expect(server.asked.length).toBeLessThan(9);
  });

  test("an end without `ended` is no success", async () => {
    const { job } = await scripted(
      (_, answer) => {
        answer.stream();
        answer.chunk(started());
        answer.finish();
      },
      { reconnectSeconds: 0 },
    );
    expect((await untilError(job.events())).error).toBeInstanceOf(StreamCut);
  });

  test("the server's words come with it", async () => {
    const { job, server } = await scripted((_, answer, number) => {
      if (number > 0) return answer.problem(404, "not-found");
      answer.stream();
      answer.chunk(started());
      answer.cut();
    });
    const { error } = await untilError(job.events());
    expect(error).toBeInstanceOf(StreamCut);
    expect(error).toMatchObject({ cause: { name: "ErrandError", code: "not-found", status: 404 } });
    expect(server.asked).toHaveLength(2);
  });

  test("a server that has no room now is asked again when it says so", async () => {
    const { job, server } = await scripted((_, answer, number) => {
      if (number === 1) return answer.problem(503, "shutting-down", { "retry-after": "1" });
      answer.stream();
      answer.chunk(number === 0 ? started() : ended("0-0"));
      answer.finish();
    });
    const begin = performance.now();
    await within(all(job.events()));
    expect(server.asked).toHaveLength(3);
    expect(performance.now() - begin).toBeGreaterThan(990);
  });
});

describe("a stream that does not begin", () => {
  test("a refusal is told as it is", async () => {
    const { job } = await scripted((_, answer) => answer.problem(404, "not-found"));
    const { error } = await untilError(job.events());
    expect(error).toBeInstanceOf(ErrandError);
    expect(error).toMatchObject({ code: "not-found", status: 404, field: null, retryAfterSeconds: null });
  });

  test("an address that never answered is told at once", async () => {
    const { job, server } = await scripted(() => undefined);
    await server.stop();
    const begin = performance.now();
    const { error } = await untilError(job.events());
    expect(error).toMatchObject({ name: "ConnectionError" });
    expect(performance.now() - begin).toBeLessThan(2_000);
  });
});

describe("a signal", () => {
  const quiet: Script = (_, answer) => {
    answer.stream();
    answer.chunk(started());
  };
  const options = (controller: AbortController): EventsOptions => ({ signal: controller.signal });

  test("ends a stream that waits", async () => {
    const { job, server } = await scripted(quiet);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 100);
    const { seen, error } = await within(untilError(job.events(options(controller))));
    expect(seen).toHaveLength(1);
    expect(error).toBeInstanceOf(Cancelled);
    expect(error).toMatchObject({ cause: { message: "enough" } });
    await until(() => server.open === 0, { describe: "the connection to be closed" });
  });

  test("ends the pause before the next try", async () => {
    const { job } = await scripted((_, answer, number) => {
      if (number > 0) return answer.problem(503, "shutting-down", { "retry-after": "20" });
      quiet(_, answer, number);
      answer.cut();
    });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 500);
    const { error } = await within(untilError(job.events(options(controller))), {
      timeoutMilliseconds: 3_000,
    });
    expect(error).toBeInstanceOf(Cancelled);
  });

  test("that has ended before asks nothing", async () => {
    const { job, server } = await scripted(quiet);
    const { error } = await untilError(job.events({ signal: AbortSignal.abort() }));
    expect(error).toBeInstanceOf(Cancelled);
    expect(server.asked).toHaveLength(0);
  });
});

// The reader behind streams that are cut, odd or silent.
import { afterAll, describe, expect, test } from "bun:test";
import { all, bytesOf, scripted, textOf } from "../../test/sdk/support/client.ts";
import { CutJob } from "../../test/sdk/support/cut-stream.ts";
import { ended, line, started, text } from "../../test/sdk/support/wire.ts";
import { endEverything } from "../../test/support/cleanup.ts";
import { within } from "../../test/support/wait.ts";

afterAll(endEverything);

describe("a stream that is cut", () => {
  test("100 streams, cut at any byte: no byte is lost or comes twice, no character is cut", async () => {
    let cuts = 0;
    const one = async (seed: number) => {
      const cut = new CutJob(seed, 3_000);
      const { job } = await scripted((asked, answer) => cut.events(asked, answer));
      const events = await within(all(job.events()), { timeoutMilliseconds: 30_000 });
      expect(events.filter(({ type }) => type === "started")).toHaveLength(1);
      expect(events.at(-1)?.type).toBe("ended");
      for (const type of ["stdout", "stderr"] as const) {
        expect(bytesOf(events, type).equals(cut[type])).toBe(true);
        expect(textOf(events, type)).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(cut[type]));
      }
      cuts += cut.cuts;
    };
    await Promise.all(Array.from({ length: 100 }, (_, seed) => one(seed)));
    expect(cuts).toBeGreaterThan(100);
  });

  test("bytes that come again are left out, bytes that are missing are asked for", async () => {
    const answers = [
      started() + text("4-0", 0, "0123"),
      // A server that begins too early, and one that leaves bytes out.
      text("6-0", 2, "2345") + text("9-0", 8, "8"),
      text("9-0", 6, "678") + ended("9-0"),
    ];
    const { job, server } = await scripted((_, answer, number) => {
      answer.stream();
      answer.chunk(answers[number] ?? "");
      answer.finish();
    });
    const events = await all(job.events());
    expect(textOf(events, "stdout")).toBe("012345678");
    expect(server.asked.map(({ query }) => query.get("cursor"))).toEqual([null, "4-0", "6-0"]);
  });

  test.each([
    ["no JSON", "hello\n"],
    ["no event", "[]\n"],
    ["an event without its fields", '{"type":"stdout","cursor":"9-9"}\n'],
    ["no base64", '{"type":"stdout","cursor":"9-9","offset":1,"base64":"!"}\n'],
  ])("%s between events counts as a cut", async (_, odd) => {
    const { job } = await scripted((_asked, answer, number) => {
      answer.stream();
      answer.chunk(number === 0 ? started() + text("1-0", 0, "a") + odd : text("2-0", 1, "b") + ended("2-0"));
      answer.finish();
    });
    expect(textOf(await all(job.events()), "stdout")).toBe("ab");
  });

  test("a silent one is taken for cut; heartbeats are signs of life", async () => {
    const { job, server } = await scripted(
      async (_, answer, number) => {
        answer.stream();
        if (number === 1) return answer.chunk(ended("0-0"));
        answer.chunk(started());
        for (let beat = 0; beat < 8; beat += 1) {
          await Bun.sleep(100);
          answer.chunk(line({ type: "heartbeat" }));
        }
      },
      { silenceSeconds: 0.4 },
    );
    const begin = performance.now();
    await within(all(job.events()));
    expect(server.asked).toHaveLength(2);
    expect(performance.now() - begin).toBeGreaterThan(1_100);
  });

  test("time that the reader takes is no silence", async () => {
    const { job, server } = await scripted(
      (_, answer) => {
        answer.stream();
        answer.chunk(started());
        answer.chunk(ended("0-0"));
        answer.finish();
      },
      { silenceSeconds: 0.2 },
    );
    for await (const _ of job.events()) await Bun.sleep(500);
    expect(server.asked).toHaveLength(1);
  });
});

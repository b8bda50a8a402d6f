import { afterAll, describe, expect, test } from "bun:test";
import { CutJob } from "../../test/sdk/support/cut-stream.ts";
import { type Asked, type Script, ScriptedServer } from "../../test/sdk/support/scripted-server.ts";
import { endedJob, wireJob } from "../../test/sdk/support/wire.ts";
import { endEverything } from "../../test/support/cleanup.ts";
import { until, within } from "../../test/support/wait.ts";
import { Errand } from "./errand.ts";
import { Cancelled, ErrandError, StreamCut } from "./errors.ts";
import type { ErrandOptions } from "./options.ts";

afterAll(endEverything);

async function scripted(script: Script, options: Partial<ErrandOptions> = {}) {
  const server = await ScriptedServer.start(script);
  return { server, job: new Errand({ url: server.url, ...options }).job("7") };
}

const isRecord = ({ path }: Asked) => path === "/v1/jobs/7";

async function errorOf(stream: ReadableStream<Uint8Array>): Promise<unknown> {
  try {
    await within(new Response(stream).bytes());
  } catch (error) {
    return error;
  }
  throw new Error("there was no error");
}

const textOf = (stream: ReadableStream<Uint8Array>) => within(new Response(stream).text());

test("is asked for when somebody reads, and follows", async () => {
  const { job, server } = await scripted((asked, answer) => {
    if (isRecord(asked)) return answer.json(endedJob(0, 3));
    answer.head(200, { "content-length": "3" });
    answer.raw("abc");
  });
  const stream = job.stderr();
  await Bun.sleep(50);
  expect(server.asked).toHaveLength(0);
  expect(await textOf(stream)).toBe("abc");
  expect(server.asked.map(({ path, query }) => `${path}?${query}`)).toEqual([
    "/v1/jobs/7/stderr?follow=true",
    "/v1/jobs/7?",
  ]);
});

test("100 streams, cut at any byte, also with a clean end: no byte is lost or comes twice", async () => {
  let cuts = 0;
  const one = async (seed: number) => {
    const cut = new CutJob(seed, 20_000);
    const { job } = await scripted((asked, answer) =>
      isRecord(asked) ? answer.json(cut.record()) : cut.output(asked, answer),
    );
    const bytes = await within(new Response(job.stdout()).bytes(), { timeoutMilliseconds: 15_000 });
    expect(Buffer.from(bytes).equals(cut.stdout)).toBe(true);
    cuts += cut.cuts;
  };
  await Promise.all(Array.from({ length: 100 }, (_, seed) => one(seed)));
  expect(cuts).toBeGreaterThan(30);
});

describe("a part", () => {
  test("begins where it is said, even if the server begins at 0", async () => {
    for (const status of [206, 200]) {
      const { job, server } = await scripted((_, answer) => {
        answer.head(status, {
          "content-length": status === 206 ? "2" : "5",
          ...(status === 206 && { "content-range": "bytes 3-4/5" }),
        });
        answer.raw(status === 206 ? "de" : "abcde");
      });
      expect(await textOf(job.stdout({ from: 3, follow: false }))).toBe("de");
      expect(server.asked[0]?.headers.range).toBe("bytes=3-");
      expect(String(server.asked[0]?.query)).toBe("");
    }
  });

  test("at the end is empty", async () => {
    const { job } = await scripted((_, answer) => answer.problem(416, "invalid-range"));
    expect(await textOf(job.stdout({ from: 3, follow: false }))).toBe("");
  });

  test("the tail is followed from where it ends", async () => {
    const { job, server } = await scripted((asked, answer, number) => {
      if (isRecord(asked)) return answer.json(endedJob(9));
      answer.head(206, { "content-length": "2", ...(number === 0 && { "content-range": "bytes 5-6/7" }) });
      answer.raw(number === 0 ? "fg" : "hi");
    });
    expect(await textOf(job.stdout({ tail: 2 }))).toBe("fghi");
    expect(server.asked.map(({ query, headers }) => `${query} ${headers.range}`)).toEqual([
      " bytes=-2",
      "follow=true bytes=7-",
      " undefined",
    ]);
  });

  test("that is no longer kept is an error", async () => {
    const { job } = await scripted((_, answer) => {
      answer.head(206, { "content-length": "1", "content-range": "bytes 9-9/10" });
      answer.raw("x");
    });
    expect(await errorOf(job.stdout({ from: 3, follow: false }))).toMatchObject({
      name: "StreamCut",
      message: "the bytes from 3 to 9 are no longer kept",
    });
  });

  test("must be one that can be", async () => {
    const { job } = await scripted(() => undefined);
    expect(() => job.stdout({ from: 1, tail: 1 })).toThrow(TypeError);
    expect(() => job.stdout({ from: -1 })).toThrow(RangeError);
    expect(() => job.stdout({ tail: 0 })).toThrow(RangeError);
  });
});

describe("a cut", () => {
  test("an answer that is shorter than it said is gone on with", async () => {
    const { job } = await scripted((_, answer, number) => {
      answer.head(number === 0 ? 200 : 206, {
        "content-length": number === 0 ? "5" : "2",
        ...(number > 0 && { "content-range": "bytes 3-4/5" }),
      });
      answer.raw(number === 0 ? "abc" : "de");
      if (number === 0) setTimeout(() => answer.cut(), 50);
    });
    expect(await textOf(job.stdout({ follow: false }))).toBe("abcde");
  });

  test("of all that a stopped job has written is its end", async () => {
    const { job } = await scripted(
      async (asked, answer) => {
        if (isRecord(asked)) return answer.json(endedJob(3));
        answer.stream("application/octet-stream");
        answer.chunk("abc");
        await Bun.sleep(50);
        answer.cut();
      },
      { reconnectSeconds: 0 },
    );
    expect(await textOf(job.stdout())).toBe("abc");
  });

  test.each(["a cut", "a clean end"])(
    "of output that was not kept whole is told, behind what is kept; %s",
    async (end) => {
      const job9 = endedJob(9, 0, { stdout: { bytes: 9, keptFrom: 0, truncated: true } });
      const { job, server } = await scripted(async (asked, answer) => {
        if (isRecord(asked)) return answer.json(job9);
        if (asked.query.has("follow")) {
          answer.stream("application/octet-stream");
          answer.chunk("abc");
          await Bun.sleep(50);
          return end === "a cut" ? answer.cut() : answer.finish();
        }
        answer.head(206, { "content-length": "2", "content-range": "bytes 3-4/5" });
        answer.raw("de");
      });
      const reader = job.stdout().getReader();
      const pieces: Uint8Array[] = [];
      const reading = (async () => {
        for (;;) pieces.push((await reader.read()).value ?? new Uint8Array());
      })();
      await expect(within(reading)).rejects.toMatchObject({
        ...{ name: "StreamCut", message: "stdout of job 7 was not kept from 5 to 9" },
        received: { stdoutOffset: 5 },
      });
      expect(Buffer.concat(pieces).toString()).toBe("abcde");
      expect(server.asked).toHaveLength(3);
    },
  );

  test("that cannot be mended tells how far it came", async () => {
    const { job } = await scripted(
      async (asked, answer) => {
        if (isRecord(asked)) return answer.json(wireJob());
        answer.stream("application/octet-stream");
        answer.chunk("abc");
        await Bun.sleep(50);
        answer.cut();
      },
      { reconnectSeconds: 0 },
    );
    const error = await errorOf(job.stdout());
    expect(error).toBeInstanceOf(StreamCut);
    expect(error).toMatchObject({ jobId: "7", received: { stdoutOffset: 3, stderrOffset: 0, cursor: null } });
  });

  test("a silent answer is asked for again, for as long as the server is there", async () => {
    const { job, server } = await scripted(
      (asked, answer, number) => {
        if (isRecord(asked)) return answer.json(endedJob(3));
        answer.stream("application/octet-stream");
        if (number < 4) return;
        answer.chunk("abc");
        answer.finish();
      },
      { silenceSeconds: 0.2, reconnectSeconds: 0.1 },
    );
    expect(await textOf(job.stdout())).toBe("abc");
    expect(server.asked.length).toBeGreaterThan(4);
  });
});

test("a refusal is told as it is", async () => {
  const { job } = await scripted((_, answer) => answer.problem(404, "not-found"));
  expect(await errorOf(job.stdout())).toBeInstanceOf(ErrandError);
});

test("a signal ends it, and so does who cancels it", async () => {
  const { job, server } = await scripted((_, answer) => {
    answer.stream("application/octet-stream");
    answer.chunk("abc");
  });
  const cancelled = await errorOf(job.stdout({ signal: AbortSignal.timeout(100) }));
  expect(cancelled).toBeInstanceOf(Cancelled);
  await until(() => server.open === 0, { describe: "the connection to be closed" });
  const reader = job.stdout().getReader();
  await reader.read();
  await within(reader.cancel());
  await until(() => server.open === 0, { describe: "the connection to be closed" });
});

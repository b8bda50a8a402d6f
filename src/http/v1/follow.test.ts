import { afterEach, describe, expect, test } from "bun:test";
import { array, assert, asyncProperty, constantFrom, integer, nat, record, string, tuple } from "fast-check";
import { FollowedJob } from "../../../test/contract/support/followed-job.ts";
import { until } from "../../../test/support/wait.ts";
import type { Limits } from "../../core/limits.ts";
import type { OutputPosition, OutputStream } from "../../core/ports.ts";
import { type FollowEvent, follow } from "./follow.ts";

const jobs: FollowedJob[] = [];
afterEach(() => {
  for (const job of jobs.splice(0)) job.remove();
});

function start(limits?: Partial<Limits>): Promise<FollowedJob> {
  const job = new FollowedJob(limits);
  jobs.push(job);
  return job.start();
}

/** Follows from there on, and holds what has come by now. */
function listen(job: FollowedJob, from: OutputPosition | null = null, live = true) {
  const control = new AbortController();
  const events: FollowEvent[] = [];
  const read = async () => {
    const options = { from, live, signal: control.signal };
    for await (const event of follow(job.broker, job.id, options)) events.push(event);
  };
  return { events, over: read(), leave: () => control.abort() };
}

async function all(
  job: FollowedJob,
  from: OutputPosition | null = null,
  live = true,
): Promise<FollowEvent[]> {
  const { events, over } = listen(job, from, live);
  await over;
  return events;
}

type OutputEvent = Extract<FollowEvent, { type: OutputStream }>;
const isOutput = (event: FollowEvent): event is OutputEvent => "bytes" in event;
const outputs = (events: readonly FollowEvent[]) => events.filter(isOutput);

function bytesOf(events: readonly FollowEvent[], stream: OutputStream): Buffer {
  return Buffer.concat(outputs(events).flatMap(({ type, bytes }) => (type === stream ? [bytes] : [])));
}

/** Which bytes came in which order, whatever the pieces. */
function order(events: readonly FollowEvent[]): string {
  const mark = { stdout: "o", stderr: "e" };
  return outputs(events)
    .map(({ type, bytes }) => mark[type].repeat(bytes.byteLength))
    .join("");
}

describe("text that is cut", () => {
  const text = "aé☃🦊z";

  test("at every byte comes in whole characters, whether it is followed or read afterwards", async () => {
    const encoded = Buffer.from(text);
    for (let cut = 1; cut < encoded.length; cut += 1) {
      const job = await start();
      const live = listen(job);
      job.write("stdout", encoded.subarray(0, cut));
      await until(() => live.events.length > 1 || cut < 2, { describe: "the first part" });
      job.write("stdout", encoded.subarray(cut), 20);
      job.end();
      await live.over;
      for (const events of [live.events, await all(job)]) {
        expect(outputs(events).every(({ isText }) => isText)).toBe(true);
        for (const { bytes } of outputs(events))
          expect(Buffer.from(bytes).toString()).not.toContain("\ufffd");
        expect(bytesOf(events, "stdout").toString()).toBe(text);
      }
    }
  });

  test("byte by byte comes in whole characters", async () => {
    const job = await start();
    const live = listen(job);
    for (const byte of Buffer.from(text.repeat(20))) job.write("stdout", Uint8Array.of(byte), 20);
    job.end();
    await live.over;
    expect(outputs(live.events).every(({ isText }) => isText)).toBe(true);
    expect(bytesOf(live.events, "stdout").toString()).toBe(text.repeat(20));
  });

  test("and goes on in large pieces is not cut at their bounds", async () => {
    for (const lead of ["", "a", "aa"]) {
      const job = await start();
      const long = lead + "☃".repeat(100_000);
      job.write("stdout", long);
      job.end();
      const events = outputs(await all(job));
      expect(events.length).toBeGreaterThan(3);
      expect(events.every(({ isText }) => isText)).toBe(true);
      expect(bytesOf(events, "stdout").toString() === long).toBe(true);
    }
  });

  test("and goes on while its begin is read comes in whole characters", async () => {
    const job = await start();
    const [begin, rest] = [Buffer.from("a☃").subarray(0, 2), Buffer.from("a☃").subarray(2)];
    const open = job.broker.follow.bind(job.broker);
    let reads = 0;
    job.broker.follow = (id) => {
      const reader = open(id);
      if (reader === null) return null;
      const read: typeof reader.read = async (...wanted) => {
        const bytes = await reader.read(...wanted);
        // The second one has begun to read half a character.
        reads += 1;
        if (reads === 2) job.write("stdout", rest, 20);
        return bytes;
      };
      return { ...reader, read };
    };
    const live = listen(job);
    job.write("stdout", begin);
    await until(() => reads >= 3, { describe: "the rest to be read" });
    job.end();
    await live.over;
    expect(outputs(live.events).every(({ isText }) => isText)).toBe(true);
    expect(bytesOf(live.events, "stdout").toString()).toBe("a☃");
  });

  test("and never goes on comes as bytes: at the end at once, before it after a moment", async () => {
    const job = await start();
    const live = listen(job);
    job.write("stdout", Buffer.from("☃").subarray(0, 2));
    await until(() => outputs(live.events).length === 1, { describe: "the two bytes" });
    expect(outputs(live.events)[0]).toMatchObject({ isText: false, bytes: Uint8Array.of(0xe2, 0x98) });
    job.write("stderr", Buffer.from("☃").subarray(0, 1));
    job.end();
    await live.over;
    expect(outputs(live.events)[1]).toMatchObject({ type: "stderr", isText: false });
  });

  test("by output of the other stream comes in the order in which it was written", async () => {
    const job = await start();
    job.write("stdout", Buffer.from("☃").subarray(0, 1));
    job.write("stderr", "err");
    job.write("stdout", Buffer.from("☃").subarray(1));
    job.end();
    expect(order(await all(job))).toBe("oeeeoo");
  });

  test("behind a byte that is no text is text again", async () => {
    const job = await start();
    const long = "☃".repeat(50_000);
    job.write("stdout", Buffer.concat([Uint8Array.of(0xff), Buffer.from(long)]));
    job.end();
    const [first, ...rest] = outputs(await all(job));
    expect(first?.isText).toBe(false);
    expect(rest.length).toBeGreaterThan(0);
    expect(rest.every(({ isText }) => isText)).toBe(true);
  });
});

const stream = constantFrom("stdout" as const, "stderr" as const);
/** Less than 10 ms apart, two pieces of one stream are one in the timeline. */
const milliseconds = constantFrom(0, 0, 5, 10, 50);

describe("whatever is written", () => {
  const piece = record({
    stream,
    text: string({ unit: "binary", minLength: 1, maxLength: 8 }),
    milliseconds,
  });
  const cuts = array(tuple(piece, nat(30)), { maxLength: 12 });

  test("text on one stream, cut anywhere, is never told as bytes", async () => {
    const runs = array(
      tuple(string({ unit: "binary", minLength: 1, maxLength: 20 }), integer({ min: 1, max: 7 })),
    );
    await assert(
      asyncProperty(runs, async (texts) => {
        const job = await start();
        const live = listen(job);
        for (const [text, step] of texts) {
          const encoded = Buffer.from(text);
          for (let at = 0; at < encoded.length; at += step)
            job.write("stdout", encoded.subarray(at, at + step), 5);
        }
        job.end();
        await live.over;
        const expected = texts.map(([text]) => text).join("");
        for (const events of [live.events, await all(job)]) {
          expect(outputs(events).every(({ isText }) => isText)).toBe(true);
          expect(bytesOf(events, "stdout").equals(Buffer.from(expected))).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("is told byte for byte, in order, live and afterwards, and from each cursor on", async () => {
    await assert(
      asyncProperty(cuts, async (pieces) => {
        const job = await start();
        const live = listen(job);
        let written = "";
        const expected = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
        for (const [{ stream: name, text, milliseconds: after }, cut] of pieces) {
          const encoded = Buffer.from(text);
          const bytes = encoded.subarray(0, Math.max(1, cut % (encoded.length + 1)));
          job.write(name, bytes, after);
          written += { stdout: "o", stderr: "e" }[name].repeat(bytes.length);
          expected[name].push(bytes);
          // Lets who follows take some of it in between.
          if (cut % 3 === 0) await Bun.sleep(0);
        }
        job.end();
        await live.over;
        const replayed = await all(job);
        for (const events of [live.events, replayed]) {
          expect(order(events)).toBe(written);
          for (const name of ["stdout", "stderr"] as const)
            expect(bytesOf(events, name).equals(Buffer.concat(expected[name]))).toBe(true);
          expect([events[0]?.type, events.at(-1)?.type]).toEqual(["started", "ended"]);
        }
        for (const { position } of live.events) {
          const rest = await all(job, position);
          expect(order(rest)).toBe(written.slice(position.stdout + position.stderr));
          expect(rest.at(-1)?.type).toBe("ended");
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("who follows", () => {
  test("hears of the end when all has been told, and of nothing when it has left", async () => {
    const job = await start();
    const live = listen(job);
    await until(() => live.events.length === 1, { describe: "the start" });
    live.leave();
    await live.over;
    job.write("stdout", "late");
    job.end();
    expect(live.events.map(({ type }) => type)).toEqual(["started"]);
    expect((await all(job)).map(({ type }) => type)).toEqual(["started", "stdout", "ended"]);
  });

  test("and does not wait gets what is there", async () => {
    const job = await start();
    expect((await all(job, null, false)).map(({ type }) => type)).toEqual(["started"]);
    job.write("stdout", Buffer.from("a☃").subarray(0, 3));
    const events = await all(job, null, false);
    // Half a character is there, too: who does not wait is told.
    expect(outputs(events).map(({ isText, bytes }) => [isText, bytes.byteLength])).toEqual([
      [true, 1],
      [false, 2],
    ]);
  });

  test("a job that is forgotten meanwhile is cut", async () => {
    const job = await start();
    job.write("stdout", "x");
    job.end();
    const forgotten = follow(job.broker, job.id, {
      from: null,
      live: true,
      signal: new AbortController().signal,
    });
    job.broker.forget(job.id);
    expect((await Array.fromAsync(forgotten)).length).toBe(0);
  });

  test("goes on when nothing more fits into the timeline, and keeps each stream in order", async () => {
    // Room for two records.
    const job = await start({ timelineBytes: 32 });
    const live = listen(job);
    for (let turn = 0; turn < 50; turn += 1) {
      job.write("stdout", `o${turn};`, 20);
      job.write("stderr", `e${turn};`, 20);
      const told = () => bytesOf(live.events, "stderr").toString().endsWith(`e${turn};`);
      await until(told, { describe: `turn ${turn}` });
    }
    job.end();
    await live.over;
    const words = (name: string) => Array.from({ length: 50 }, (_, turn) => `${name}${turn};`).join("");
    for (const events of [live.events, await all(job)]) {
      expect(bytesOf(events, "stdout").toString()).toBe(words("o"));
      expect(bytesOf(events, "stderr").toString()).toBe(words("e"));
    }
    for (const { position } of live.events) {
      const rest = await all(job, position);
      expect(bytesOf(rest, "stdout").toString()).toBe(words("o").slice(position.stdout));
      expect(bytesOf(rest, "stderr").toString()).toBe(words("e").slice(position.stderr));
    }
  });
});

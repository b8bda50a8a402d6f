// Handles of jobs against the real server.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Errand } from "../../src/sdk/errand.ts";
import { ErrandError } from "../../src/sdk/errors.ts";
import type { JobEvent } from "../../src/sdk/eventTypes.ts";
import { isOver } from "../../src/sdk/jobTypes.ts";
import { Receiver } from "../support/callback-receiver.ts";
import { loopbackCallbacks } from "../support/callbacks.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until, within } from "../support/wait.ts";

let server: Server;
let errand: Errand;
beforeAll(async () => {
  server = await startServer({ config: loopbackCallbacks() });
  errand = new Errand({ url: server.url, token: server.token });
});
afterAll(endEverything);

async function all(events: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const found: JobEvent[] = [];
  for await (const event of events) found.push(event);
  return found;
}

const textOf = (events: readonly JobEvent[], name: "stdout" | "stderr") =>
  events.map((event) => (event.type === name ? event.text : "")).join("");

describe("start", () => {
  test("in the background, then everything that can be asked", async () => {
    const job = await errand.start({ shell: "echo a; echo b >&2; exit 2", labels: { for: "sdk" } });
    expect(job.record).toMatchObject({ id: job.id, mode: "background", labels: { for: "sdk" } });
    const record = await job.wait();
    expect(record).toMatchObject({ state: "ended", outcome: { code: 2, success: false } });
    expect(await errand.get(job.id)).toEqual(record);
    expect(await new Response(job.stdout()).text()).toBe("a\n");
    expect(await new Response(job.stderr()).text()).toBe("b\n");
    const events = await all(job.events());
    expect(events.at(0)?.type).toBe("started");
    expect(events.at(-1)).toMatchObject({ type: "ended", outcome: { code: 2 } });
    expect([textOf(events, "stdout"), textOf(events, "stderr")]).toEqual(["a\n", "b\n"]);
    await job.delete();
    await expect(job.get()).rejects.toMatchObject({ name: "ErrandError", code: "not-found" });
  });

  test("with a wait brings the output along", async () => {
    const quick = await errand.start({ shell: "printf '\\377ab'" }, { wait: 10 });
    expect(quick.record?.state).toBe("ended");
    expect(quick.captured?.stdout).toEqual({
      ...{ bytes: Uint8Array.of(0xff, 0x61, 0x62), text: "\ufffdab", truncated: false },
    });
    const slow = await errand.start({ command: ["sleep", "60"] }, { wait: 0.1 });
    expect([slow.record?.state, slow.captured]).toEqual(["running", null]);
    await slow.stop();
  });

  test("with a key starts once", async () => {
    const idempotencyKey = crypto.randomUUID();
    const spec = { command: ["true"] };
    const [one, two] = [
      await errand.start(spec, { idempotencyKey }),
      await errand.start(spec, { idempotencyKey }),
    ];
    expect(two.id).toBe(one.id);
    const other = errand.start({ command: ["false"] }, { idempotencyKey });
    await expect(other).rejects.toMatchObject({ name: "ErrandError", status: 422 });
  });

  test("attached: the command ends with its stream", async () => {
    const job = await errand.start({ command: ["sleep", "600"], mode: "attached" });
    for await (const { type } of job.events()) {
      expect(type).toBe("started");
      break;
    }
    expect(await job.wait({ seconds: 10 })).toMatchObject({ outcome: { reason: "disconnected" } });
    const unread = await errand.start({ command: ["sleep", "600"], mode: "attached" });
    expect((await unread.get()).state).toBe("running");
    unread.disconnect();
    expect(await unread.wait({ seconds: 10 })).toMatchObject({ outcome: { reason: "disconnected" } });
  });

  test("queued under an alias: events wait for the start", async () => {
    const alias = crypto.randomUUID();
    const first = await errand.start({ command: ["sleep", "600"], alias });
    const second = await errand.start({ shell: "echo second", alias, aliasPolicy: "queue" });
    expect(second.record?.state).toBe("queued");
    const events = all(second.events());
    await first.stop();
    expect(textOf(await within(events), "stdout")).toBe("second\n");
    const refused = errand.start({ command: ["nonexistent-program"], alias, aliasPolicy: "queue" });
    await expect(refused).rejects.toBeInstanceOf(ErrandError);
  });
});

describe("a running job", () => {
  test("waits, is stopped, and is told a signal", async () => {
    const job = await errand.start({ shell: "trap 'echo got; exit 7' INT; while :; do sleep 0.05; done" });
    const record = await job.wait({ seconds: 0.2 });
    expect(isOver(record)).toBe(false);
    await until(async () => (await job.get()).state === "running");
    await Bun.sleep(100);
    await job.signal("SIGINT");
    expect(await job.wait({ seconds: 10 })).toMatchObject({ outcome: { code: 7 } });
    await expect(job.signal("SIGINT")).rejects.toMatchObject({ code: "not-running", status: 409 });
    const other = await errand.start({ command: ["sleep", "600"] });
    expect(await other.stop({ graceSeconds: 1 })).toMatchObject({ outcome: { reason: "stopped" } });
    expect(await other.stop()).toMatchObject({ outcome: { reason: "stopped" } });
  });

  test("is followed from a cursor, or as far as it is", async () => {
    const job = await errand.start({ shell: "echo one; sleep 0.5; echo two" });
    const now = async () => all(job.events({ follow: false }));
    let first: JobEvent[] = [];
    await until(async () => {
      first = await now();
      return textOf(first, "stdout") === "one\n";
    });
    expect(first.some(({ type }) => type === "ended")).toBe(false);
    const rest = await within(all(job.events({ cursor: first.at(-1)?.cursor })));
    expect(textOf(rest, "stdout")).toBe("two\n");
    expect(rest.map(({ type }) => type)).toEqual(["stdout", "ended"]);
  });

  test("its output is followed, from an offset or a tail", async () => {
    const job = await errand.start({ shell: "printf 12345; sleep 0.5; printf 67890" });
    await until(async () => (await new Response(job.stdout({ follow: false })).text()) === "12345");
    const texts = [job.stdout(), job.stdout({ from: 3 }), job.stdout({ from: 5 }), job.stdout({ tail: 2 })];
    const found = await within(Promise.all(texts.map((stream) => new Response(stream).text())));
    expect(found).toEqual(["1234567890", "4567890", "67890", "4567890"]);
    const parts = [
      job.stdout({ from: 8 }),
      job.stdout({ from: 10 }),
      job.stdout({ tail: 100 }),
      job.stderr({ tail: 5 }),
    ];
    const ended = await within(Promise.all(parts.map((stream) => new Response(stream).text())));
    expect(ended).toEqual(["90", "", "1234567890", ""]);
  });

  test("of one that was stopped the output is whole", async () => {
    const job = await errand.start({ shell: "echo before; sleep 600" });
    const text = new Response(job.stdout()).text();
    await until(async () => (await new Response(job.stdout({ follow: false })).text()) !== "");
    await job.stop();
    expect(await within(text)).toBe("before\n");
  });

  test("characters that the command writes in pieces are not cut", async () => {
    const job = await errand.start({
      shell: "printf '\\342'; sleep 0.4; printf '\\202'; sleep 0.4; printf '\\254\\303'",
    });
    const events = await within(all(job.events()));
    expect(textOf(events, "stdout")).toBe("€");
    expect(events.at(-1)).toMatchObject({ type: "ended", rest: { stdout: "\ufffd", stderr: "" } });
  });
});

describe("stdin", () => {
  test("is written piece by piece, and closed", async () => {
    const job = await errand.start({ command: ["cat"], stdin: "open" });
    const writer = job.stdin().getWriter();
    await writer.write("ä\n");
    await until(async () => (await new Response(job.stdout({ follow: false })).text()) === "ä\n");
    await writer.write(Uint8Array.of(0xff, 0));
    await within(writer.close());
    expect(await job.wait({ seconds: 10 })).toMatchObject({ outcome: { code: 0 }, stdout: { bytes: 5 } });
    const late = job.stdin({ offset: 5 }).getWriter();
    await late.write("x");
    await expect(within(late.closed)).rejects.toMatchObject({ code: "stdin-closed" });
  });

  test("takes a large stream without holding it all", async () => {
    const job = await errand.start({ command: ["sha256sum"], stdin: "open" });
    const piece = new Uint8Array(1024 * 1024).fill(0x61);
    const hash = new Bun.CryptoHasher("sha256");
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (let count = 0; count < 20; count += 1) {
          hash.update(piece);
          controller.enqueue(piece);
        }
        controller.close();
      },
    });
    await within(source.pipeTo(job.stdin()));
    await job.wait();
    expect(await new Response(job.stdout()).text()).toBe(`${hash.digest("hex")}  -\n`);
  });
});

test("events of a job that is not there are refused", async () => {
  const error = await all(errand.job("1").events()).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(ErrandError);
  expect(error).toMatchObject({ code: "not-found" });
});

test("callbacks are told again", async () => {
  const receiver = await Receiver.start();
  const job = await errand.start({ command: ["true"], callback: { url: receiver.url() } });
  await receiver.untilReceived(1);
  expect((await job.resendCallback()).callback?.url).toBe(receiver.url());
  await receiver.untilReceived(2);
});

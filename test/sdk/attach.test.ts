// `job.attach()` against the real server, over its own connections and over the platform's class.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { AttachEvent } from "../../src/sdk/attachTypes.ts";
import { Errand } from "../../src/sdk/errand.ts";
import { Cancelled, ErrandError, StreamCut } from "../../src/sdk/errors.ts";
import type { ErrandOptions } from "../../src/sdk/options.ts";
import { numbered } from "../conformance/bytes.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until, within } from "../support/wait.ts";
import { errorOf } from "./support/client.ts";
import { randomOf } from "./support/cut-stream.ts";
import { CuttingProxy } from "./support/cutting-proxy.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

function client(options: Partial<ErrandOptions> = {}): Errand {
  return new Errand({ url: server.url, token: server.token, ...options });
}

const sockets: readonly (readonly [string, Partial<ErrandOptions>])[] = [
  ["its own connection", {}],
  ["the platform's class", { webSocket: WebSocket }],
];
const bytesOf = (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => new Response(stream).bytes();
const textOf = (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => new Response(stream).text();

describe.each(sockets)("over %s", (_, options) => {
  test("input, both outputs and the end come through", async () => {
    const job = await client(options).start({ shell: "cat; echo bad >&2; exit 3", stdin: "open" });
    const events: AttachEvent[] = [];
    const attachment = await job.attach({ onEvent: (event) => events.push(event) });
    const writer = attachment.stdin.getWriter();
    await writer.write("first ");
    await writer.write(Uint8Array.of(0, 255, 10));
    await writer.close();
    expect(await bytesOf(attachment.stdout)).toEqual(Uint8Array.of(...Buffer.from("first "), 0, 255, 10));
    expect(await textOf(attachment.stderr)).toBe("bad\n");
    expect(await attachment.ended).toMatchObject({ reason: "exited", code: 3, success: false });
    expect(attachment.job).toMatchObject({ id: job.id, state: "ended" });
    expect(events).toEqual([{ type: "live" }]);
  });

  test("a terminal is typed at, given another size, and signalled", async () => {
    const line = "trap 'stty size; exit 4' INT; echo ready; while :; do sleep 0.05; done";
    const job = await client(options).start({ shell: line, tty: { cols: 91, rows: 17 } });
    const events: AttachEvent[] = [];
    const attachment = await job.attach({ onEvent: (event) => events.push(event) });
    const [forReady, stdout] = attachment.stdout.tee();
    const reader = forReady.getReader();
    expect(String(Buffer.from((await reader.read()).value ?? []))).toBe("ready\r\n");
    void reader.cancel();
    attachment.resize({ cols: 123, rows: 45 });
    await until(() => events.find(({ type }) => type === "resize"), { describe: "the new size" });
    attachment.signal("SIGINT");
    expect(await textOf(stdout)).toEndWith("ready\r\n45 123\r\n");
    expect(await attachment.ended).toMatchObject({ code: 4 });
    expect(events).toContainEqual({ type: "resize", cols: 123, rows: 45 });
  });

  test("cuts at any byte in both directions lose and repeat nothing", async () => {
    const proxy = await CuttingProxy.start(server.url);
    const random = randomOf(5);
    let cuts = 24;
    proxy.nextCut = () => {
      cuts -= 1;
      if (cuts < 0) return null;
      // Later there is no input left that could be cut.
      const direction = cuts % 2 === 0 && cuts > 8 ? "up" : "down";
      return { direction, bytes: 400 + random(direction === "up" ? 60_000 : 200_000) };
    };
    const job = await client(options).start({
      shell: "tee /dev/stderr; exit 5",
      stdin: "open",
    });
    const through = client({ ...options, url: proxy.url, reconnectSeconds: 15 });
    // The first connection may break as well, which is told to the caller.
    const attachment = await until(() =>
      through
        .job(job.id)
        .attach()
        .catch(() => null),
    );
    const input = numbered(3_000_000);
    const fed = new Blob([input]).stream().pipeTo(attachment.stdin);
    const [stdout, stderr] = await within(
      Promise.all([bytesOf(attachment.stdout), bytesOf(attachment.stderr), fed]),
      { timeoutMilliseconds: 40_000 },
    );
    expect([stdout.byteLength, stderr.byteLength]).toEqual([input.byteLength, input.byteLength]);
    expect(Buffer.compare(stdout, input)).toBe(0);
    expect(Buffer.compare(stderr, input)).toBe(0);
    expect(await attachment.ended).toMatchObject({ code: 5 });
    // Mostly twenty; a connection that was to be cut in its input may come when there is none left.
    expect(proxy.cuts).toBeGreaterThan(1);
  }, 60_000);

  test("who does not read holds little, and gets everything later", async () => {
    const size = 64 * 1024 * 1024;
    const job = await client(options).start({ shell: `head -c ${size} /dev/zero; echo over >&2` });
    await job.wait();
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    const attachment = await job.attach();
    const reader = attachment.stdout.getReader();
    let bytes = (await reader.read()).value?.byteLength ?? 0;
    // Whatever would come by itself comes by then: it is the time of many reads.
    await Bun.sleep(300);
    expect(process.memoryUsage.rss() - before).toBeLessThan(32 * 1024 * 1024);
    for (let read = await reader.read(); !read.done; read = await reader.read())
      bytes += read.value.byteLength;
    expect(bytes).toBe(size);
    expect(await textOf(attachment.stderr)).toBe("over\n");
    expect(await attachment.ended).toMatchObject({ code: 0 });
  }, 60_000);

  test("errors have their classes", async () => {
    const missing = await errorOf(client(options).job("1").attach());
    expect(missing).toBeInstanceOf(ErrandError);
    expect(missing).toMatchObject({ code: "not-found", status: 404 });
    const unknown = await errorOf(
      client({ ...options, token: "unknown" })
        .job("1")
        .attach(),
    );
    expect(unknown).toMatchObject({ name: "ErrandError", code: "unauthorized" });
    const nobody = await errorOf(
      client({ ...options, url: "http://127.0.0.1:1" })
        .job("1")
        .attach(),
    );
    expect(nobody).toMatchObject({ name: "ConnectionError" });
  });
});

test("a token goes to the platform's class as a subprotocol, which an open server does not look at", async () => {
  const open = await startServer({ auth: "none" });
  const offered: (readonly string[])[] = [];
  class Observed extends WebSocket {
    constructor(url: string, protocols: string[]) {
      offered.push(protocols);
      super(url, protocols);
    }
  }
  const token = "?~?~>>";
  const job = await new Errand({ url: open.url, token, webSocket: Observed }).start({ shell: "echo out" });
  const attachment = await job.attach();
  expect(await textOf(attachment.stdout)).toBe("out\n");
  expect(await attachment.ended).toMatchObject({ code: 0 });
  expect(offered).toEqual([["errand.v1", "errand.token.P34_fj4-"]]);
  await new Errand({ url: open.url, webSocket: Observed }).job(job.id).attach();
  expect(offered.slice(1)).toEqual([["errand.v1"]]);
});

test("all that is there comes first, or the last picture of it, or nothing", async () => {
  const errand = client();
  const job = await errand.start({ shell: "printf 'one\\ntwo\\n'; cat", tty: { cols: 80, rows: 24 } });
  await until(async () => (await textOf(job.stdout({ follow: false }))).includes("two"));
  const shown: Record<string, string> = {};
  for (const replay of ["all", "screen", "none"] as const) {
    const attachment = await job.attach({ replay });
    const reader = attachment.stdout.getReader();
    const writer = attachment.stdin.getWriter();
    await writer.write(`${replay}\r`);
    let text = "";
    while (!text.includes(`${replay}\r\n${replay}\r\n`))
      text += Buffer.from((await reader.read()).value ?? []);
    shown[replay] = text;
    attachment.detach();
    expect(await attachment.ended).toBeNull();
    expect((await reader.read()).done).toBe(true);
  }
  expect(shown.all).toBe("one\r\ntwo\r\nall\r\nall\r\n");
  // A picture moves the cursor as it likes.
  expect(shown.screen).toMatch(/^one\r\ntwo\r\nall\r\nall.*screen\r\nscreen\r\n$/s);
  expect(shown.none).toBe("none\r\nnone\r\n");
  expect((await job.stop()).outcome).toMatchObject({ reason: "stopped" });
});

test("questions to a terminal are taken out of what is old, and left in what is new", async () => {
  const job = await client().start({
    shell: "stty raw -echo; printf 'old\\033[c.'; read x; printf 'new\\033[c.'",
    tty: { cols: 80, rows: 24 },
  });
  await until(async () => (await textOf(job.stdout({ follow: false }))).includes("old"));
  const attachment = await job.attach({ dropQueries: "replayed" });
  const isLive = new Promise<void>((resolve) => setTimeout(resolve, 0));
  await isLive;
  await attachment.stdin.getWriter().write("\n");
  expect(await textOf(attachment.stdout)).toBe("old.new\u001b[c.");
});

test("a connection that is dead without a word is found out by what is typed", async () => {
  const proxy = await CuttingProxy.start(server.url);
  const job = await client().start({ command: ["cat"], stdin: "open" });
  const events: string[] = [];
  const attachment = await client({ url: proxy.url, silenceSeconds: 8 })
    .job(job.id)
    .attach({
      onEvent: ({ type }) => events.push(type),
    });
  await until(() => events.includes("live"));
  proxy.freezeAll();
  const writer = attachment.stdin.getWriter();
  await writer.write("typed\n");
  const reader = attachment.stdout.getReader();
  const read = await within(reader.read(), { timeoutMilliseconds: 5_000 });
  expect(String(Buffer.from(read.value ?? []))).toBe("typed\n");
  expect(events).toEqual(["live", "cut", "resumed", "live"]);
  await writer.close();
  expect((await reader.read()).done).toBe(true);
});

test("who looks on cannot write", async () => {
  const job = await client().start({ command: ["cat"], stdin: "open" });
  const events: AttachEvent[] = [];
  const attachment = await job.attach({ readOnly: true, onEvent: (event) => events.push(event) });
  const refused = await errorOf(attachment.stdin.getWriter().write("x"));
  expect(refused).toMatchObject({ name: "ErrandError", code: "forbidden" });
  attachment.detach();
  expect((await job.stop()).stdout.bytes).toBe(0);
});

test("a caller's signal, a rival and a server that stays away are told apart", async () => {
  const own = await startServer();
  const errand = new Errand({ url: own.url, token: own.token, reconnectSeconds: 0.5 });
  const job = await errand.start({ command: ["sleep", "600"] });
  const controller = new AbortController();
  const cancelled = await job.attach({ signal: controller.signal });
  controller.abort();
  expect(await errorOf(cancelled.ended)).toBeInstanceOf(Cancelled);
  expect(await errorOf(textOf(cancelled.stdout))).toBeInstanceOf(Cancelled);

  const first = await job.attach();
  const second = await job.attach({ attacher: first.attacher });
  const rival = await errorOf(first.ended);
  expect(rival).toBeInstanceOf(StreamCut);
  expect(rival).toMatchObject({ jobId: job.id, cause: { code: "taken-over" } });

  await own.kill9();
  const cut = await errorOf(second.ended);
  expect(cut).toBeInstanceOf(StreamCut);
  expect(await errorOf(second.stdin.getWriter().write("x"))).toBe(cut);
});

test("a job that waits in a queue is attached to when it starts; one that never runs ends with null", async () => {
  const errand = client();
  const alias = `queue-${crypto.randomUUID()}`;
  const holder = await errand.start({ command: ["sleep", "600"], alias });
  const queued = await errand.start({ shell: "echo ran", alias, aliasPolicy: "queue" });
  const attaching = queued.attach();
  await holder.stop();
  const attachment = await within(attaching);
  expect(await textOf(attachment.stdout)).toBe("ran\n");
  expect(await attachment.ended).toMatchObject({ code: 0 });

  const again = await errand.start({ command: ["sleep", "600"], alias });
  const never = await errand.start({ command: ["/nonexistent"], alias, aliasPolicy: "queue" });
  const failing = never.attach();
  await again.stop();
  const failed = await within(failing);
  expect([await textOf(failed.stdout), await failed.ended, failed.job.state]).toEqual(["", null, "failed"]);
});

// The real server behind a proxy that breaks connections at any byte, in both directions.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Errand } from "../../src/sdk/errand.ts";
import { StreamCut } from "../../src/sdk/errors.ts";
import type { JobEvent } from "../../src/sdk/eventTypes.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until, within } from "../support/wait.ts";
import { randomOf } from "./support/cut-stream.ts";
import { CuttingProxy } from "./support/cutting-proxy.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const timeoutMilliseconds = 18_000;

/** Numbered lines for more than a second on both streams, with characters of several bytes. */
const count = 400;
const script = `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo "$i ä€ of stdout"; echo "$i 😀" >&2; [ $((i % 10)) = 0 ] && sleep 0.03; done; exit 3`;
const numbers = Array.from({ length: count }, (_, index) => index + 1);
const expected = {
  stdout: numbers.map((number) => `${number} ä€ of stdout\n`).join(""),
  stderr: numbers.map((number) => `${number} 😀\n`).join(""),
};

/** 100 streams in all: those of events, and two of raw output each. */
const eventReaders = 60;
const rawReaders = 20;
const jobCount = 4;

/** Jobs that many read at once, each behind a proxy of its own. */
async function startJobs(): Promise<string[]> {
  const direct = new Errand({ url: server.url, token: server.token });
  const jobs = await Promise.all(Array.from({ length: jobCount }, () => direct.start({ shell: script })));
  return jobs.map(({ id }) => id);
}

/** A client behind a proxy; the proxy breaks most connections somewhere in the first bytes. */
async function behindProxy(
  seed: number,
  { up = false, least = 300, bytes = 6_000, reconnectSeconds = 30 } = {},
) {
  const proxy = await CuttingProxy.start(server.url);
  const random = randomOf(seed);
  const errand = new Errand({ url: proxy.url, token: server.token, reconnectSeconds });
  const cutting = () => {
    // On a busy machine much is sent at once: chance alone might leave too little to cut.
    let forced = up ? 2 : 0;
    proxy.nextCut = () => {
      forced -= 1;
      if (forced >= 0) return { direction: "up", bytes: least + random(bytes) };
      if (random(5) === 0) return null;
      return { direction: up && random(2) === 0 ? "up" : "down", bytes: least + random(bytes) };
    };
  };
  return { proxy, errand, cutting };
}

async function all(events: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const found: JobEvent[] = [];
  for await (const event of events) found.push(event);
  return found;
}

test("a wait that is all a program asks for goes on over cuts", async () => {
  const direct = new Errand({ url: server.url, token: server.token });
  const started = await direct.start({ shell: "read -r line; exit 3", stdin: "open" });
  const proxy = await CuttingProxy.start(server.url);
  const asked: string[] = [];
  const errand = new Errand({
    ...{ url: proxy.url, token: server.token },
    fetch(url, init) {
      asked.push(String(url));
      return fetch(url, init);
    },
  });
  const over = errand.job(started.id).wait();
  // Of what it throws before the end the last line tells.
  over.catch(() => {});
  await until(() => asked.some((url) => /wait=[1-9]/.test(url)), { describe: "a question that is held" });
  while (proxy.cuts < 5) {
    await until(() => proxy.open > 0, { describe: "a connection" });
    await Bun.sleep(50);
    proxy.cutAll();
  }
  await started.stdin().close();
  expect(await within(over)).toMatchObject({ state: "ended", outcome: { code: 3 } });
});

describe("no byte is lost or comes twice", () => {
  test("in the events of jobs that run", async () => {
    let cuts = 0;
    const jobs = await startJobs();
    const one = async (seed: number) => {
      const { proxy, errand, cutting } = await behindProxy(seed);
      await errand.info();
      const job = errand.job(jobs[seed % jobCount] ?? "");
      cutting();
      const events = await within(all(job.events()), { timeoutMilliseconds });
      for (const name of ["stdout", "stderr"] as const) {
        const bytes = events.flatMap((event) => (event.type === name ? [event.bytes] : []));
        expect(Buffer.concat(bytes).toString()).toBe(expected[name]);
        expect(events.map((event) => (event.type === name ? event.text : "")).join("")).toBe(expected[name]);
      }
      expect(events.filter(({ type }) => type === "started" || type === "ended")).toHaveLength(2);
      expect(events.at(-1)).toMatchObject({ type: "ended", outcome: { code: 3 } });
      cuts += proxy.cuts;
    };
    await Promise.all(Array.from({ length: eventReaders }, (_, seed) => one(seed)));
    expect(cuts).toBeGreaterThan(2 * eventReaders);
  });

  test("in raw output", async () => {
    let cuts = 0;
    const jobs = await startJobs();
    const one = async (seed: number) => {
      // Behind the bytes the record is asked for: that comes through a new connection, or it would be cut for ever.
      const { proxy, errand, cutting } = await behindProxy(seed, { least: 2_500 });
      await errand.info();
      const job = errand.job(jobs[seed % jobCount] ?? "");
      cutting();
      const texts = [job.stdout(), job.stderr()].map((stream) => new Response(stream).text());
      const [stdout, stderr] = await within(Promise.all(texts), { timeoutMilliseconds });
      expect(stdout).toBe(expected.stdout);
      expect(stderr).toBe(expected.stderr);
      cuts += proxy.cuts;
    };
    await Promise.all(Array.from({ length: rawReaders }, (_, seed) => one(seed)));
    expect(cuts).toBeGreaterThan(2 * rawReaders);
  });

  test("in what a command reads", async () => {
    let cuts = 0;
    const one = async (seed: number) => {
      const { proxy, errand, cutting } = await behindProxy(seed, { up: true, bytes: 8_000 });
      const job = await errand.start({ command: ["cat"], stdin: "open" });
      cutting();
      const random = randomOf(seed + 100);
      const pieces = Array.from({ length: 40 }, () =>
        crypto.getRandomValues(new Uint8Array(1 + random(8_000))),
      );
      const writer = job.stdin().getWriter();
      for (const piece of pieces) {
        await writer.write(piece);
        if (random(3) === 0) await Bun.sleep(10);
      }
      await within(writer.close(), { timeoutMilliseconds });
      proxy.nextCut = null;
      const bytes = await within(new Response(job.stdout()).bytes(), { timeoutMilliseconds });
      expect(Buffer.from(bytes).equals(Buffer.concat(pieces))).toBe(true);
      cuts += proxy.cuts;
    };
    await Promise.all(Array.from({ length: 8 }, (_, seed) => one(seed)));
    expect(cuts).toBeGreaterThan(8);
  });

  test("in a run, which goes on without its connection", async () => {
    const { proxy, errand, cutting } = await behindProxy(7);
    await errand.info();
    proxy.nextCut = () => {
      // The start is answered; then it breaks.
      cutting();
      return { direction: "down", bytes: 2_000 };
    };
    const { stdout, stderr, outcome } = await within(errand.run({ shell: script }, { check: false }), {
      timeoutMilliseconds,
    });
    expect({ stdout, stderr }).toEqual(expected);
    expect(outcome.code).toBe(3);
    expect(proxy.cuts).toBeGreaterThan(0);
  });
});

test("a wait goes on over cuts", async () => {
  const { proxy, errand } = await behindProxy(1);
  const job = await errand.start({ command: ["sleep", "1"] });
  const wait = job.wait();
  for (let turn = 0; turn < 3; turn += 1) {
    await Bun.sleep(150);
    proxy.cutAll();
  }
  expect(await within(wait)).toMatchObject({ state: "ended" });
});

test("a server that does not come back: what has come is told, and the server ends the command", async () => {
  const { proxy, errand } = await behindProxy(1, { reconnectSeconds: 1 });
  const name = crypto.randomUUID();
  const direct = new Errand({ url: server.url, token: server.token });
  await errand.info();
  const run = errand
    .run({ shell: "echo first; sleep 600", labels: { name } })
    .catch((cause: unknown) => cause);
  await until(async () => {
    for await (const job of direct.list({ label: `name=${name}` }))
      return (await new Response(direct.job(job.id).stdout({ follow: false })).text()) === "first\n";
    return false;
  });
  await Bun.sleep(100);
  await proxy.stop();
  const error = await within(run);
  expect(error).toBeInstanceOf(StreamCut);
  expect(error).toMatchObject({ partial: { stdout: "first\n" }, received: { stdoutOffset: 6 } });
  for await (const job of direct.list({ label: `name=${name}` })) {
    expect(await direct.job(job.id).wait({ seconds: 10 })).toMatchObject({
      outcome: { reason: "disconnected" },
    });
  }
});

test("a server that is killed and comes back: the job is lost, and that is told", async () => {
  const first = await startServer();
  const errand = new Errand({ url: first.url, token: first.token, reconnectSeconds: 15 });
  const job = await errand.start({ shell: "echo before; sleep 600", survive: false });
  const events: JobEvent[] = [];
  const reading = (async () => {
    for await (const event of job.events()) events.push(event);
  })();
  await until(() => events.some(({ type }) => type === "stdout"));
  first.process.kill("SIGKILL");
  await first.process.exited;
  const { port } = new URL(first.url);
  await startServer({ dataDir: first.dataDir, listen: [`127.0.0.1:${port}`] });
  await within(reading, { timeoutMilliseconds });
  expect(events.at(-1)).toMatchObject({ type: "ended", outcome: { reason: "lost", success: false } });
  expect(events.filter(({ type }) => type === "stdout")).toHaveLength(1);
});

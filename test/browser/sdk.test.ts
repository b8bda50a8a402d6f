// The package in a real browser: runs, starts, events and output over cuts, the ends of calls, and errors.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { numbered } from "../conformance/bytes.ts";
import { CuttingProxy } from "../sdk/support/cutting-proxy.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { startChromium, withoutBrowser } from "./support/chromium.ts";
import { buildSdk, openPage, type PageGlobals, type PageOptions, servePages } from "./support/page.ts";

declare const { sdk, errand }: PageGlobals;

let server: Server;
let browser: Browser;
let pages: string;
let page: Page;
beforeAll(async () => {
  if (withoutBrowser !== undefined) return;
  const [started, chromium, folder] = await Promise.all([startServer(), startChromium(), buildSdk()]);
  [server, browser, pages] = [started, chromium, servePages(folder)];
  page = await open(server.url);
}, 60_000);
afterAll(endEverything);

/** A page of that origin, which is the server's or a proxy's in front of it. */
function open(origin: string, more: Partial<PageOptions> = {}): Promise<Page> {
  return openPage(browser, { pages, address: `${origin}/healthz`, token: server.token, ...more });
}

describe.skipIf(withoutBrowser !== undefined)(`a page of the server's origin${withoutBrowser ?? ""}`, () => {
  test("runs a command: exact bytes, both outputs and the end", async () => {
    const result = await page.evaluate(async () => {
      const { stdout, stderr, stdoutBytes, outcome } = await errand.run([
        "sh",
        "-c",
        "printf 'ä\\377'; printf err >&2",
      ]);
      return { stdout, stderr, bytes: [...stdoutBytes], outcome };
    });
    expect(result).toMatchObject({ stdout: "ä\ufffd", stderr: "err", bytes: [0xc3, 0xa4, 0xff] });
    expect(result.outcome).toMatchObject({ reason: "exited", code: 0, success: true });
  });

  test("starts a job, follows its events, and writes what it reads", async () => {
    const seen = await page.evaluate(async () => {
      const job = await errand.start({ shell: "echo ready; cat; echo bad >&2; exit 3", stdin: "open" });
      const told: string[] = [];
      let text = "";
      for await (const event of job.events()) {
        told.push(event.type);
        if (event.type === "stdout") text += event.text;
        if (event.type === "stdout" && text === "ready\n") {
          const writer = job.stdin().getWriter();
          await writer.write("from the page\n");
          await writer.close();
        }
        if (event.type === "ended") return { told, text, outcome: event.outcome, id: job.id };
      }
      throw new Error("no end");
    });
    expect(seen).toMatchObject({ text: "ready\nfrom the page\n", outcome: { code: 3, success: false } });
    expect([seen.told[0], seen.told.at(-1)]).toEqual(["started", "ended"]);
    const record = await (await server.request(`/v1/jobs/${seen.id}`)).json();
    expect(record).toMatchObject({ state: "ended", stderrTail: "bad\n" });
  });

  test("ends a call by a signal: a run stops its command, events leave the job alone", async () => {
    const told = await page.evaluate(async () => {
      const controller = new AbortController();
      const job = await errand.start({ command: ["sleep", "600"] });
      const reading = (async () => {
        for await (const _ of job.events({ signal: controller.signal }));
      })();
      const run = errand.run(["sleep", "601"], { signal: controller.signal });
      const ends = [reading, run].map((call) =>
        call.then(
          () => "no error",
          (error: Error) => [error instanceof sdk.Cancelled, error.name, String(error.cause)].join(),
        ),
      );
      while ((await Array.fromAsync(errand.list({ state: "running" }))).length < 2);
      controller.abort("by the page");
      return { ends: await Promise.all(ends), id: job.id };
    });
    expect(told.ends).toEqual(Array(2).fill("true,Cancelled,by the page"));
    const running = async () => {
      const answer = await (await server.request("/v1/jobs?state=running")).json();
      return (answer as { jobs: { id: string }[] }).jobs.map(({ id }) => id);
    };
    await until(async () => (await running()).length === 1, { describe: "the end of the run's command" });
    expect(await running()).toEqual([told.id]);
    await server.request(`/v1/jobs/${told.id}/stop`, { method: "POST" });
  });

  test("is told errors by their classes, with the result", async () => {
    const told = await page.evaluate(async (origin) => {
      const errorOf = (call: Promise<unknown>) =>
        call.then(
          () => {
            throw new Error("there was no error");
          },
          (error: unknown) => error,
        );
      const failed = await errorOf(errand.run(["sh", "-c", "echo out; echo bad >&2; exit 3"]));
      if (!(failed instanceof sdk.CommandFailed)) throw failed;
      const { stdout, stderr, outcome } = failed.result;
      const never = await errorOf(errand.run(["/not/there"]));
      const stranger = new sdk.Errand({ url: origin, token: "unknown" });
      const refusals = [never, await errorOf(stranger.info()), await errorOf(errand.job("1").get())].map(
        (error) => (error instanceof sdk.ErrandError ? [error.code, error.status] : String(error)),
      );
      return { stdout, stderr, outcome, refusals };
    }, server.url);
    expect(told).toMatchObject({ stdout: "out\n", stderr: "bad\n", outcome: { reason: "exited", code: 3 } });
    expect(told.refusals).toEqual([
      ["start-failed", 422],
      ["unauthorized", 401],
      ["not-found", 404],
    ]);
  });
});

describe.skipIf(withoutBrowser !== undefined)(`over a connection that breaks${withoutBrowser ?? ""}`, () => {
  test("events and output go on at the byte, and come to their end", async () => {
    const proxy = await CuttingProxy.start(server.url);
    const own = await open(proxy.url);
    const bytes = 2_000_000;
    const id = await own.evaluate(async (count) => {
      const job = await errand.start({ shell: `seq -f %015.0f 0 1000000 | head -c ${count}; exit 5` });
      return job.id;
    }, bytes);
    let cuts = 6;
    proxy.nextCut = () => {
      cuts -= 1;
      return cuts < 0 ? null : { direction: "down", bytes: 1_000 + cuts * 60_000 };
    };
    const seen = await own.evaluate(async (jobId) => {
      const digest = async (stream: Blob) =>
        new Uint8Array(await crypto.subtle.digest("SHA-256", await stream.arrayBuffer())).toHex();
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      let code: number | null | undefined;
      for await (const event of errand.job(jobId).events()) {
        if (event.type === "stdout") pieces.push(event.bytes);
        if (event.type === "ended") code = event.outcome?.code;
      }
      const output = await new Response(errand.job(jobId).stdout()).blob();
      return { code, events: await digest(new Blob(pieces)), output: await digest(output) };
    }, id);
    const whole = createHash("sha256").update(numbered(bytes)).digest("hex");
    expect(seen).toEqual({ code: 5, events: whole, output: whole });
    expect(proxy.cuts).toBeGreaterThan(3);
    await own.context().close();
  });

  test("what is cut for good is an error that holds what came, and no success", async () => {
    const proxy = await CuttingProxy.start(server.url);
    const own = await open(proxy.url, { reconnectSeconds: 0.3 });
    const running = own.evaluate(async () => {
      const job = await errand.start({ shell: "echo first; sleep 600" });
      try {
        for await (const event of job.events())
          if (event.type === "stdout") Object.assign(globalThis, { seen: event.text });
      } catch (error) {
        if (!(error instanceof sdk.StreamCut)) throw error;
        return { id: job.id, jobId: error.jobId, offset: error.received.stdoutOffset };
      }
      throw new Error("the cut was no error");
    });
    await own.waitForFunction(() => Reflect.get(globalThis, "seen") === "first\n");
    await proxy.stop();
    const { id, ...told } = await running;
    expect(told).toEqual({ jobId: id, offset: 6 });
    expect((await server.request(`/v1/jobs/${id}/stop`, { method: "POST" })).status).toBe(200);
    await own.context().close();
  });
});

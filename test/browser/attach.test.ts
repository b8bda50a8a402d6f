// `job.attach()` in a real browser, whose WebSockets can send no headers and cannot wait: tokens, terminals, cuts, slow readers.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import type { AttachEvent } from "../../src/sdk/attachTypes.ts";
import type { AttachOptions } from "../../src/sdk/options.ts";
import { startJob } from "../contract/support/v1-start.ts";
import { CuttingProxy } from "../sdk/support/cutting-proxy.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { makeToken } from "../support/tokens.ts";
import { until } from "../support/wait.ts";
import { startChromium, withoutBrowser } from "./support/chromium.ts";
import { buildSdk, openPage, type PageGlobals, type PageOptions, servePages } from "./support/page.ts";

declare const { sdk, errand }: PageGlobals;
/** What a test puts there. */
declare const cut: () => Promise<void>;

let server: Server;
let browser: Browser;
/** Of a page that the operator has let in, and of one that nobody has. */
let allowed: string;
let foreign: string;
beforeAll(async () => {
  if (withoutBrowser !== undefined) return;
  const folder = await buildSdk();
  [allowed, foreign] = [servePages(folder), servePages(folder)];
  const config = `[server]\norigins = ["${allowed}"]\n`;
  [server, browser] = await Promise.all([startServer({ config }), startChromium()]);
}, 60_000);
afterAll(endEverything);

/** A page of the origin of the server, or of a proxy in front of it. */
function open({ url = server.url, ...options }: Partial<PageOptions> = {}): Promise<Page> {
  const address = `${url}/healthz`;
  return openPage(browser, { pages: allowed, address, url, token: server.token, ...options });
}

/** How an attempt to attach goes in a page: the first output, or the error. */
function firstOutput(page: Page, id: string, options: AttachOptions = {}): Promise<string> {
  return page.evaluate(
    async ([jobId, given]) => {
      try {
        const attachment = await errand.job(jobId).attach(given);
        const { value } = await attachment.stdout.getReader().read();
        attachment.detach();
        return new TextDecoder().decode(value);
      } catch (error) {
        return error instanceof sdk.ErrandError ? `${error.code} ${error.status}` : String(error);
      }
    },
    [id, options] as const,
  );
}

const tests = describe.skipIf(withoutBrowser !== undefined);
const title = (text: string) => `${text}${withoutBrowser ?? ""}`;

tests(title("a page with a token"), () => {
  test("types into a command, ends its input and sees how it ends", async () => {
    const page = await open();
    const seen = await page.evaluate(async () => {
      const job = await errand.start({ shell: "cat; echo bad >&2; exit 3", stdin: "open" });
      const attachment = await job.attach();
      const writer = attachment.stdin.getWriter();
      await writer.write("typed ");
      await writer.write(Uint8Array.of(0, 255, 10));
      await writer.close();
      const stdout = [...(await new Response(attachment.stdout).bytes())];
      const stderr = await new Response(attachment.stderr).text();
      return { stdout, stderr, outcome: await attachment.ended };
    });
    expect(seen).toMatchObject({ stdout: [...Buffer.from("typed "), 0, 255, 10], stderr: "bad\n" });
    expect(seen.outcome).toMatchObject({ reason: "exited", code: 3, success: false });
    await page.context().close();
  });

  test("types at a terminal, gives it another size and signals its job", async () => {
    const page = await open();
    const seen = await page.evaluate(async () => {
      const shell =
        "trap 'stty size; exit 4' INT; read line; echo \"got $line\"; while :; do sleep 0.05; done";
      const job = await errand.start({ shell, tty: { cols: 91, rows: 17 } });
      const events: AttachEvent[] = [];
      const attachment = await job.attach({
        size: { cols: 92, rows: 18 },
        onEvent: (one) => events.push(one),
      });
      await attachment.stdin.getWriter().write("hello\r");
      let text = "";
      for await (const bytes of attachment.stdout) {
        text += new TextDecoder().decode(bytes);
        if (!text.endsWith("got hello\r\n")) continue;
        attachment.resize({ cols: 123, rows: 45 });
        attachment.signal("SIGINT");
      }
      return { text, events, outcome: await attachment.ended };
    });
    expect(seen.text).toEndWith("hello\r\ngot hello\r\n45 123\r\n");
    for (const size of [
      { cols: 92, rows: 18 },
      { cols: 123, rows: 45 },
    ])
      expect(seen.events).toContainEqual({ type: "resize", ...size });
    expect(seen.outcome).toMatchObject({ code: 4 });
    await page.context().close();
  });

  test("that is not good, or not good enough, is told so", async () => {
    const { id } = await startJob(server, { shell: "echo out; sleep 600" });
    const stranger = await open({ token: "unknown" });
    expect(await firstOutput(stranger, id)).toBe("unauthorized 401");
    await stranger.context().close();
    const { secret } = await makeToken(server, ["read"]);
    const reader = await open({ token: secret });
    expect(await firstOutput(reader, id)).toBe("forbidden 403");
    expect(await firstOutput(reader, id, { readOnly: true })).toBe("out\n");
    expect(await firstOutput(reader, "1", { readOnly: true })).toBe("not-found 404");
    await reader.context().close();
  });

  test("attaches where somebody has signed in with the same token; with another one it is refused", async () => {
    const { id } = await startJob(server, { shell: "echo out; sleep 600" });
    const { secret } = await makeToken(server, ["admin"]);
    const seen: string[] = [];
    for (const token of [server.token, secret]) {
      const httpCredentials = { username: "somebody", password: server.token };
      const page = await open({ token, httpCredentials, visitFirst: `${server.url}/docs` });
      seen.push(await firstOutput(page, id));
      await page.context().close();
    }
    expect(seen).toEqual(["out\n", "ConnectionError: no WebSocket was opened"]);
  });
});

tests(title("over a connection that breaks"), () => {
  test("what is typed and what is written come once each", async () => {
    const proxy = await CuttingProxy.start(server.url);
    const page = await open({ url: proxy.url });
    const id = await page.evaluate(
      async () => (await errand.start({ shell: "tee /dev/stderr; exit 5", stdin: "open" })).id,
    );
    let cuts = 8;
    proxy.nextCut = () => {
      cuts -= 1;
      if (cuts < 0) return null;
      // Later there is no input left that could be cut.
      const direction = cuts % 2 === 0 && cuts > 3 ? "up" : "down";
      return { direction, bytes: 1_000 + cuts * (direction === "up" ? 8_000 : 30_000) };
    };
    const seen = await page.evaluate(async (jobId) => {
      const events: string[] = [];
      const attach = async () => {
        // The first connection may break as well, which is told to the caller.
        for (;;) {
          const found = await errand
            .job(jobId)
            .attach({ onEvent: ({ type }) => events.push(type) })
            .catch(() => null);
          if (found !== null) return found;
        }
      };
      const attachment = await attach();
      const lines = Array.from({ length: 65_536 }, (_, index) => `${String(index).padStart(15, "0")}\n`);
      const input = new Blob(lines);
      const fed = input.stream().pipeTo(attachment.stdin);
      const [stdout, stderr, expected] = await Promise.all([
        new Response(attachment.stdout).text(),
        new Response(attachment.stderr).text(),
        input.text(),
        fed,
      ]);
      const outcome = await attachment.ended;
      return { code: outcome?.code, events, same: [stdout === expected, stderr === expected] };
    }, id);
    expect(seen).toMatchObject({ code: 5, same: [true, true] });
    expect(proxy.cuts).toBeGreaterThan(3);
    expect(seen.events.filter((type) => type === "resumed").length).toBeGreaterThan(2);
    await page.context().close();
  });

  test("a terminal goes on where it was, with its size", async () => {
    const proxy = await CuttingProxy.start(server.url);
    const page = await open({ url: proxy.url });
    await page.exposeFunction("cut", () => proxy.cutAll());
    const { id } = await startJob(server, {
      shell: "stty -echo; echo ready; while read line; do stty size; echo $line; done",
      tty: { cols: 80, rows: 24 },
    });
    const text = await page.evaluate(async (jobId) => {
      const attachment = await errand.job(jobId).attach({ size: { cols: 100, rows: 30 } });
      const writer = attachment.stdin.getWriter();
      const reader = attachment.stdout.getReader();
      let seen = "";
      const until = async (end: string) => {
        while (!seen.endsWith(end)) seen += new TextDecoder().decode((await reader.read()).value);
      };
      await until("ready\r\n");
      for (const line of ["one", "two", "three"]) {
        await cut();
        await writer.write(`${line}\r`);
        await until(`${line}\r\n`);
      }
      await writer.write("\u0004");
      await attachment.ended;
      return seen;
    }, id);
    expect(text).toBe("ready\r\n30 100\r\none\r\n30 100\r\ntwo\r\n30 100\r\nthree\r\n");
    expect(proxy.cuts).toBeGreaterThanOrEqual(3);
    await page.context().close();
  });
});

tests(title("a page that does not read"), () => {
  test("holds little, is closed and gets everything later", async () => {
    const size = 32 * 1024 * 1024;
    const page = await open();
    const { id } = await startJob(server, { shell: `head -c ${size} /dev/zero; echo over >&2` });
    await (await server.request(`/v1/jobs/${id}?wait=20`)).text();
    const seen = await page.evaluate(async (jobId) => {
      let held = 0;
      let isClosed = () => {};
      const firstClosed = new Promise<void>((resolve) => {
        isClosed = resolve;
      });
      // What comes after the SDK has closed it is thrown away.
      class Counted extends WebSocket {
        constructor(url: string, protocols: string[]) {
          super(url, protocols);
          this.addEventListener("message", ({ data }) => {
            if (this.readyState === WebSocket.OPEN) held += (data as ArrayBuffer).byteLength;
          });
          this.addEventListener("close", isClosed);
        }
      }
      globalThis.WebSocket = Counted as typeof WebSocket;
      const told: string[] = [];
      const attachment = await errand.job(jobId).attach({ onEvent: ({ type }) => told.push(type) });
      const reader = attachment.stdout.getReader();
      let bytes = (await reader.read()).value?.byteLength ?? 0;
      await firstClosed;
      const most = held;
      for (let read = await reader.read(); !read.done; read = await reader.read())
        bytes += read.value.byteLength;
      const [outcome, stderr] = [await attachment.ended, await new Response(attachment.stderr).text()];
      return { most, end: { bytes, stderr, code: outcome?.code, isResumed: told.includes("resumed") } };
    }, id);
    // The SDK's 4 MiB, what the stream holds, and a frame.
    expect(seen.most).toBeGreaterThan(4 * 1024 * 1024);
    expect(seen.most).toBeLessThan(5 * 1024 * 1024);
    expect(seen.end).toEqual({ bytes: size, stderr: "over\n", code: 0, isResumed: true });
    await page.context().close();
  });
});

tests(title("a page of another origin"), () => {
  test("attaches where the operator has let it in, although it can ask nothing else", async () => {
    const { id } = await startJob(server, { shell: "echo out; sleep 600" });
    const page = await open({ address: allowed, reconnectSeconds: 0 });
    expect(await firstOutput(page, id)).toBe("out\n");
    expect(await page.evaluate(() => errand.info().catch(({ name }: Error) => name))).toBe("ConnectionError");
    await page.context().close();
  });

  test("is refused by the server, whatever its token", async () => {
    const { id } = await startJob(server, { shell: "echo out; sleep 600" });
    const refusals = () => server.logLines().filter(({ code }) => code === "forbidden").length;
    const page = await open({ address: foreign });
    const before = refusals();
    expect(await firstOutput(page, id)).toBe("ConnectionError: no WebSocket was opened");
    await until(() => refusals() > before, { describe: "the refusal in the log" });
    await page.goto(`${foreign}/sandboxed`);
    const betweenThem = refusals();
    const address = `${server.url.replace("http", "ws")}/v1/jobs/${id}/attach`;
    const protocols = ["errand.v1", `errand.token.${Buffer.from(server.token).toString("base64url")}`];
    const closed = await page.evaluate(
      ([url, offered]) =>
        new Promise<string>((resolve) => {
          const socket = new WebSocket(url, [...offered]);
          socket.onopen = () => resolve("opened");
          socket.onclose = () => resolve("closed");
        }),
      [address, protocols] as const,
    );
    expect(closed).toBe("closed");
    await until(() => refusals() > betweenThem, { describe: "the refusal of the Origin null in the log" });
    await page.context().close();
  });
});

import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { Errand } from "../../../src/sdk/errand.ts";
import { atEnd, temporaryDirectory } from "../../support/cleanup.ts";
import { command } from "../../support/command.ts";
import { projectRoot } from "../../support/server.ts";

const buildMilliseconds = 60_000;

/** What a page has as globals; a test file says `declare const` for those that it uses. */
export interface PageGlobals {
  readonly sdk: typeof import("../../../src/sdk/index.ts");
  readonly errand: Errand;
}

/** Builds the package as a user gets it; the folder of its files. */
export async function buildSdk(): Promise<string> {
  const dist = temporaryDirectory("sdk-dist");
  const built = await command(["sh", "scripts/bun", "scripts/build-sdk.ts", dist], {
    cwd: projectRoot,
    timeoutMilliseconds: buildMilliseconds,
  });
  if (built.code !== 0) throw new Error(`the package cannot be built: ${built.stdout}${built.stderr}`);
  return join(dist, "sdk");
}

/**
 * Serves the files of that folder to pages of any origin, an empty page, and one whose origin is `null`. Gives its own
 * origin. Browsers treat a page that a test has made up as one of another network, which may not reach loopback.
 */
export function servePages(folder: string): string {
  const page = (headers: Readonly<Record<string, string>> = {}) =>
    new Response("<!doctype html><title>a page</title>", {
      headers: { "content-type": "text/html", ...headers },
    });
  const script = (name: string) => {
    const headers = { "access-control-allow-origin": "*", "content-type": "text/javascript" };
    return new Response(Bun.file(join(folder, name)), { headers });
  };
  const names = readdirSync(folder).filter((name) => name.endsWith(".js"));
  const pages = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    routes: {
      "/": () => page(),
      "/sandboxed": () => page({ "content-security-policy": "sandbox allow-scripts" }),
      ...Object.fromEntries(names.map((name) => [`/${name}`, () => script(name)])),
    },
    // Browsers ask for an icon by themselves.
    fetch: () => new Response(null, { status: 404 }),
  });
  atEnd(() => pages.stop(true));
  return pages.url.origin;
}

export interface PageOptions extends BrowserContextOptions {
  /** Where `servePages` has the package. */
  readonly pages: string;
  /** A page of the server's origin, which serves none for programs: a public one will do. */
  readonly address: string;
  /** The server that its client asks; the page's own origin without it. */
  readonly url?: string;
  readonly token?: string;
  readonly reconnectSeconds?: number;
  /** A page of the same browser profile that is opened first. */
  readonly visitFirst?: string;
}

/** A page, alone in its browser profile, with the SDK and a client as globals. */
export async function openPage(
  browser: Browser,
  { pages, address, url, token, reconnectSeconds, visitFirst, ...more }: PageOptions,
): Promise<Page> {
  const context = await browser.newContext(more);
  const page = await context.newPage();
  if (visitFirst !== undefined) await page.goto(visitFirst);
  await page.goto(address);
  await page.evaluate(
    async ([module, client]) => {
      const loaded: PageGlobals["sdk"] = await import(module);
      Object.assign(globalThis, { sdk: loaded, errand: new loaded.Errand(client) });
    },
    [`${pages}/index.js`, { url: url ?? new URL(address).origin, token, reconnectSeconds }] as const,
  );
  return page;
}

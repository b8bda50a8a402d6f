// `/docs` in a real browser: somebody signs in and reads every call, without a word to anybody but the server.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { startChromium, withoutBrowser } from "./support/chromium.ts";

let server: Server;
let browser: Browser;
beforeAll(async () => {
  if (withoutBrowser !== undefined) return;
  [server, browser] = await Promise.all([startServer(), startChromium()]);
}, 60_000);
afterAll(endEverything);

describe.skipIf(withoutBrowser !== undefined)(`the page of the API${withoutBrowser ?? ""}`, () => {
  test("shows every call and every schema, with links that lead there", async () => {
    const context = await browser.newContext({
      httpCredentials: { username: "somebody", password: server.token },
    });
    const page = await context.newPage();
    const asked: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => complaints.push(String(error)));
    expect((await page.goto(`${server.url}/docs`))?.status()).toBe(200);
    await page.waitForSelector("section");
    const document = await (await server.request("/openapi.json")).json();
    const { paths, components } = document as {
      paths: Record<string, Record<string, unknown>>;
      components: { schemas: Record<string, unknown> };
    };
    const calls = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method}-${path}`),
    );
    expect(calls.length).toBeGreaterThan(10);
    const schemas = Object.keys(components.schemas).map((name) => `schema-${name}`);
    const shown = await page.locator("section").evaluateAll((sections) => sections.map(({ id }) => id));
    expect(shown.toSorted()).toEqual([...calls, ...schemas].toSorted());
    expect(await page.locator("section h3").first().isVisible()).toBe(true);
    const links = page.locator("nav a");
    expect(await links.count()).toBe(calls.length);
    const last = (await links.last().getAttribute("href")) ?? "";
    await links.last().click();
    expect(await page.locator(":target").getAttribute("id")).toBe(last.slice(1));
    // Its style is let through by the policy, as its script is.
    const colour = await page.evaluate("getComputedStyle(document.querySelector(':target')).backgroundColor");
    expect(colour).toMatch(/^rgba\(136, 136, 136/);
    expect(complaints).toEqual([]);
    expect(asked.filter((url) => new URL(url).origin !== server.url)).toEqual([]);
    expect(asked).toContain(`${server.url}/openapi.json`);
    await context.close();
  });

  test("is not shown to who has not signed in", async () => {
    const context = await browser.newContext({
      httpCredentials: { username: "somebody", password: "guess" },
    });
    const page = await context.newPage();
    expect((await page.goto(`${server.url}/docs`))?.status()).toBe(401);
    await context.close();
  });
});

// Contract v1, `/docs`: a page that shows what /openapi.json says, and needs nothing from elsewhere.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { makeToken } from "../support/tokens.ts";
import { within } from "../support/wait.ts";
import { type FakeElement, fakeDocument } from "./support/fake-document.ts";

let server: Server;
let page: string;
let headers: Headers;
beforeAll(async () => {
  server = await startServer();
  const response = await server.request("/docs");
  expect(response.status).toBe(200);
  headers = response.headers;
  page = await response.text();
});
afterAll(endEverything);

const between = (open: RegExp, close: string) => {
  const start = open.exec(page);
  const from = (start?.index ?? 0) + (start?.[0].length ?? 0);
  return page.slice(from, page.indexOf(close, from));
};
const scriptOf = () => between(/<script type="module">/, "</script>");
const styleOf = () => between(/<style>/, "</style>");

describe("the page", () => {
  test("needs a credential as everything else does, and says so to a browser", async () => {
    const refused = await server.request("/docs", { credential: false });
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([
      401,
      expect.stringContaining("Basic"),
    ]);
    await refused.text();
    for (const scope of ["read", "run"]) {
      const { secret } = await makeToken(server, [scope]);
      expect((await server.request("/docs", { credential: secret })).status).toBe(200);
    }
  });

  test("is HTML that no other site may show, and that nobody keeps", () => {
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    });
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  });

  test("allows its own script and style by their digests, and nothing else", () => {
    const digest = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    const policy = new Map(
      (headers.get("content-security-policy") ?? "").split("; ").map((directive): [string, string] => {
        const [name = "", ...values] = directive.split(" ");
        return [name, values.join(" ")];
      }),
    );
    expect(Object.fromEntries(policy)).toEqual({
      "default-src": "'none'",
      "script-src": digest(scriptOf()),
      "style-src": digest(styleOf()),
      "connect-src": "'self'",
      "base-uri": "'none'",
      "form-action": "'none'",
      "frame-ancestors": "'none'",
    });
  });

  test("asks nobody but this server", () => {
    expect(page).not.toMatch(/\b(?:https?:)?\/\/[\w-]+\.\w/);
    expect(page).not.toMatch(
      /<(?:link|img|iframe|object|embed|base)\b|\bsrc\s*=|@import|url\(|\bimport\s*\(/i,
    );
    expect(page).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|\son\w+\s*=\s*"/,
    );
    expect([...page.matchAll(/fetch\(([^)]*)\)/g)].map(([, what]) => what)).toEqual(['"/openapi.json"']);
  });

  test("takes GET and HEAD alone, and no longer path is it", async () => {
    const head = await server.request("/docs", { method: "HEAD" });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, String(Buffer.byteLength(page))]);
    const post = await server.request("/docs", { method: "POST" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET"]);
    expect((await server.request("/docs/")).status).toBe(501);
  });
});

/** Runs the page's script over a document that only remembers. */
async function shown(answer: () => Promise<Response>): Promise<FakeElement> {
  const { document, main } = fakeDocument();
  const body = `return (async () => {${scriptOf()}})();`;
  const run = new Function("document", "fetch", body) as (...given: unknown[]) => Promise<void>;
  const fetched = (path: string) => (path === "/openapi.json" ? answer() : Promise.reject(new Error(path)));
  await within(run(document, fetched));
  return main;
}

interface Described {
  paths: Record<
    string,
    Record<string, { summary: string; parameters?: { name: string }[]; responses: object }>
  >;
  components: { schemas: Record<string, { properties?: object }> };
}

describe("its script", () => {
  test("shows every call with its parameters and answers, and every schema with its fields", async () => {
    const main = await shown(() => server.request("/openapi.json"));
    const { paths, components } = (await (await server.request("/openapi.json")).json()) as Described;
    const calls = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ path, method, ...operation })),
    );
    expect(calls.length).toBeGreaterThan(10);
    for (const { path, method, summary, parameters = [], responses } of calls) {
      const text = main.byId(`${method}-${path}`)?.text() ?? "";
      expect(text).toContain(`${method.toUpperCase()} ${path}`);
      expect(text).toContain(summary);
      for (const { name } of parameters) expect(text).toContain(name);
      for (const status of Object.keys(responses)) expect(text).toContain(status);
    }
    for (const [name, { properties = {} }] of Object.entries(components.schemas)) {
      const text = main.byId(`schema-${name}`)?.text() ?? "";
      expect(text).toStartWith(name);
      for (const field of Object.keys(properties)) expect(text).toContain(field);
    }
  });

  test("has no link that leads nowhere", async () => {
    const main = await shown(() => server.request("/openapi.json"));
    const links = main.all("a").map(({ attributes }) => attributes.get("href") ?? "");
    expect(links).not.toBeEmpty();
    for (const link of links) expect([link, main.byId(link.slice(1))]).toEqual([link, expect.anything()]);
  });

  test("says what is wrong when the description cannot be read", async () => {
    const main = await shown(async () => new Response("no", { status: 503 }));
    expect(main.text()).toContain("503");
  });
});

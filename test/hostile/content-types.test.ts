// What a form or a script of another page can send must start nothing: type × Origin × Sec-Fetch-Site, and methods.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { bytesOf, credentialLine, type HeaderLines, hostLine, sendBytes } from "./support/bytes.ts";
import { Trap } from "./support/trap.ts";

const page = "https://console.example";
const json = [
  "application/json",
  "application/json; charset=utf-8",
  "APPLICATION/JSON",
  "application/json ;x",
];
const form = ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=UTF-8"];
const others = [
  "text/plain",
  "text/plain; application/json",
  "text/json",
  "multipart/form-data; boundary=application/json",
  "application/xml",
  "application/jsonp",
  "application/json+x",
  "application/json, text/plain",
  "*/*",
  "x",
  "",
];

let server: Server;
let trap: Trap;
beforeAll(async () => {
  server = await startServer({ config: `[server]\norigins = ["${page}"]\n` });
  trap = new Trap(server);
});
afterAll(endEverything);

async function post(body: string, more: HeaderLines): Promise<number> {
  const length = ["Content-Length", String(Buffer.byteLength(body))] as const;
  const headers = [hostLine(server), credentialLine(server), length, ...more];
  return (await sendBytes(server, bytesOf({ headers, body }))).status;
}

const origins = [undefined, page, "https://evil.example", "null"];
const sites = [undefined, "cross-site"];
const types = [undefined, ...json, ...form, ...others];

/** The rule of the contract, told once more. */
function isAllowed(type: string | undefined, origin: string | undefined, site: string | undefined): boolean {
  if (site === "cross-site") return false;
  if (origin === page) return type !== undefined && json.includes(type);
  return origin === undefined && (type === undefined || json.includes(type) || form.includes(type));
}

describe(`of ${types.length} types POST /process takes`, () => {
  for (const origin of origins) {
    for (const site of sites) {
      test(`those of the contract with Origin ${origin} and Sec-Fetch-Site ${site}`, async () => {
        const cells: [string | undefined, number][] = [];
        for (const type of types) {
          const lines: [string, string][] = [];
          if (type !== undefined) lines.push(["Content-Type", type]);
          if (origin !== undefined) lines.push(["Origin", origin]);
          if (site !== undefined) lines.push(["Sec-Fetch-Site", site]);
          // What is allowed gets as far as the body, which is no job: nothing needs to run here.
          const body = isAllowed(type, origin, site) ? "{}" : trap.body();
          cells.push([type, await post(body, lines)]);
        }
        const expected = types.map((type) => [type, isAllowed(type, origin, site) ? 500 : 403]);
        expect(cells).toEqual(expected as [string | undefined, number][]);
      });
    }
  }

  test("nothing ran for those that are refused", () => trap.expectNothingRan());
});

describe("Sec-Fetch-Site: cross-site is refused on every path", () => {
  test.each([
    ["GET", "/v1/jobs"],
    ["POST", "/v1/jobs"],
    ["GET", "/v1/jobs/1/stdout"],
    ["DELETE", "/v1/jobs/1"],
    ["POST", "/v1/jobs/1/stop"],
    ["GET", "/openapi.json"],
    ["GET", "/process"],
    ["POST", "/shell"],
    ["GET", "/nope"],
  ])("%s %s", async (method, target) => {
    const headers: HeaderLines = [hostLine(server), credentialLine(server), ["Sec-Fetch-Site", "cross-site"]];
    expect((await sendBytes(server, bytesOf({ method, target, headers }))).status).toBe(403);
  });
});

describe("no other method than POST starts a command:", () => {
  const methods = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "SEARCH", "PROPFIND"];
  test.each(methods)("%s", async (method) => {
    const own = new Trap(server);
    const body = own.body();
    const spec = new URLSearchParams({ alias: "x", cmd: "true", spec: body });
    for (const target of ["/process", `/process?${spec}`, "/process?_method=POST"]) {
      for (const sent of ["", body]) {
        const headers: HeaderLines = [
          hostLine(server),
          credentialLine(server),
          ["Content-Type", "application/json"],
          ["Content-Length", String(sent.length)],
          ["X-HTTP-Method-Override", "POST"],
        ];
        // An answer to HEAD announces a length without sending it, so only the head is looked at.
        const bytes = bytesOf({ method, target, headers: [...headers, ["Connection", "close"]], body: sent });
        const { status, body: said } = await sendBytes(server, bytes);
        expect([target, status]).toEqual([target, 501]);
        if (method !== "HEAD") expect(said.toString()).toBe("Invalid path.");
      }
    }
    await own.expectNothingRan();
  });
});

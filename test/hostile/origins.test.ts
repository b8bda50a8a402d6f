// Pages of other sites: the Origin must be one of the list or the server's own, to the letter.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startJob } from "../contract/support/v1-start.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import {
  bodyLines,
  bytesOf,
  credentialLine,
  type HeaderLines,
  hostLine,
  sendBytes,
  sendUntilHead,
  statusesIn,
} from "./support/bytes.ts";
import { Trap } from "./support/trap.ts";

const page = "https://console.example:8443";
let server: Server;
let trap: Trap;
beforeAll(async () => {
  server = await startServer({ config: `[server]\norigins = ["${page}"]\n` });
  trap = new Trap(server);
});
afterAll(endEverything);

const foreign = [
  "null",
  "",
  "*",
  "https://evil.example",
  "https://console.example",
  "https://console.example:443",
  "https://console.example:844",
  "https://console.example:84433",
  "http://console.example:8443",
  "wss://console.example:8443",
  "ftp://console.example:8443",
  "file://",
  "chrome-extension://console.example:8443",
  "https://console.example:8443.evil.example",
  "https://console.example.evil.example:8443",
  "https://evil-console.example:8443",
  "https://evil.console.example:8443",
  "https://user@console.example:8443",
  "https://console.example:8443@evil.example",
  "https://console.example:8443/",
  "https://console.example:8443/path",
  "https://console.example:8443 ,https://evil.example",
  "https://console.example:8443, https://console.example:8443",
  "HTTPS://console.example:8443",
  "https://Console.Example:8443",
  "console.example:8443",
  "//console.example:8443",
  "https://c\u043ensole.example:8443",
  "http://localhost",
  "http://127.0.0.1",
  "http://127.0.0.1:1",
  "http://evil.example:PORT",
  "https://127.0.0.1:PORT",
  "http://localhost:PORT",
  "http://[::1]:PORT",
  "http://127.0.0.1:PORT/",
  "http://127.0.0.1:PORT.evil.example",
];

async function start(origins: HeaderLines): Promise<number> {
  const body = trap.body();
  const headers = [hostLine(server), credentialLine(server), ...origins, ...bodyLines(body)];
  return (await sendBytes(server, bytesOf({ headers, body }))).status;
}

async function ask(method: string, target: string, origin: string): Promise<number> {
  const headers: HeaderLines = [hostLine(server), credentialLine(server), ["Origin", origin]];
  return (await sendBytes(server, bytesOf({ method, target, headers }))).status;
}

describe("a foreign Origin is refused with 403 on every path:", () => {
  test.each(foreign)("%p", async (text) => {
    const origin = text.replace("PORT", String(server.port));
    expect(await start([["Origin", origin]])).toBe(403);
    for (const [method, target] of [
      ["GET", "/v1/jobs"],
      ["POST", "/v1/jobs"],
      ["GET", "/v1/jobs/1/stdout"],
      ["DELETE", "/v1/jobs/1"],
      ["POST", "/v1/jobs/1/stop"],
      ["POST", "/shell"],
      ["GET", "/openapi.json"],
      ["OPTIONS", "/process"],
      ["GET", "/nope"],
    ] as const) {
      expect([target, await ask(method, target, origin)]).toEqual([target, 403]);
    }
  });

  test("and so is an allowed one beside another", async () => {
    expect(
      await start([
        ["Origin", page],
        ["Origin", "https://evil.example"],
      ]),
    ).toBe(403);
    expect(
      await start([
        ["Origin", "https://evil.example"],
        ["Origin", page],
      ]),
    ).toBe(403);
  });

  test("and what a client says of a proxy does not change the server's own", async () => {
    const own = `https://${server.host}:${server.port}`;
    expect(
      await start([
        ["Origin", own],
        ["X-Forwarded-Proto", "https"],
      ]),
    ).toBe(403);
    expect(
      await start([
        ["Origin", "http://evil.example"],
        ["X-Forwarded-Host", "evil.example"],
      ]),
    ).toBe(403);
  });
});

test("nothing ran for any of them", () => trap.expectNothingRan());

describe("a WebSocket is refused to every foreign Origin, although a browser would let it through:", () => {
  const upgrade: HeaderLines = [
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ["Sec-WebSocket-Protocol", "errand.v1"],
  ];
  async function attach(more: HeaderLines): Promise<number[]> {
    const { id } = await startJob(server, { command: ["true"] });
    const headers = [hostLine(server), credentialLine(server), ...upgrade, ...more];
    const bytes = bytesOf({ method: "GET", target: `/v1/jobs/${id}/attach`, headers });
    return statusesIn(await sendUntilHead(server, bytes));
  }

  test.each(foreign)("%p", async (text) => {
    expect(await attach([["Origin", text.replace("PORT", String(server.port))]])).toEqual([403]);
  });

  test("and to what a page of another site has made, without an Origin or with the server's own", async () => {
    const own = `http://${server.host}:${server.port}`;
    const site = ["Sec-Fetch-Site", "cross-site"] as const;
    expect([await attach([site]), await attach([["Origin", own], site])]).toEqual([[403], [403]]);
  });

  test("and not to the configured one, and the server's own", async () => {
    expect(await attach([["Origin", page]])).toEqual([101]);
    expect(await attach([["Origin", `http://${server.host}:${server.port}`]])).toEqual([101]);
  });
});

describe("no answer lets other pages read it", () => {
  test.each(["https://evil.example", page, "null"])("with the Origin %p", async (origin) => {
    const headers: HeaderLines = [hostLine(server), credentialLine(server), ["Origin", origin]];
    const answer = await sendBytes(server, bytesOf({ method: "GET", target: "/healthz", headers }));
    expect([answer.status, answer.headers["access-control-allow-origin"] ?? "none"]).not.toEqual([200, "*"]);
    expect(answer.headers["access-control-allow-credentials"]).toBeUndefined();
  });
});

describe("is accepted", () => {
  test("the configured Origin, exactly as it stands there", async () => {
    expect(await ask("GET", "/v1/jobs", page)).toBe(200);
    expect(await start([["Origin", page]])).toBe(200);
  });

  test("the server's own", async () => {
    const own = `http://${server.host}:${server.port}`;
    expect(await ask("GET", "/v1/jobs", own)).toBe(200);
    expect(await start([["Origin", own]])).toBe(200);
  });

  test("but with the right credential only", async () => {
    const headers: HeaderLines = [hostLine(server), ["Origin", page]];
    const answer = await sendBytes(server, bytesOf({ method: "GET", target: "/v1/jobs", headers }));
    expect(answer.status).toBe(401);
  });
});

// A token among the subprotocols, as browsers send it: good for a WebSocket alone, in one spelling, and told nowhere.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startJob } from "../contract/support/v1-start.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { makeToken, revokeToken } from "../support/tokens.ts";
import {
  bodyLines,
  bytesOf,
  credentialLine,
  type HeaderLines,
  hostLine,
  sendBytes,
  sendUntilClosed,
  sendUntilHead,
  statusesIn,
} from "./support/bytes.ts";
import { Trap } from "./support/trap.ts";

const base64url = (text: string) => Buffer.from(text).toString("base64url");
const protocolOf = (token: string) => `errand.token.${base64url(token)}`;
const guess = `guess-${crypto.randomUUID()}`;

let server: Server;
let id: string;
/** Everything that the server has said to anybody here. */
const told: string[] = [];
beforeAll(async () => {
  server = await startServer({ args: ["-vv"] });
  ({ id } = await startJob(server, { command: ["sleep", "600"] }));
});
afterAll(endEverything);

function upgrade(offered: readonly string[]): HeaderLines {
  return [
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ...offered.map((value) => ["Sec-WebSocket-Protocol", value] as const),
  ];
}

interface Attempt {
  readonly query?: string;
  readonly more?: HeaderLines;
}

/** The head of the answer to a handshake with these lines of subprotocols. */
async function headOf(offered: readonly string[], { query = "", more = [] }: Attempt = {}): Promise<string> {
  const headers = [hostLine(server), ...more, ...upgrade(offered)];
  const bytes = bytesOf({ method: "GET", target: `/v1/jobs/${id}/attach${query}`, headers });
  const said = await sendUntilHead(server, bytes);
  told.push(said);
  return said;
}

async function statusOf(offered: readonly string[], attempt?: Attempt): Promise<number | undefined> {
  return statusesIn(await headOf(offered, attempt))[0];
}

/** The status of a handshake that must be refused, with a wanted command right behind it. */
async function refusalOf(offered: readonly string[], { more = [] }: Attempt = {}): Promise<number[]> {
  const trap = new Trap(server);
  const body = trap.body();
  const pipelined = bytesOf({
    headers: [hostLine(server), credentialLine(server), ...bodyLines(body)],
    body,
  });
  const headers = [hostLine(server), ...more, ...upgrade(offered)];
  const head = bytesOf({ method: "GET", target: `/v1/jobs/${id}/attach`, headers });
  const said = await sendUntilClosed(server, Buffer.concat([head, pipelined]));
  told.push(said);
  await trap.expectNothingRan();
  return statusesIn(said);
}

describe("is taken, and answered with errand.v1 alone:", () => {
  test.each<[string, (own: string) => string[]]>([
    ["behind errand.v1", (own) => [`errand.v1, ${own}`]],
    ["before it", (own) => [`${own}, errand.v1`]],
    ["in a line of its own", (own) => ["errand.v1", own]],
    ["among others", (own) => [`a,errand.v1,\t${own} , b`]],
  ])("%s", async (_name, offered) => {
    const said = await headOf(offered(protocolOf(server.token)));
    expect(statusesIn(said)).toEqual([101]);
    const chosen = [...said.matchAll(/^sec-websocket-protocol: (.*)\r$/gim)].map(([, value]) => value);
    expect(chosen).toEqual(["errand.v1"]);
  });

  test("beside an Authorization header with the same token, as a browser in which somebody signed in", async () => {
    const basic = ["Authorization", `Basic ${btoa(`somebody:${server.token}`)}`] as const;
    for (const line of [credentialLine(server), basic])
      expect(await statusOf([`errand.v1, ${protocolOf(server.token)}`], { more: [line] })).toBe(101);
  });

  test("with the rights of that token, as long as it is good", async () => {
    const { secret, id: tokenId } = await makeToken(server, ["read"]);
    const offered = [`errand.v1, ${protocolOf(secret)}`];
    expect(await statusOf(offered)).toBe(403);
    expect(await statusOf(offered, { query: "?readOnly=true" })).toBe(101);
    expect(await revokeToken(server, tokenId)).toBe(204);
    expect(await statusOf(offered, { query: "?readOnly=true" })).toBe(401);
  });
});

describe("is refused:", () => {
  test.each<[string, (own: string) => string[], number]>([
    ["a token that is not known", () => [`errand.v1, ${protocolOf(guess)}`], 401],
    ["nothing behind the dot", () => ["errand.v1, errand.token."], 401],
    ["the token as it is", () => [`errand.v1, errand.token.${server.token}`], 401],
    ["padding", () => [`errand.v1, errand.token.${btoa("pad")}=`], 401],
    ["the other alphabet", () => ["errand.v1, errand.token.+/+/"], 401],
    ["bits that belong to no byte", () => ["errand.v1, errand.token.YR"], 401],
    ["4,097 bytes", () => [`errand.v1, ${protocolOf("x".repeat(4_097))}`], 401],
    ["a whole head of it", () => [`errand.v1, ${protocolOf("x".repeat(15_000))}`], 431],
    ["the same one twice in one line", (own) => [`errand.v1, ${own}, ${own}`], 401],
    ["the same one in two lines", (own) => [`errand.v1, ${own}`, own], 401],
    ["a bad one before it", (own) => [`errand.v1, ${protocolOf(guess)}, ${own}`], 401],
    ["a bad one behind it", (own) => [`errand.v1, ${own}, ${protocolOf(guess)}`], 401],
    ["in capitals", (own) => [`errand.v1, ${own.replace("errand.token", "ERRAND.TOKEN")}`], 401],
    ["in quotes", (own) => [`errand.v1, "${own}"`], 401],
    ["with a parameter", (own) => [`errand.v1, ${own};q=1`], 401],
    ["without errand.v1", (own) => [own], 400],
    ["with errand.v2", (own) => [`errand.v2, ${own}`], 400],
    ["with errand.v1 twice", (own) => [`errand.v1, errand.v1, ${own}`], 400],
    ["beside what is no name", (own) => [`errand.v1, ${own}, a b`], 400],
  ])("%s", async (_name, offered, status) => {
    expect(await refusalOf(offered(protocolOf(server.token)))).toEqual([status]);
  });

  test("two credentials that are not one, whichever of them is good", async () => {
    const other = await makeToken(server, ["admin"]);
    const pairs = [
      [other.secret, server.token],
      [guess, server.token],
      [server.token, guess],
      ["", server.token],
    ] as const;
    for (const [inHeader, offered] of pairs) {
      const more: HeaderLines = [["Authorization", `Bearer ${inHeader}`]];
      expect(await refusalOf([`errand.v1, ${protocolOf(offered)}`], { more })).toEqual([401]);
    }
    const twice = [credentialLine(server), credentialLine(server)];
    expect(await refusalOf([`errand.v1, ${protocolOf(server.token)}`], { more: twice })).toEqual([401]);
  });

  test("a foreign Origin, a page of another site, another Host: before the token is looked at", async () => {
    const rows: readonly (readonly [string, string])[] = [
      ["Origin", "https://evil.example"],
      ["Origin", "null"],
      ["Sec-Fetch-Site", "cross-site"],
    ];
    for (const line of rows) {
      for (const token of [server.token, guess])
        expect(await refusalOf([`errand.v1, ${protocolOf(token)}`], { more: [line] })).toEqual([403]);
    }
    expect(await refusalOf([`errand.v1, ${protocolOf(server.token)}`], { more: [hostLine(server)] })).toEqual(
      [400],
    );
  });
});

describe("is no credential", () => {
  test("of a request that asks for no WebSocket, or only seems to", async () => {
    const line = ["Sec-WebSocket-Protocol", `errand.v1, ${protocolOf(server.token)}`] as const;
    const rows: readonly HeaderLines[] = [[], [["Connection", "Upgrade"]], [["Connection", "close"]]];
    for (const target of [`/v1/jobs/${id}/attach`, "/v1/jobs", "/docs", "/openapi.json"]) {
      for (const more of rows) {
        const bytes = bytesOf({ method: "GET", target, headers: [hostLine(server), line, ...more] });
        const { status, body } = await sendBytes(server, bytes);
        told.push(String(body));
        expect([target, status]).toEqual([target, 401]);
      }
    }
  });

  test("of a start, at any door", async () => {
    const trap = new Trap(server);
    const body = trap.body();
    const line = ["Sec-WebSocket-Protocol", `errand.v1, ${protocolOf(server.token)}`] as const;
    for (const target of ["/process", "/v1/jobs", "/solve"]) {
      const bytes = bytesOf({ target, headers: [hostLine(server), line, ...bodyLines(body)], body });
      expect((await sendBytes(server, bytes)).status).toBe(401);
    }
    await trap.expectNothingRan();
  });
});

test("the secret stands in no answer and in no line of the log", () => {
  const log = server.logLines().map((line) => JSON.stringify(line));
  expect(log.filter((line) => line.includes("request refused"))).not.toBeEmpty();
  expect(log.filter((line) => line.includes(`/v1/jobs/${id}/attach`))).not.toBeEmpty();
  expect(told.length).toBeGreaterThan(30);
  for (const token of [server.token, guess]) {
    for (const secret of [token, base64url(token), btoa(token)])
      expect([...log, ...told].filter((text) => text.includes(secret))).toEqual([]);
  }
});

// An upgrade that is refused closes the connection: what was sent behind it is never read as a request.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { startJob } from "../contract/support/v1-start.ts";
import { attachHead } from "../support/attach.ts";
import { stop } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import {
  bodyLines,
  bytesOf,
  credentialLine,
  type HeaderLines,
  hostLine,
  sendUntilClosed,
  statusesIn,
} from "./support/bytes.ts";
import { Trap } from "./support/trap.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer({ atRest: true });
});
afterAll(endEverything);

const webSocket: HeaderLines = [
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Version", "13"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ["Sec-WebSocket-Protocol", "errand.v1"],
];
const http2: HeaderLines = [
  ["Connection", "Upgrade, HTTP2-Settings"],
  ["Upgrade", "h2c"],
  ["HTTP2-Settings", "AAMAAABkAAQAAP__"],
];
const targets = ["/v1/jobs/1/attach", "/v1/jobs", "/process", "/", "/healthz", "/nope"];

/** Sends the head with a wanted command right behind it, and gives the statuses that come before the end. */
async function refuse(method: string, target: string, lines: HeaderLines): Promise<number[]> {
  const trap = new Trap(server);
  const body = trap.body();
  const pipelined = bytesOf({
    headers: [hostLine(server), credentialLine(server), ...bodyLines(body)],
    body,
  });
  const head = bytesOf({ method, target, headers: lines });
  const said = await sendUntilClosed(server, Buffer.concat([head, pipelined]));
  await trap.expectNothingRan();
  return statusesIn(said);
}

describe("a WebSocket is refused", () => {
  test.each(targets)("at %s with the right credential", async (target) => {
    const lines = [hostLine(server), credentialLine(server), ...webSocket];
    expect(await refuse("GET", target, lines)).toEqual([target.endsWith("/attach") ? 404 : 501]);
  });

  test.each(targets)("at %s without one", async (target) => {
    expect(await refuse("GET", target, [hostLine(server), ...webSocket])).toEqual([401]);
  });

  test.each(["https://evil.example", "null", "http://localhost"])("with the Origin %s", async (origin) => {
    const lines: HeaderLines = [hostLine(server), credentialLine(server), ["Origin", origin], ...webSocket];
    expect(await refuse("GET", "/v1/jobs/1/attach", lines)).toEqual([403]);
  });

  test("with a Host that is not this server's", async () => {
    const lines: HeaderLines = [["Host", "evil.example"], credentialLine(server), ...webSocket];
    expect(await refuse("GET", "/v1/jobs/1/attach", lines)).toEqual([403]);
  });

  test("with a Host twice", async () => {
    const lines = [hostLine(server), hostLine(server), credentialLine(server), ...webSocket];
    expect(await refuse("GET", "/v1/jobs/1/attach", lines)).toEqual([400]);
  });

  test.each(["http", "https"])("although %s is what it came by", async (scheme) => {
    const own = `${scheme}://${server.host}:${server.port}`;
    const lines: HeaderLines = [hostLine(server), credentialLine(server), ["Origin", own], ...webSocket];
    expect(await refuse("GET", "/v1/jobs", lines)).toEqual([scheme === "http" ? 501 : 403]);
  });
});

/** The lines of a WebSocket, with these in place of its own, or without it where there is none. */
function changed(name: string, ...values: string[]): HeaderLines {
  const rest = webSocket.filter(([known]) => known !== name);
  return [...rest, ...values.map((value) => [name, value] as const)];
}

describe("at a running job a handshake is refused:", () => {
  const subprotocol = "Sec-WebSocket-Protocol";
  const rows: readonly (readonly [string, string, HeaderLines, number])[] = [
    ["no subprotocol", "", changed(subprotocol), 400],
    ["an empty one", "", changed(subprotocol, ""), 400],
    ["another one", "", changed(subprotocol, "errand.v2"), 400],
    ["a begin of it", "", changed(subprotocol, "errand"), 400],
    ["more than it", "", changed(subprotocol, "errand.v1.1"), 400],
    ["it in capitals", "", changed(subprotocol, "ERRAND.V1"), 400],
    ["it in quotes", "", changed(subprotocol, '"errand.v1"'), 400],
    ["it and more in one name", "", changed(subprotocol, "errand.v1;q=1"), 400],
    ["it twice in one line", "", changed(subprotocol, "errand.v1, errand.v1"), 400],
    ["it twice in two lines", "", changed(subprotocol, "errand.v1", "errand.v1"), 400],
    ["it beside what is no name", "", changed(subprotocol, "errand.v1, a b"), 400],
    ["version 7", "", changed("Sec-WebSocket-Version", "7"), 400],
    ["version 14", "", changed("Sec-WebSocket-Version", "14"), 400],
    ["no version", "", changed("Sec-WebSocket-Version"), 400],
    ["no key", "", changed("Sec-WebSocket-Key"), 400],
    ["a short key", "", changed("Sec-WebSocket-Key", "dGhlIHNhbXBsZQ=="), 400],
    ["a key that is no base64", "", changed("Sec-WebSocket-Key", "not base64 but 24 chars!"), 400],
    ["a cursor that never was", "?cursor=5-5", webSocket, 400],
    ["an unknown parameter", "?nope=1", webSocket, 400],
    ["an attacher that is not well formed", "?attacher=.", webSocket, 400],
    ["another protocol beside it", "", changed("Upgrade", "websocket, h2c"), 501],
  ];

  test.each(rows)("%s", async (_name, query, lines, status) => {
    const { id } = await startJob(server, { command: ["sleep", "60"] });
    const headers = [hostLine(server), credentialLine(server), ...lines];
    expect(await refuse("GET", `/v1/jobs/${id}/attach${query}`, headers)).toEqual([status]);
  });

  test("a path that only resolves to it", async () => {
    const { id } = await startJob(server, { command: ["sleep", "60"] });
    const headers = [hostLine(server), credentialLine(server), ...webSocket];
    for (const target of [
      `/v1/jobs/x/../${id}/attach`,
      `/v1//jobs/${id}/attach`,
      `/v1/jobs/${id}/attach/`,
      `/v1/jobs/${id}%2Fattach`,
      `/v1/jobs/%31/attach`,
      `http://127.0.0.1/v1/jobs/${id}/attach`,
    ]) {
      expect([target, await refuse("GET", target, headers)]).toEqual([target, [501]]);
    }
    expect(await refuse("POST", `/v1/jobs/${id}/attach`, headers)).toEqual([501]);
  });
});

describe("every other upgrade is refused:", () => {
  test.each<[string, HeaderLines]>([
    ["HTTP/2", http2],
    [
      "TLS",
      [
        ["Connection", "Upgrade"],
        ["Upgrade", "TLS/1.2"],
      ],
    ],
    [
      "one of its own making",
      [
        ["Connection", "keep-alive, upgrade"],
        ["Upgrade", "errand/9, websocket"],
      ],
    ],
  ])("%s", async (_name, lines) => {
    const head = [hostLine(server), credentialLine(server), ...lines];
    expect(await refuse("GET", "/v1/jobs", head)).toEqual([501]);
    expect(await refuse("POST", "/process", [...head, ["Content-Length", "0"]])).toEqual([501]);
  });

  test("a tunnel, whatever the credential", async () => {
    for (const target of ["127.0.0.1:22", "evil.example:443", "/process"]) {
      const [status, ...more] = await refuse("CONNECT", target, [hostLine(server), credentialLine(server)]);
      expect(status).toBeOneOf([400, 501]);
      expect(more).toEqual([]);
    }
  });
});

test("who never ends a refused connection cannot keep it, and needs no credential to try", async () => {
  // One without other connections, which would come and go meanwhile.
  const alone = await startServer({ atRest: true });
  const { host, port } = alone;
  const before = alone.openDescriptors();
  const heads = [
    bytesOf({ method: "GET", target: "/v1/jobs/1/attach", headers: [hostLine(alone), ...webSocket] }),
    bytesOf({ method: "CONNECT", target: "x:1", headers: [hostLine(alone)] }),
    Buffer.from("nothing of HTTP\r\n\r\n"),
  ];
  const sockets = heads.flatMap((head) =>
    Array.from({ length: 10 }, () => {
      const socket = connect({ host, port, allowHalfOpen: true });
      socket.on("error", () => {}).resume();
      socket.write(head);
      return socket;
    }),
  );
  const more = () => alone.openDescriptors() - before;
  try {
    await until(() => more() > 20, { describe: () => `30 connections, not ${more()}` });
    await until(() => more() < 5, { describe: () => `the end of ${more()} connections` });
    expect((await alone.request("/healthz")).status).toBe(200);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

test("who never got in is not missed by the job", async () => {
  const { id } = await startJob(server, { command: ["sleep", "60"], onDisconnect: "kill" });
  const head = attachHead(server, id).replace("dGhlIHNhbXBsZSBub25jZQ==", "short");
  expect(statusesIn(await sendUntilClosed(server, Buffer.from(head)))).toEqual([400]);
  const job = await server.request(`/v1/jobs/${id}?wait=0.7`);
  expect(await job.json()).toMatchObject({ state: "running" });
  await stop(server, id, 0);
});

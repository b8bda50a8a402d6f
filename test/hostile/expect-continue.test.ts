// A client that asks before it sends its body is refused before, when the head already says why.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { specOf } from "../support/jobs.ts";
import { rawConnection } from "../support/raw.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
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

const limitBytes = 65_536;
let server: Server;
beforeAll(async () => {
  server = await startServer({ env: { ERRAND_LIMITS_REQUEST_BODY_BYTES: String(limitBytes) } });
});
afterAll(endEverything);

const ask = ["Expect", "100-continue"] as const;
const type = ["Content-Type", "application/json"] as const;
const length = (bytes: number | string) => ["Content-Length", String(bytes)] as const;

describe("refused before the body is asked for:", () => {
  const cases: [string, number, (own: Server) => { target?: string; lines: HeaderLines }][] = [
    ["no credential", 401, () => ({ lines: [type, length(1000)] })],
    ["a wrong credential", 401, () => ({ lines: [["Authorization", "Bearer wrong"], type, length(1000)] })],
    ["no credential at v1", 401, () => ({ target: "/v1/jobs/1/stop", lines: [type, length(2)] })],
    [
      "a foreign Origin",
      403,
      (own) => ({ lines: [credentialLine(own), type, length(1000), ["Origin", "https://evil.example"]] }),
    ],
    [
      "a content type that is not allowed",
      403,
      (own) => ({ lines: [credentialLine(own), ["Content-Type", "text/plain"], length(1000)] }),
    ],
    [
      "a path that is not there",
      501,
      (own) => ({ target: "/nope", lines: [credentialLine(own), type, length(1000)] }),
    ],
    [
      "a length over the limit",
      413,
      (own) => ({ lines: [credentialLine(own), type, length(limitBytes + 1)] }),
    ],
    [
      "a length far over the limit",
      413,
      (own) => ({ lines: [credentialLine(own), type, length("9007199254740991")] }),
    ],
    [
      "a length over the limit at v1",
      413,
      (own) => ({ target: "/v1/jobs/1/stop", lines: [credentialLine(own), type, length(limitBytes + 1)] }),
    ],
  ];

  test.each(cases)("%s", async (_name, status, make) => {
    const { target = "/process", lines } = make(server);
    const trap = new Trap(server);
    const connection = await rawConnection(server);
    connection.send(bytesOf({ target, headers: [hostLine(server), ask, ...lines] }));
    const answer = await connection.untilHead();
    expect([answer.status, connection.text()]).toEqual([status, expect.not.stringContaining("100 Continue")]);
    // What the client sends all the same is no request, whether the server reads it or has closed.
    const body = trap.body();
    connection.send(
      bytesOf({ headers: [hostLine(server), credentialLine(server), ...bodyLines(body)], body }),
    );
    await trap.expectNothingRan();
    expect(statusesIn(connection.text())).toEqual([status]);
    connection.close();
  });

  test("an expectation that nobody knows", async () => {
    const trap = new Trap(server);
    const body = trap.body();
    const headers: HeaderLines = [
      hostLine(server),
      credentialLine(server),
      ["Expect", "200-ok"],
      type,
      length(body.length),
      ["Connection", "close"],
    ];
    expect(await sendUntilClosed(server, bytesOf({ headers, body }))).toStartWith("HTTP/1.1 417 ");
    await trap.expectNothingRan();
  });
});

test("what is wanted is asked for, then carried out", async () => {
  const body = JSON.stringify(specOf(["echo", "continued"]));
  const connection = await rawConnection(server);
  const headers = [hostLine(server), credentialLine(server), ask, type, length(body.length)];
  connection.send(bytesOf({ headers }));
  await connection.until(() => connection.text() === "HTTP/1.1 100 Continue\r\n\r\n", "100 Continue alone");
  connection.send(body);
  await connection.until(() => connection.text().includes("continued\n"), "the output");
  expect(connection.text().match(/^HTTP\/1\.1 \d{3}/gm)).toEqual(["HTTP/1.1 100", "HTTP/1.1 200"]);
});

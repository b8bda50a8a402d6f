// DNS rebinding: only this server's own names are answered, whoever asks and whatever the credential.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { bodyLines, bytesOf, credentialLine, type HeaderLines, sendBytes } from "./support/bytes.ts";
import { Trap } from "./support/trap.ts";

let server: Server;
let trap: Trap;
beforeAll(async () => {
  server = await startServer({ config: `[server]\nhosts = ["build-1.example"]\n` });
  trap = new Trap(server);
});
afterAll(endEverything);

async function statusWith(hosts: HeaderLines, more: { target?: string; version?: string } = {}) {
  const body = trap.body();
  const headers = [...hosts, credentialLine(server), ...bodyLines(body)];
  const { status } = await sendBytes(server, bytesOf({ ...more, headers, body }));
  return status;
}

const strangers = [
  "evil.example",
  "evil.example:8910",
  "127.0.0.1.evil.example",
  "localhost.evil.example",
  "evil.localhost",
  "build-1.example.evil.example",
  "evil-build-1.example",
  "xbuild-1.example",
  "build-1.exampl",
  "build-1example",
  "localhost..",
  "localhost:",
  "localhost:port",
  "localhost:80:80",
  "localhost:123456",
  "localhost, evil.example",
  "localhost,localhost",
  "localhost evil.example",
  "localhost@evil.example",
  "user@localhost",
  "user:word@localhost",
  "localhost/evil",
  "localhost#evil.example",
  "localhost?evil",
  "localhost\\evil.example",
  "http://localhost",
  "*",
  "*.example",
  "",
  ":8910",
  "::1",
  "[::1",
  "[::1]evil.example",
  "[localhost]",
  "[fe80::1%25eth0]",
  "127.1",
  "0x7f.0.0.1",
  "0177.0.0.1",
  "2130706433",
  "127.0.0.256",
  "l\u043ecalhost",
  "\uff4cocalhost",
  "localhost%00",
  "localhos%74",
];

describe("a stranger's Host is refused:", () => {
  test.each(strangers)("%p", async (host) => {
    expect(await statusWith([["Host", host]])).toBeOneOf([400, 403]);
  });

  test("and so are its public pages", async () => {
    const headers: HeaderLines = [["Host", "evil.example"]];
    for (const target of ["/", "/healthz", "/readyz", "/v1/jobs", "/nope"]) {
      const answer = await sendBytes(server, bytesOf({ method: "GET", target, headers }));
      expect([target, answer.status]).toEqual([target, 403]);
    }
  });

  test("and X-Forwarded-Host makes none of them right", async () => {
    expect(
      await statusWith([
        ["Host", "evil.example"],
        ["X-Forwarded-Host", "localhost"],
        ["Forwarded", "host=localhost"],
      ]),
    ).toBe(403);
  });
});

describe("with more or fewer than one Host it is 400:", () => {
  test.each<[string, HeaderLines]>([
    ["none", []],
    [
      "the right one twice",
      [
        ["Host", "localhost"],
        ["Host", "localhost"],
      ],
    ],
    [
      "a right and a wrong one",
      [
        ["Host", "localhost"],
        ["Host", "evil.example"],
      ],
    ],
    [
      "a wrong and a right one",
      [
        ["Host", "evil.example"],
        ["hOST", "localhost"],
      ],
    ],
  ])("%s", async (_name, hosts) => {
    expect(await statusWith(hosts)).toBe(400);
  });
});

test("nothing ran for any of them", () => trap.expectNothingRan());

describe("this server's names are answered, with and without a port:", () => {
  const names = [
    "localhost",
    "LocalHost",
    "localhost.",
    "127.0.0.1",
    "10.1.2.3",
    "[::1]",
    "[fd00::7]",
    hostname(),
    "build-1.example",
    "BUILD-1.Example",
  ];
  test.each(names)("%p", async (name) => {
    for (const host of [name, `${name}:${server.port}`, `${name}:80`]) {
      const answer = await sendBytes(
        server,
        bytesOf({ method: "GET", target: "/v1/jobs", headers: [["Host", host], credentialLine(server)] }),
      );
      expect([host, answer.status]).toEqual([host, 200]);
    }
  });
});

test("HTTP/1.0 needs no Host, but the credential all the same", async () => {
  const head = (headers: HeaderLines) =>
    bytesOf({ method: "GET", target: "/v1/jobs", version: "HTTP/1.0", headers });
  expect((await sendBytes(server, head([]))).status).toBe(401);
  expect((await sendBytes(server, head([credentialLine(server)]))).status).toBe(200);
  expect((await sendBytes(server, head([["Host", "evil.example"], credentialLine(server)]))).status).toBe(
    403,
  );
});

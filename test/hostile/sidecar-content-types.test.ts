// What a form or a script of another page can send to POST /shell must start nothing: type × Origin × Sec-Fetch-Site.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { secretKey, signature } from "../support/sidecar.ts";
import { bytesOf, credentialLine, type HeaderLines, hostLine, sendBytes } from "./support/bytes.ts";
import { Marker } from "./support/marker.ts";

const page = "https://console.example";
const json = [
  "application/json",
  "application/json; charset=utf-8",
  "APPLICATION/JSON",
  "application/json ;x",
];
const others = [
  "application/x-www-form-urlencoded",
  "application/x-www-form-urlencoded; charset=UTF-8",
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
let marker: Marker;
beforeAll(async () => {
  const sidecar = `[[sidecar]]\nname = "dff"\nsecretKey = "${secretKey}"\n`;
  server = await startServer({ config: `[server]\norigins = ["${page}"]\n${sidecar}` });
  marker = new Marker(server);
});
afterAll(endEverything);

async function post(body: string, lines: HeaderLines): Promise<number> {
  const length = ["Content-Length", String(Buffer.byteLength(body))] as const;
  const headers = [hostLine(server), length, ...lines];
  return (await sendBytes(server, bytesOf({ target: "/shell", headers, body }))).status;
}

const origins = [undefined, page, "https://evil.example", "null"];
const sites = [undefined, "cross-site"];
const types = [undefined, ...json, ...others];
const credentials: Record<string, (body: string) => HeaderLines> = {
  "a token": () => [credentialLine(server)],
  "a signature": (body) => Object.entries(signature({ body })),
};

/** The rule of the contract, told once more. */
function isAllowed(type: string | undefined, origin: string | undefined, site: string | undefined): boolean {
  if (site === "cross-site") return false;
  if (origin === page) return type !== undefined && json.includes(type);
  return origin === undefined && (type === undefined || json.includes(type));
}

describe.each(Object.entries(credentials))(
  `of ${types.length} types POST /shell takes, with %s,`,
  (_by, credential) => {
    for (const origin of origins) {
      for (const site of sites) {
        test(`those of the contract with Origin ${origin} and Sec-Fetch-Site ${site}`, async () => {
          const cells: [string | undefined, number][] = [];
          for (const type of types) {
            // What is allowed gets as far as the body, which is no command: nothing needs to run here.
            const body = isAllowed(type, origin, site) ? "{}" : marker.body();
            const lines: (readonly [string, string])[] = [...credential(body)];
            if (type !== undefined) lines.push(["Content-Type", type]);
            if (origin !== undefined) lines.push(["Origin", origin]);
            if (site !== undefined) lines.push(["Sec-Fetch-Site", site]);
            cells.push([type, await post(body, lines)]);
          }
          const expected = types.map((type): [string | undefined, number] => [
            type,
            isAllowed(type, origin, site) ? 400 : 403,
          ]);
          expect(cells).toEqual(expected);
        });
      }
    }
  },
);

test("nothing ran for any of them", () => marker.expectRan(0));

describe("no other method than POST starts a command:", () => {
  const methods = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "SEARCH", "PROPFIND"];
  test.each(methods)("%s", async (method) => {
    const own = new Marker(server);
    const query = new URLSearchParams({ command: JSON.parse(own.body()).command, _method: "POST" });
    for (const target of ["/shell", `/shell?${query}`]) {
      for (const body of ["", own.body()]) {
        const headers: HeaderLines = [
          hostLine(server),
          credentialLine(server),
          ["Content-Type", "application/json"],
          ["Content-Length", String(body.length)],
          ["X-HTTP-Method-Override", "POST"],
          ["Connection", "close"],
        ];
        const answer = await sendBytes(server, bytesOf({ method, target, headers, body }));
        expect([target, answer.status, answer.headers.allow]).toEqual([target, 405, "POST"]);
      }
    }
    await own.expectRan(0);
  });
});

// A page in a browser that holds the credential must not be able to start, stop or forget a job through v1.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { bytesOf, credentialLine, type HeaderLines, hostLine, sendBytes } from "./support/bytes.ts";

const page = "https://page.example";
let server: Server;
let home: string;
beforeAll(async () => {
  home = temporaryDirectory("v1-start");
  server = await startServer({ config: `[server]\norigins = ["${page}"]\n` });
});
afterAll(endEverything);

let files = 0;
/** A start that would leave a file behind. */
function bait(): string {
  files += 1;
  return JSON.stringify({ command: ["touch", join(home, `ran-${files}`)] });
}

interface Sent {
  method?: string;
  target?: string;
  headers: HeaderLines;
  body?: string;
}

async function send({ method = "POST", target = "/v1/jobs", headers, body = bait() }: Sent): Promise<number> {
  const length = ["Content-Length", String(Buffer.byteLength(body))] as const;
  const all: HeaderLines = [hostLine(server), credentialLine(server), ...headers, length];
  return (await sendBytes(server, bytesOf({ method, target, headers: all, body }))).status;
}

const json = ["Content-Type", "application/json"] as const;
/** Without asking first, a browser sends only these. */
const simple = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"];

describe("what a browser sends without asking first starts nothing:", () => {
  test.each([...simple, "text/plain; x=application/json", "application/json, text/plain", ""])(
    "%p",
    async (type) => {
      const typed: HeaderLines = type === "" ? [] : [["Content-Type", type]];
      for (const origin of [undefined, page, "https://evil.example", "null"]) {
        const from: HeaderLines = origin === undefined ? [] : [["Origin", origin]];
        const status = await send({ headers: [...typed, ...from] });
        expect([origin, status]).toEqual([origin, origin === undefined || origin === page ? 400 : 403]);
      }
    },
  );

  test("nor does JSON from elsewhere", async () => {
    for (const origin of ["https://evil.example", "null", `${page}.evil.example`, ""]) {
      expect([origin, await send({ headers: [json, ["Origin", origin]] })]).toEqual([origin, 403]);
    }
    expect(await send({ headers: [json, ["Sec-Fetch-Site", "cross-site"]] })).toBe(403);
  });
});

describe("no other method or path starts a job:", () => {
  test.each(["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "SEARCH"])("%s", async (method) => {
    const override = ["X-HTTP-Method-Override", "POST"] as const;
    expect(await send({ method, headers: [json, override] })).toBe(method === "GET" ? 200 : 405);
    expect(await send({ method, target: "/v1/jobs?_method=POST", headers: [json, override] })).toBeOneOf([
      400, 405,
    ]);
  });

  const paths = [
    "/v1/jobs/",
    "//v1/jobs",
    "/v1//jobs",
    "/V1/jobs",
    "/v1/jobs%2f",
    "/v1/%6aobs",
    "/v1/./jobs",
  ];
  test.each([...paths, "/v1/x/../jobs", "/x/../v1/jobs", "/v1/jobs;x", "/v1/jobs#x"])(
    "%s",
    async (target) => {
      expect(await send({ target, headers: [json] })).toBeOneOf([400, 404, 501]);
    },
  );
});

test("nothing ran, and a start that is meant does", async () => {
  expect(readdirSync(home)).toEqual([]);
  const body = JSON.stringify({ command: ["touch", join(home, "meant")] });
  expect(await send({ headers: [json, ["Origin", page]], body })).toBe(201);
  const { jobs } = (await (await server.request("/v1/jobs")).json()) as { jobs: { id: string }[] };
  expect(jobs).toHaveLength(1);
  await server.request(`/v1/jobs/${jobs[0]?.id}?wait=15`);
  expect(readdirSync(home)).toEqual(["meant"]);
});

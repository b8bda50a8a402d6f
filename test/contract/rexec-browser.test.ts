// Contract rexec, "Request": content types, and requests that a browser sends for somebody's page.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Answer } from "../support/answer.ts";
import { newAlias } from "../support/jobs.ts";
import { newToken, withToken } from "../support/processes.ts";
import { exchange } from "../support/raw-request.ts";
import { errorOfAnswer } from "../support/rexec-error.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

const page = "https://console.example";
const form = "application/x-www-form-urlencoded";
let server: Server;
beforeAll(async () => {
  server = await startServer({ config: `[server]\norigins = ["${page}"]\n` });
});
afterAll(endEverything);

const token = newToken();
type Headers = Record<string, string | undefined>;

async function accepted(headers: Headers): Promise<void> {
  const body = JSON.stringify({ alias: newAlias(), cmd: "echo", args: ["ok"] });
  const answer = await exchange(server, { headers, body });
  expect([answer.status, answer.body.toString()]).toEqual([200, "ok\n"]);
}

/** Sends a command that would run on, so that its start would show. */
async function refused(headers: Headers): Promise<Answer> {
  const body = JSON.stringify({ alias: newAlias(), cmd: "sleep", args: ["100", token] });
  const answer = await exchange(server, { headers, body });
  expect(withToken(token)).toEqual([]);
  return answer;
}

async function forbidden(headers: Headers): Promise<void> {
  expect(errorOfAnswer(await refused(headers))).toMatchObject({
    status: 403,
    code: "Forbidden",
    type: "text/plain",
  });
}

describe("without an Origin", () => {
  test.each([undefined, "application/json", "application/json; charset=utf-8", "Application/JSON", form])(
    "the content type %p is accepted",
    async (type) => accepted({ "content-type": type }),
  );

  test.each(["text/plain", "multipart/form-data; boundary=x", "application/xml"])(
    "the content type %p is refused",
    async (type) => {
      const answer = await refused({ "content-type": type });
      expect(errorOfAnswer(answer).status).toBeGreaterThanOrEqual(400);
    },
  );
});

describe("with an Origin", () => {
  test("an allowed one with JSON is accepted", () => accepted({ origin: page }));

  test.each([undefined, form, "text/plain"])("an allowed one with the type %p is refused", async (type) => {
    await forbidden({ origin: page, "content-type": type });
  });

  test.each([
    "https://evil.example",
    "null",
    "",
    `${page}.evil.example`,
    `${page}:8443`,
    `http://${page.slice("https://".length)}`,
    `${page}/`,
    `${page}, https://evil.example`,
  ])("%p is refused", (origin) => forbidden({ origin }));
});

describe("Sec-Fetch-Site", () => {
  test.each(["application/json", form, undefined])("cross-site is refused with the type %p", async (type) => {
    await forbidden({ "sec-fetch-site": "cross-site", "content-type": type });
    await forbidden({ "sec-fetch-site": "cross-site", "content-type": type, origin: page });
  });

  test.each(["none", "same-origin"])("%s is accepted", (site) => accepted({ "sec-fetch-site": site }));
});

describe("Host", () => {
  test.each(["127.0.0.1", "localhost", "localhost:1"])("%p is answered", (host) => accepted({ host }));

  test.each(["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80"])(
    "%p is refused",
    async (host) => {
      const answer = await refused({ host });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    },
  );
});

// Every route × every kind of bad credential: 401 with a challenge, and nothing is done.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { job, specOf } from "../support/jobs.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { bodyLines, bytesOf, type HeaderLines, hostLine, sendBytes } from "./support/bytes.ts";
import { Trap } from "./support/trap.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

/** `ID` stands for a job that runs, so that a stop would show. */
const routes = [
  ["POST", "/process"],
  ["GET", "/process"],
  ["GET", "/v1/jobs"],
  ["POST", "/v1/jobs"],
  ["GET", "/v1/jobs/ID"],
  ["DELETE", "/v1/jobs/ID"],
  ["POST", "/v1/jobs/ID/stop"],
  ["POST", "/v1/jobs/ID/signal"],
  ["POST", "/v1/jobs/ID/callback/resend"],
  ["PUT", "/v1/jobs/ID/stdin"],
  ["GET", "/v1/jobs/ID/stdout"],
  ["GET", "/v1/jobs/ID/stderr"],
  ["GET", "/v1/jobs/ID/events"],
  ["GET", "/v1/events"],
  ["GET", "/v1/info"],
  ["GET", "/v1/tokens"],
  ["POST", "/v1/tokens"],
  ["DELETE", "/v1/tokens/local"],
  ["POST", "/v1/shutdown"],
  ["POST", "/shell"],
  ["GET", "/shell"],
  ["GET", "/openapi.json"],
  ["GET", "/docs"],
  ["GET", "/metrics"],
  ["GET", "/nope"],
  ["POST", "/nope"],
  ["GET", "/v1"],
  ["GET", "/v1/nope"],
  ["POST", "/v1/../process"],
  ["POST", "/x/../process"],
  ["POST", "//process"],
  ["POST", "/process/"],
  ["POST", "/%70rocess"],
  ["POST", "/"],
  ["POST", "/healthz"],
  ["PUT", "/readyz"],
] as const;

interface Credential {
  headers: HeaderLines;
  query?: string;
}

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
const one = (value: string): Credential => ({ headers: [["Authorization", value]] });
const changed = (token: string) => (token.startsWith("a") ? "b" : "a") + token.slice(1);
const wrong = "A".repeat(43);

const kinds: Readonly<Record<string, (token: string) => Credential>> = {
  none: () => ({ headers: [] }),
  empty: () => one(""),
  "a scheme alone": () => one("Bearer "),
  "a wrong token": () => one(`Bearer ${wrong}`),
  "one character changed": (token) => one(`Bearer ${changed(token)}`),
  "the last character cut off": (token) => one(`Bearer ${token.slice(0, -1)}`),
  "one character too many": (token) => one(`Bearer ${token}A`),
  "the case changed": (token) => one(`Bearer ${token.toUpperCase()}`),
  "another scheme": (token) => one(`Digest ${token}`),
  "no scheme": (token) => one(token),
  "Basic that is no base64": () => one("Basic !!!"),
  "Basic with the bare token": (token) => one(`Basic ${token}`),
  "Basic without a colon": (token) => one(basic(token)),
  "Basic with the token as the user": (token) => one(basic(`${token}:`)),
  "Basic with a wrong password": () => one(basic(`user:${wrong}`)),
  "two headers, the wrong one first": (token) => ({
    headers: [...one(`Bearer ${wrong}`).headers, ...one(`Bearer ${token}`).headers],
  }),
  "two headers, the right one first": (token) => ({
    headers: [...one(`Bearer ${token}`).headers, ...one(`Bearer ${wrong}`).headers],
  }),
  "two tokens in one header": (token) => one(`Bearer ${token}, Bearer ${wrong}`),
  "the token in the query": (token) => ({ headers: [], query: `?access_token=${token}&token=${token}` }),
  "the token in other headers": (token) => ({
    headers: [
      ["X-Api-Key", token],
      ["Cookie", `token=${token}`],
      ["Proxy-Authorization", `Bearer ${token}`],
    ],
  }),
};

describe(`on each of ${routes.length} routes a credential is refused that is`, () => {
  test.each(Object.entries(kinds))("%s", async (_kind, make) => {
    const trap = new Trap(server);
    const mark = newToken();
    const victim = await rawProcess(server, specOf(["sleep", "100", mark]));
    const { headers, query = "" } = make(server.token);
    const answers: [string, number, boolean][] = [];
    for (const [method, route] of routes) {
      const target = route.replace("ID", victim.jobId) + query;
      const body = method === "GET" ? "" : trap.body();
      const lines = [hostLine(server), ...headers, ...bodyLines(body)];
      const answer = await sendBytes(server, bytesOf({ method, target, headers: lines, body }));
      const challenge = answer.headers["www-authenticate"] ?? "";
      answers.push([`${method} ${route}`, answer.status, /Basic realm=.*Bearer/.test(challenge)]);
    }
    expect(answers).toEqual(routes.map(([method, route]) => [`${method} ${route}`, 401, true]));
    expect((await job(server, victim.jobId)).state).toBe("running");
    await untilLiving(mark, 1);
    await trap.expectNothingRan();
    victim.close();
  });
});

describe("a refusal", () => {
  test.each([
    ["/process", /^\[Rexec\] Unauthorized : ".+"$/],
    ["/v1/jobs", /"code":"unauthorized"/],
    ["/nope", /^the token is not known here$/m],
  ])("of %s is told in the words of its door, and holds no token", async (target, words) => {
    const { headers } = one(`Bearer ${server.token.slice(0, -1)}`);
    const answer = await sendBytes(
      server,
      bytesOf({ method: "GET", target, headers: [hostLine(server), ...headers] }),
    );
    const body = answer.body.toString();
    expect([answer.status, body]).toEqual([401, expect.stringMatching(words)]);
    expect(body).not.toContain(server.token.slice(0, 20));
  });
});

describe("a right credential is taken as", () => {
  test.each([
    ["Bearer", (token: string) => `Bearer ${token}`],
    ["bearer, in another case", (token: string) => `bEARER ${token}`],
    ["Basic with any user", (token: string) => basic(`somebody:${token}`)],
    ["Basic without a user", (token: string) => basic(`:${token}`)],
    ["Basic with a user that is not ASCII", (token: string) => basic(`Žofie 🦊:${token}`)],
    ["basic, in another case", (token: string) => basic(`x:${token}`).replace("Basic", "basic")],
  ])("%s", async (_name, authorization) => {
    const headers = { authorization: authorization(server.token) };
    expect((await server.request("/v1/jobs", { headers })).status).toBe(200);
    const body = JSON.stringify(specOf(["echo", "in"]));
    const response = await server.request("/process", { method: "POST", headers, body });
    expect([response.status, await response.text()]).toEqual([200, "in\n"]);
  });
});

test("what needs none is served without one, and nothing else", async () => {
  for (const path of ["/", "/healthz", "/readyz"]) {
    expect((await server.request(path, { credential: false })).status).toBe(200);
    expect((await server.request(path, { credential: wrong })).status).toBe(200);
  }
});

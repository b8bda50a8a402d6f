// Contract v1, `/v1/tokens`: tokens are made, listed and revoked by those who have the scope admin.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { idOf, specOf } from "../support/jobs.ts";
import { rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { listTokens, makeToken, newName, postToken, revokeToken } from "../support/tokens.ts";
import { until } from "../support/wait.ts";
import { problem, timePattern } from "./support/v1.ts";

const config = `[[token]]
name = "ci"
sha256 = "${"ab".repeat(32)}"
scopes = ["run", "read"]

[[sidecar]]
name = "signer"
secretKey = "only-for-tests"
`;

let server: Server;
beforeAll(async () => {
  server = await startServer({ config });
});
afterAll(endEverything);

const status = async (credential: string, path = "/v1/jobs", on = server) =>
  (await on.request(path, { credential })).status;

describe("a token that is made", () => {
  test("is told with its secret and a Location, and counts at once", async () => {
    const name = newName();
    const expiresAt = "2091-01-31T12:00:00.25+01:00";
    const response = await postToken(server, JSON.stringify({ name, scopes: ["run", "read"], expiresAt }));
    const made = (await response.json()) as Record<string, string>;
    expect([response.status, response.headers.get("location")]).toEqual([201, `/v1/tokens/${made.id}`]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(made).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      ...{ name, scopes: ["run", "read"], expiresAt: "2091-01-31T11:00:00.250Z" },
      createdAt: expect.stringMatching(timePattern),
      secret: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
    } as never);
    expect(await status(made.secret ?? "")).toBe(200);
  });

  test("is the owner of what it starts", async () => {
    const { name, secret } = await makeToken(server, ["run"]);
    const body = JSON.stringify(specOf(["true"]));
    const response = await server.request("/process", { method: "POST", body, credential: secret });
    await response.text();
    const job = await (await server.request(`/v1/jobs/${idOf(response)}`)).json();
    expect(job).toMatchObject({ owner: name });
  });

  test("with admin can make and revoke tokens itself, its own, too", async () => {
    const { id, secret } = await makeToken(server, ["admin"]);
    const body = JSON.stringify({ name: newName(), scopes: ["admin", "read", "run"] });
    expect((await postToken(server, body, { credential: secret })).status).toBe(201);
    expect(await revokeToken(server, id, { credential: secret })).toBe(204);
    expect(await status(secret)).toBe(401);
    // Nobody is locked out: the local token is always there.
    expect(await status(server.token)).toBe(200);
  });

  test("expires when it said so", async () => {
    const expiresAt = new Date(Date.now() + 700).toISOString();
    const { secret } = await makeToken(server, ["read"], { expiresAt });
    expect(await status(secret)).toBe(200);
    await until(async () => (await status(secret)) === 401, { describe: "the token to expire" });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
    expect((await problem(server, "/v1/jobs", { credential: secret })).detail).toContain("expired");
  });
});

describe("the list", () => {
  test("says where each token comes from, and holds no secret", async () => {
    const { secret, ...made } = await makeToken(server, ["run", "admin"]);
    const tokens = await listTokens(server);
    const unknown = { createdAt: null, expiresAt: null };
    expect(tokens.slice(0, 2)).toEqual([
      { id: "local", name: "local", scopes: ["admin"], source: "local", ...unknown },
      { id: "configuration:ci", name: "ci", scopes: ["run", "read"], source: "configuration", ...unknown },
    ]);
    expect(tokens.at(-1)).toEqual({ ...made, source: "api" });
    for (const held of [secret, server.token, "ab".repeat(32)])
      expect(JSON.stringify(tokens)).not.toContain(held);
  });
});

describe("a revoked token", () => {
  test("is refused from then on, also on a connection that is open, and is on the list no more", async () => {
    const { id, secret } = await makeToken(server, ["read"]);
    const authorization = `Bearer ${secret}`;
    const ask = requestBytes(server, { method: "GET", path: "/v1/jobs?limit=1", headers: { authorization } });
    const connection = await rawConnection(server);
    const statuses = () => [...connection.text().matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => code);
    connection.send(ask);
    await connection.until(() => statuses().length === 1, "the first answer");
    const response = await server.request(`/v1/tokens/${id}`, { method: "DELETE" });
    expect([response.status, await response.text()]).toEqual([204, ""]);
    connection.send(ask);
    await connection.until(() => statuses().length === 2, "the second answer");
    expect(statuses()).toEqual(["200", "401"]);
    connection.close();
    expect((await listTokens(server)).map((token) => token.id)).not.toContain(id);
    expect(await revokeToken(server, id)).toBe(404);
  });

  test("gives its name to a new one, and to none before", async () => {
    const { id, name, secret } = await makeToken(server, ["read"]);
    expect((await postToken(server, JSON.stringify({ name, scopes: ["read"] }))).status).toBe(422);
    expect(await revokeToken(server, id)).toBe(204);
    const next = await makeToken(server, ["read"], { name });
    expect([await status(secret), await status(next.secret)]).toEqual([401, 200]);
  });

  test.each(["local", "configuration:ci"])("cannot be %s, which the API has not made", async (id) => {
    const said = await problem(server, `/v1/tokens/${id}`, { method: "DELETE" });
    expect(said).toMatchObject({ status: 403, code: "forbidden" });
    expect(await status(server.token)).toBe(200);
  });

  test.each(["0000000000000000", "ci", "LOCAL", "a.b", ".", "__proto__"])("cannot be %s", async (id) => {
    const said = await problem(server, `/v1/tokens/${id}`, { method: "DELETE" });
    expect([said.status, said.code]).toEqual([404, "not-found"]);
  });
});

describe("a request that is not right makes no token:", () => {
  const good = { name: "never", scopes: ["read"] };
  const past = new Date(Date.now() - 1).toISOString();
  const json = { "content-type": "application/json" };
  const refused = async (
    body: string,
    options: { headers?: Record<string, string>; query?: string } = {},
  ) => {
    const before = await listTokens(server);
    const { headers = json, query = "" } = options;
    const said = await problem(server, `/v1/tokens${query}`, { method: "POST", headers, body });
    expect(await listTokens(server)).toEqual(before);
    return [said.status, said.code, said.detail];
  };

  test.each([
    ["no name", { scopes: ["read"] }, "name"],
    ["an empty name", { ...good, name: "" }, "name"],
    ["a name with a blank", { ...good, name: "a b" }, "name"],
    ["a name with a line end", { ...good, name: "a\n" }, "name"],
    ["a name with an escape", { ...good, name: "\u001b[2J" }, "name"],
    ["a long name", { ...good, name: "a".repeat(65) }, "name"],
    ["a number for a name", { ...good, name: 1 }, "name"],
    ["null for a name", { ...good, name: null }, "name"],
    ["the local one's name", { ...good, name: "local" }, "name"],
    ["everybody's name", { ...good, name: "anyone" }, "name"],
    ["a configured name", { ...good, name: "ci" }, "name"],
    ["a signer's name", { ...good, name: "signer" }, "name"],
    ["no scopes", { name: "never" }, "scopes"],
    ["an empty list of scopes", { ...good, scopes: [] }, "scopes"],
    ["null for scopes", { ...good, scopes: null }, "scopes"],
    ["scopes as a text", { ...good, scopes: "read" }, "scopes"],
    ["an unknown scope", { ...good, scopes: ["read", "root"] }, "scopes"],
    ["a scope in another case", { ...good, scopes: ["Read"] }, "scopes"],
    ["a scope twice", { ...good, scopes: ["read", "read"] }, "scopes"],
    ["a number among scopes", { ...good, scopes: [1] }, "scopes"],
    ["a time that is over", { ...good, expiresAt: past }, "expiresAt"],
    ["the year 0", { ...good, expiresAt: "0000-01-01T00:00:00Z" }, "expiresAt"],
    ["a time without an offset", { ...good, expiresAt: "2091-01-31T12:00:00" }, "expiresAt"],
    ["a day that is none", { ...good, expiresAt: "2091-02-30T12:00:00Z" }, "expiresAt"],
    ["an empty time", { ...good, expiresAt: "" }, "expiresAt"],
    ["a number for a time", { ...good, expiresAt: 4_000_000_000 }, "expiresAt"],
    ["an unknown field", { ...good, scope: ["read"] }, "did you mean scopes?"],
    ["a secret of one's own", { ...good, secret: "x" }, '"secret"'],
    ["an id of one's own", { ...good, id: "local" }, '"id"'],
    ["a list", [good], "the body"],
    ["null", null, "the body"],
  ])("%s", async (_what, body, words) => {
    expect(await refused(JSON.stringify(body))).toEqual([
      422,
      "invalid-spec",
      expect.stringContaining(words),
    ]);
  });

  test.each([
    ["no body", "", json],
    ["no JSON", "{", json],
    ["a form", "name=never&scopes=read", { "content-type": "application/x-www-form-urlencoded" }],
    ["JSON as text", JSON.stringify(good), { "content-type": "text/plain" }],
  ])("%s", async (_what, body, headers) => {
    expect(await refused(body, { headers })).toEqual([400, "invalid-request", expect.any(String)]);
  });

  test("a parameter", async () => {
    const answer = await refused(JSON.stringify(good), { query: "?name=never" });
    expect(answer).toEqual([400, "invalid-parameter", expect.any(String)]);
    for (const [method, path] of [
      ["GET", "/v1/tokens?x=1"],
      ["DELETE", "/v1/tokens/local?x=1"],
    ] as const)
      expect(await problem(server, path, { method })).toMatchObject({ code: "invalid-parameter" });
  });

  test.each([
    ["labels", { ...good, labels: { a: "b" } }],
    ["users", { ...good, users: ["www"] }],
    ["directories", { ...good, directories: ["/srv"] }],
    ["scopes", { ...good, scopes: ["commands:build"] }],
  ])("what is to come is named in field: %s", async (field, body) => {
    const response = await postToken(server, JSON.stringify(body));
    expect([response.status, await response.json()]).toEqual([
      422,
      expect.objectContaining({ code: "not-available", field }),
    ]);
    expect((await listTokens(server)).map(({ name }) => name)).not.toContain("never");
  });

  test.each([
    ["PUT", "/v1/tokens", "GET, POST"],
    ["DELETE", "/v1/tokens", "GET, POST"],
    ["GET", "/v1/tokens/local", "DELETE"],
    ["POST", "/v1/tokens/local", "DELETE"],
    ["GET", "/v1/shutdown", "POST"],
  ])("%s %s", async (method, path, allow) => {
    expect(await problem(server, path, { method })).toMatchObject({ code: "method-not-allowed", allow });
  });
});

test("at the limit no more are made, until one has gone", async () => {
  const own = await startServer();
  const made = [];
  for (let count = 0; count < 1_000; count += 1) made.push(await makeToken(own, ["read"]));
  const body = JSON.stringify({ name: "more", scopes: ["read"] });
  expect((await postToken(own, body)).status).toBe(429);
  expect(await status(made[999]?.secret ?? "", "/v1/jobs?limit=1", own)).toBe(200);
  expect(await revokeToken(own, made[500]?.id ?? "")).toBe(204);
  expect((await postToken(own, body)).status).toBe(201);
});

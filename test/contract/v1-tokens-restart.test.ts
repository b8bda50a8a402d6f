// Contract v1, `/v1/tokens`: what was told of a token holds for the next server, too, however this one ended.
import { afterAll, describe, expect, test } from "bun:test";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { listTokens, makeToken, revokeToken } from "../support/tokens.ts";
import { until } from "../support/wait.ts";

afterAll(endEverything);

const ends: Readonly<Record<string, (server: Server) => Promise<unknown>>> = {
  "ended in order": (server) => server.stop(),
  "was killed": (server) => server.kill9(),
};

describe.each(Object.entries(ends))("after a server that %s", (_how, end) => {
  test("tokens count as before, revoked and expired ones do not", async () => {
    const server = await startServer();
    const kept = await makeToken(server, ["read"]);
    const revoked = await makeToken(server, ["admin"]);
    const expiresAt = new Date(Date.now() + 500).toISOString();
    const brief = await makeToken(server, ["read"], { expiresAt });
    expect(await revokeToken(server, revoked.id)).toBe(204);
    const before = await listTokens(server);
    await end(server);

    const next = await startServer({ dataDir: server.dataDir });
    const status = async (credential: string, path = "/v1/jobs") =>
      (await next.request(path, { credential })).status;
    expect(await listTokens(next)).toEqual(before);
    expect(await status(kept.secret)).toBe(200);
    expect(await status(kept.secret, "/v1/tokens")).toBe(403);
    expect(await status(revoked.secret)).toBe(401);
    await until(async () => (await status(brief.secret)) === 401, { describe: "the token to expire" });
    expect(await revokeToken(next, kept.id)).toBe(204);
    expect(await status(kept.secret)).toBe(401);
  });
});

test("a token that was made while nobody needed one counts when one is needed", async () => {
  const open = await startServer({ auth: "none" });
  const { secret } = await makeToken(open, ["read"]);
  await open.stop();
  const closed = await startServer({ dataDir: open.dataDir });
  expect((await closed.request("/v1/jobs", { credential: secret })).status).toBe(200);
});

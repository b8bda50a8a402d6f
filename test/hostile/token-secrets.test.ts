// The secret of a token is told once: it is found in no log, list, file or answer after that, however the request went.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { specOf } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { listTokens, type MadeToken, makeToken, postToken, revokeToken } from "../support/tokens.ts";

const guess = `guess-${crypto.randomUUID()}`;
const made: MadeToken[] = [];
const told: string[] = [];
let server: Server;

/** Makes, uses, lists, revokes and misuses tokens, at the level of the log that says most. */
beforeAll(async () => {
  server = await startServer({ args: ["-vv"] });
  const tell = async (response: Response) => {
    told.push(await response.text(), JSON.stringify([...response.headers]));
  };
  for (const scopes of [["read"], ["run"], ["admin"]]) made.push(await makeToken(server, scopes));
  for (const { name, secret: credential } of made) {
    await tell(await server.request("/v1/jobs", { credential }));
    const body = JSON.stringify(specOf(["true"]));
    await tell(await server.request("/process", { method: "POST", body, credential }));
    await tell(await server.request("/v1/tokens", { credential }));
    await tell(await server.request(`/v1/tokens/${credential}`, { method: "DELETE", credential }));
    await tell(await server.request(`/v1/jobs?token=${credential}`, { credential }));
    await tell(await postToken(server, JSON.stringify({ name, scopes: ["read"] })));
  }
  const wrongs = [
    { name: `${guess} `, scopes: ["read"] },
    { name: "a", scopes: [guess] },
    { name: "a", scopes: ["read"], expiresAt: guess },
    { name: "a", scopes: ["read"], secret: guess },
    guess,
  ];
  for (const wrong of wrongs) await tell(await postToken(server, JSON.stringify(wrong)));
  expect(await revokeToken(server, made[1]?.id ?? "")).toBe(204);
  const [, revoked] = made;
  await tell(await server.request("/v1/jobs", { credential: revoked?.secret ?? "" }));
  told.push(JSON.stringify(await listTokens(server)));
});
afterAll(endEverything);

const secrets = () => [...made.map(({ secret }) => secret), guess];

/** The places whose text holds one of the secrets. */
function leaks(places: Readonly<Record<string, string>>): string[] {
  return Object.entries(places).flatMap(([place, text]) =>
    secrets().flatMap((secret) => (text.includes(secret) ? [place] : [])),
  );
}

function files(): Record<string, string> {
  const found = readdirSync(server.dataDir, { recursive: true, withFileTypes: true });
  const paths = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(path, "latin1")]));
}

describe("the secret of a token is not in", () => {
  test("the log, which tells of every operation on tokens who did what to which, and how it went", () => {
    const log = server.logLines();
    expect(
      leaks(Object.fromEntries(log.map((line) => [JSON.stringify(line), JSON.stringify(line)]))),
    ).toEqual([]);
    const audit = log.filter(({ msg }) => msg === "audit");
    const [first, second] = made;
    for (const { id, name, scopes } of made) {
      expect(audit).toContainEqual(
        expect.objectContaining({
          ...{ who: "local", operation: "tokens.make", result: "ok" },
          ...{ token: id, name, scopes, expiresAt: null },
        }),
      );
      expect(audit).toContainEqual(
        expect.objectContaining({ who: "local", operation: "tokens.make", result: "invalid-spec", name }),
      );
    }
    expect(audit).toContainEqual(
      expect.objectContaining({
        ...{ who: "local", operation: "tokens.revoke", result: "ok" },
        ...{ token: second?.id, name: second?.name },
      }),
    );
    expect(audit).toContainEqual(
      expect.objectContaining({ who: made[2]?.name, operation: "tokens.list", result: "ok" }),
    );
    // Who may not do it is told with the refusal.
    const refused = log.filter(({ msg }) => msg === "request refused");
    expect(refused).toContainEqual(expect.objectContaining({ who: first?.name, code: "forbidden" }));
  });

  test("an answer but the first", () => {
    expect(told.some((text) => text.includes(made[0]?.name ?? "?"))).toBe(true);
    expect(leaks(Object.fromEntries(told.map((text) => [text, text])))).toEqual([]);
  });

  test("a file of the data directory, before and after the server's end", async () => {
    const before = files();
    const digest = new Bun.CryptoHasher("sha256").update(made[0]?.secret ?? "").digest("hex");
    expect(Object.values(before).some((text) => text.includes(digest))).toBe(true);
    expect(leaks(before)).toEqual([]);
    await server.stop();
    const after = files();
    expect(Object.values(after).some((text) => text.includes(digest))).toBe(true);
    expect(leaks(after)).toEqual([]);
  });
});

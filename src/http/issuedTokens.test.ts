import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { ErrandError } from "../core/errors.ts";
import type { Scope } from "../core/scopes.ts";
import type { StoredToken } from "../core/tokens.ts";
import { Credentials } from "./credentials.ts";
import { IssuedTokens, mostTokens } from "./issuedTokens.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const admin = { name: "local", scopes: ["admin"] } as const;
const start = 1_800_000_000_000;

/** Tokens over a record that a test can make fail. */
function setUp(onRecord: readonly StoredToken[] = []) {
  const rows = new Map(onRecord.map((token) => [token.id, token]));
  const disk = { full: false };
  const write = (change: () => void) => {
    if (disk.full) throw new Error("disk full");
    change();
  };
  const clock = { now: start };
  const fixed = [
    { name: "local", sha256: sha256("local-secret"), scopes: ["admin"], source: "local" },
    { name: "ci", sha256: sha256("ci secret"), scopes: ["read"], source: "configuration" },
  ] as const;
  const credentials = new Credentials(fixed, { open: false, now: () => clock.now });
  const tokens = new IssuedTokens({
    record: {
      all: () => [...rows.values()],
      put: (token) => write(() => rows.set(token.id, token)),
      remove: (id) => write(() => rows.delete(id)),
    },
    ...{ credentials, fixed, reserved: ["signer"], now: () => clock.now },
  });
  /** The name behind the secret, or the code of the refusal. */
  const who = (secret: string) => result(() => credentials.check(`Bearer ${secret}`).name);
  return { tokens, credentials, rows, disk, clock, who };
}

function result<Value>(call: () => Value): Value | string {
  try {
    return call();
  } catch (error) {
    return error instanceof ErrandError ? error.code : String(error);
  }
}

const wanted = (name: string, scopes: readonly Scope[] = ["run"], expiresAt: number | null = null) => ({
  name,
  scopes,
  expiresAt,
});

describe("a token that was made", () => {
  test("counts at once, with just its scopes", () => {
    const { tokens, credentials } = setUp();
    const { token, secret } = tokens.make(wanted("deploy", ["read", "run"]), admin);
    expect(token).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      ...{ name: "deploy", scopes: ["read", "run"], createdAt: start, expiresAt: null },
    });
    expect(credentials.check(`Bearer ${secret}`)).toEqual({ name: "deploy", scopes: ["read", "run"] });
  });

  test("has a secret of 256 bits, on record as its digest alone", () => {
    const { tokens, rows } = setUp();
    const secrets = Array.from({ length: 50 }, (_, index) => tokens.make(wanted(`t${index}`), admin).secret);
    expect(new Set(secrets).size).toBe(50);
    for (const secret of secrets) {
      expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(Buffer.from(secret, "base64url")).toHaveLength(32);
      expect(JSON.stringify([...rows.values()])).not.toContain(secret);
    }
    expect([...rows.values()].map((row) => row.sha256)).toEqual(secrets.map(sha256));
    expect(JSON.stringify(tokens.list())).not.toContain(sha256(secrets[0] ?? ""));
  });

  test("counts for the next server", () => {
    const first = setUp();
    const { secret } = first.tokens.make(wanted("deploy"), admin);
    const next = setUp([...first.rows.values()]);
    expect(next.who(secret)).toBe("deploy");
    expect(next.tokens.list()).toEqual(first.tokens.list());
  });

  test("is not there when it could not be written", () => {
    const { tokens, disk, who } = setUp();
    disk.full = true;
    expect(result(() => tokens.make(wanted("deploy"), admin))).toContain("disk full");
    expect(tokens.list().map(({ name }) => name)).toEqual(["local", "ci"]);
    disk.full = false;
    expect(who(tokens.make(wanted("deploy"), admin).secret)).toBe("deploy");
  });
});

describe("a time of expiry", () => {
  test("is kept to the millisecond", () => {
    const { tokens, clock, who } = setUp();
    const { secret } = tokens.make(wanted("brief", ["run"], start + 1_000), admin);
    clock.now = start + 999;
    expect(who(secret)).toBe("brief");
    clock.now = start + 1_000;
    expect(who(secret)).toBe("unauthorized");
  });

  test.each([start, start - 1, 0, -1])("%p is over", (expiresAt) => {
    const { tokens } = setUp();
    expect(result(() => tokens.make(wanted("late", ["run"], expiresAt), admin))).toBe("invalid-spec");
  });

  test("that has come frees the name when the next one is made, and not before", () => {
    const { tokens, clock, rows, who } = setUp();
    const first = tokens.make(wanted("brief", ["run"], start + 1), admin);
    clock.now = start + 1;
    expect(tokens.list().map(({ id }) => id)).toContain(first.token.id);
    const second = tokens.make(wanted("brief"), admin);
    expect([...rows.keys()]).toEqual([second.token.id]);
    expect([who(first.secret), who(second.secret)]).toEqual(["unauthorized", "brief"]);
  });
});

describe("a revoked token", () => {
  test("counts no more, and its name is free", () => {
    const { tokens, rows, who } = setUp();
    const { token, secret } = tokens.make(wanted("deploy"), admin);
    expect(tokens.revoke(token.id)).toBe("deploy");
    expect([who(secret), rows.size]).toEqual(["unauthorized", 0]);
    expect(result(() => tokens.revoke(token.id))).toBe("not-found");
    expect(who(tokens.make(wanted("deploy"), admin).secret)).toBe("deploy");
  });

  test("counts no more even when that cannot be written, and can be revoked again", () => {
    const { tokens, rows, disk, who } = setUp();
    const { token, secret } = tokens.make(wanted("deploy"), admin);
    disk.full = true;
    expect(result(() => tokens.revoke(token.id))).toContain("disk full");
    expect(who(secret)).toBe("unauthorized");
    disk.full = false;
    expect([tokens.revoke(token.id), rows.size]).toEqual(["deploy", 0]);
  });
});

describe("refused is", () => {
  test.each(["local", "ci", "anyone", "signer", "taken"])("the name %s, which is somebody else's", (name) => {
    const { tokens } = setUp();
    tokens.make(wanted("taken"), admin);
    expect(result(() => tokens.make(wanted(name), admin))).toBe("invalid-spec");
  });

  const rights: [readonly Scope[], readonly Scope[], boolean][] = [
    [["admin"], ["read", "run", "admin"], true],
    [["read", "admin"], ["run"], true],
    [["read", "run"], ["read", "run"], true],
    [["read", "run"], ["admin"], false],
    [["read"], ["read", "run"], false],
    [["run"], ["read"], false],
    [[], ["read"], false],
  ];
  test.each(rights)("more than the maker may do: %p makes %p: %p", (held, scopes, allowed) => {
    const { tokens, rows } = setUp();
    const made = result(() => tokens.make(wanted("a", scopes), { name: "m", scopes: held }).token.scopes);
    expect([made, rows.size]).toEqual(allowed ? [scopes, 1] : ["forbidden", 0]);
  });

  test("one more than the limit, until one has gone", () => {
    const { tokens } = setUp();
    const made = Array.from({ length: mostTokens }, (_, index) => tokens.make(wanted(`t${index}`), admin));
    expect(result(() => tokens.make(wanted("more"), admin))).toBe("too-many-requests");
    tokens.revoke(made[500]?.token.id ?? "");
    expect(tokens.make(wanted("more"), admin).token.name).toBe("more");
  });

  test("to revoke what the API has not made", () => {
    const { tokens, who } = setUp();
    for (const id of ["local", "configuration:ci"]) expect(result(() => tokens.revoke(id))).toBe("forbidden");
    for (const id of ["", "ci", "configuration:", "__proto__", "0".repeat(16)])
      expect(result(() => tokens.revoke(id))).toBe("not-found");
    expect(who("local-secret")).toBe("local");
  });
});

test("the list says where each token comes from", () => {
  const { tokens } = setUp();
  const { token } = tokens.make(wanted("deploy", ["run"], start + 5), admin);
  const unknown = { createdAt: null, expiresAt: null };
  expect(tokens.list()).toEqual([
    { id: "local", name: "local", scopes: ["admin"], source: "local", ...unknown },
    { id: "configuration:ci", name: "ci", scopes: ["read"], source: "configuration", ...unknown },
    { ...token, source: "api" },
  ]);
});

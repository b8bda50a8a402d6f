import { describe, expect, test } from "bun:test";
import { anything, assert, property } from "fast-check";
import { ErrandError } from "../../core/errors.ts";
import { decodeToken } from "./decodeToken.ts";

/** What is read, or code, field and words of the refusal. */
function read(value: unknown): unknown {
  try {
    return decodeToken(value);
  } catch (error) {
    if (error instanceof ErrandError) return [error.code, error.field ?? null, error.message];
    throw error;
  }
}

const good = { name: "ci", scopes: ["run"] };

describe("is taken:", () => {
  test.each([
    [good, { ...good, expiresAt: null }],
    [
      { ...good, expiresAt: null },
      { ...good, expiresAt: null },
    ],
    [
      { ...good, expiresAt: "2031-01-31T12:00:00Z" },
      { ...good, expiresAt: Date.UTC(2031, 0, 31, 12) },
    ],
    [
      { ...good, expiresAt: "2031-01-31T12:00:00.25+01:30" },
      { ...good, expiresAt: Date.UTC(2031, 0, 31, 10, 30, 0, 250) },
    ],
    [
      { name: "A.b_c@d/e-9", scopes: ["run", "admin", "read"] },
      { name: "A.b_c@d/e-9", scopes: ["run", "admin", "read"], expiresAt: null },
    ],
    [
      { name: "a".repeat(64), scopes: ["read"] },
      { name: "a".repeat(64), scopes: ["read"], expiresAt: null },
    ],
  ])("%j", (value, expected) => {
    expect(read(value)).toEqual(expected);
  });
});

describe("is refused, and the field is named:", () => {
  const names = ["", " ", "a b", "a".repeat(65), "ü", "a\n", "a\0", "a:b", "\u202ea", 7, null, true, [], {}];
  test.each(names.map((name) => [name]))("name %j", (name) => {
    expect(read({ ...good, name })).toEqual(["invalid-spec", null, expect.stringMatching(/^name: 1 to 64/)]);
  });

  const scopes = [
    ...[[], ["root"], ["run", "run"], ["run", "root"], ["Run"], ["run "], [null], [["run"]], ["*"], [""]],
    ...["run", "read,run", null, 7, {}, { 0: "run" }, ["read", "run", "admin", "read"]],
  ];
  test.each(scopes.map((list) => [list]))("scopes %j", (list) => {
    const words = expect.stringMatching(/^scopes: a list of read, run, admin/);
    expect(read({ ...good, scopes: list })).toEqual(["invalid-spec", null, words]);
  });

  const times = [
    ...["", "tomorrow", "2031-01-31", "2031-01-31T12:00:00", "2031-02-30T12:00:00Z", "2031-13-01T00:00:00Z"],
    ...[
      "2031-01-31 12:00:00Z",
      "2031-01-31T25:00:00Z",
      "2031-01-31T12:00:00+99:00",
      "+012031-01-31T12:00:00Z",
    ],
    ...[1_900_000_000, true, [], {}],
  ];
  test.each(times.map((time) => [time]))("expiresAt %j", (expiresAt) => {
    const words = expect.stringMatching(/^expiresAt: an RFC 3339 time/);
    expect(read({ ...good, expiresAt })).toEqual(["invalid-spec", null, words]);
  });

  test.each([[{}], [{ name: "ci" }], [{ scopes: ["run"] }], [null], [7], ["ci"], [[good]], [true]])(
    "the body %j",
    (value) => {
      expect(read(value)).toEqual(["invalid-spec", null, expect.stringMatching(/^(name|scopes|the body): /)]);
    },
  );

  test.each([
    ["scope", "scopes"],
    ["expires", "expiresAt"],
    ["secret", "known are name, scopes, expiresAt"],
    ["__proto__x", "known are"],
  ])("the unknown field %s", (field, hint) => {
    const words = expect.stringContaining(hint);
    expect(read({ ...good, [field]: "x" })).toEqual(["invalid-spec", null, words]);
  });
});

describe("is refused as not available:", () => {
  test.each(["labels", "users", "directories"])("a tie to %s", (field) => {
    for (const value of [null, [], ["a"], {}])
      expect(read({ ...good, [field]: value })).toEqual(["not-available", field, expect.any(String)]);
  });

  test.each([[["commands:build"]], [["run", "commands:build"]], [["commands:"]]])(
    "the scopes %j",
    (scopes) => {
      expect(read({ ...good, scopes })).toEqual(["not-available", "scopes", expect.any(String)]);
    },
  );
});

test("no refusal repeats a value", () => {
  const canary = "canary-1 ";
  for (const value of [
    { ...good, name: canary },
    { ...good, scopes: [canary] },
    { ...good, expiresAt: canary },
    canary,
  ])
    expect(JSON.stringify(read(value))).not.toContain("canary");
});

test("any other value is refused by a code, without another error", () => {
  assert(
    property(anything(), (value) => {
      const [code] = read(value) as [string];
      expect(["invalid-spec", "not-available"]).toContain(code);
    }),
  );
  assert(
    property(anything(), anything(), anything(), (name, scopes, expiresAt) => {
      const result = read({ name, scopes, expiresAt });
      if (Array.isArray(result)) expect(result[0]).toBeString();
    }),
  );
});

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, property, string } from "fast-check";
import { limitTable } from "../core/limits.ts";
import { checkLimit, readConfigFile, withoutFile } from "./file.ts";
import { ConfigError } from "./settings.ts";

const folder = mkdtempSync(join(tmpdir(), "errand-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "errand.toml");

function read(text: string) {
  writeFileSync(path, text);
  return readConfigFile(path);
}

/** The words of the refusal, which must be one of the configuration. */
function refusal(text: string): string {
  try {
    read(text);
  } catch (error) {
    if (error instanceof ConfigError && error.exitCode === 78) return error.message;
    throw error;
  }
  return "none";
}

describe("a file", () => {
  test("may be empty", () => {
    expect(read("")).toEqual(withoutFile());
    expect(read("[server]\n[environment]\n[limits]\n")).toEqual(withoutFile());
  });

  test("may be any TOML that says nothing unknown", () => {
    const text = `
server = { auth = "none", hosts = [] } # inline
environment.A = '''
x'''
environment.inherit = ["B"]
limits = { stopGraceSeconds = 0x10, maxRunningJobs = 1_000 }
[[token]]
name = "ci"
sha256 = "${"AB".repeat(32)}"
scopes = ["read", "run", "admin"]
`;
    expect(read(text)).toEqual({
      auth: "none",
      hosts: [],
      environment: { A: "x" },
      inherit: ["B"],
      limits: { stopGraceSeconds: 16, maxRunningJobs: 1_000 },
      tokens: [{ name: "ci", sha256: "ab".repeat(32), scopes: ["read", "run", "admin"] }],
      sidecars: [],
      callbacks: {},
    });
  });

  test("that cannot be read is named", () => {
    expect(() => readConfigFile(join(folder, "missing.toml"))).toThrow("missing.toml");
    expect(() => readConfigFile(folder)).toThrow(ConfigError);
  });

  test("of any text is read or refused by its name", () => {
    assert(
      property(string(), (text) => {
        const why = refusal(text);
        if (why !== "none") expect(why).toContain(path);
      }),
    );
  });
});

describe("is refused with its key:", () => {
  test.each([
    ["token = 1", "token"],
    ["token = [1]", "token"],
    ["[token]\nname = 'a'", "token"],
    ["server = [1]", "server"],
    ["server = 2026-01-01", "server"],
    ["limits = 'x'", "limits"],
    ["environment = []", "environment"],
    ['[server]\nlisten = "127.0.0.1:1"', "server.listen"],
    ["[server]\nlisten = [1]", "server.listen"],
    ["[server]\nhosts = [['a']]", "server.hosts"],
    ["[server]\norigins = 'x'", "server.origins"],
    ["[server]\ntrustedProxies = {}", "server.trustedProxies"],
    ["[server]\ndata = 1", "server.data"],
    ["[server]\nauth = true", "server.auth"],
    ["[environment]\nA = 1", "environment.A"],
    ["[environment]\nA = ['x']", "environment.A"],
    ['[environment]\n"A=B" = "1"', "A=B"],
    ['[environment]\n"" = "1"', "environment"],
    ['[environment]\n"A\\u0000" = "1"', "environment"],
    ['[environment]\nA = "\\u0000"', "environment.A"],
    ["[environment]\ninherit = 'A'", "environment.inherit"],
    ["[environment]\ninherit = [1]", "environment.inherit"],
    ["[server]\n__proto__ = 1", "__proto__"],
    ["[constructor]\n", "constructor"],
    ["[limits]\ntoString = 1", "limits.toString"],
  ])("%p", (text, words) => {
    expect(refusal(text)).toContain(words);
  });
});

describe("each limit", () => {
  test.each(Object.entries(limitTable))(
    "%s has a default in its range, and no value outside it",
    (name, limit) => {
      const known = name as keyof typeof limitTable;
      for (const value of [limit.min, limit.default, limit.max]) expect(checkLimit(known, value)).toBe(value);
      for (const value of [
        limit.min - 1,
        limit.max + 1,
        Number.NaN,
        Infinity,
        -Infinity,
        "1",
        null,
        undefined,
        true,
      ]) {
        expect(() => checkLimit(known, value)).toThrow(`limits.${name}`);
      }
      if (limit.whole) expect(() => checkLimit(known, limit.min + 0.5)).toThrow("whole");
    },
  );
});

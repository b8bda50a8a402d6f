import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Contexts, contextsPath, readContexts, writeContexts } from "./contexts.ts";

const folder = mkdtempSync(join(tmpdir(), "errand-contexts-"));
afterAll(() => rmSync(folder, { recursive: true }));

let path = "";
let count = 0;
beforeEach(() => {
  count += 1;
  path = join(folder, String(count), "errand", "contexts.json");
});

const contexts: Contexts = {
  current: "a",
  contexts: [
    { name: "a", url: "http://a.example", token: "secret", tokenFile: null },
    { name: "b", url: "unix:/run/b.sock", token: null, tokenFile: "/run/token" },
  ],
};

test("the file stands where the user keeps settings", () => {
  expect(contextsPath({ XDG_CONFIG_HOME: "/c" })).toBe("/c/errand/contexts.json");
  expect(contextsPath({ XDG_CONFIG_HOME: "c" })).toEndWith("/.config/errand/contexts.json");
});

test("what was written is read, and nobody else can", () => {
  const before = process.umask(0);
  writeContexts(path, contexts);
  process.umask(before);
  expect(readContexts(path)).toEqual(contexts);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("without a file there are none", () => {
  expect(readContexts(path)).toEqual({ current: null, contexts: [] });
});

describe("refused:", () => {
  const write = (text: string) => {
    writeContexts(path, { current: null, contexts: [] });
    writeFileSync(path, text);
  };

  test("a file that others can read", () => {
    write("{}");
    chmodSync(path, 0o640);
    expect(() => readContexts(path)).toThrow("0640");
  });

  test.each([
    "",
    "secret",
    "[]",
    "{}",
    '{"contexts":[{"name":"secret"}]}',
    '{"contexts":[{"name":"a","url":"x","token":5}]}',
    '{"contexts":[],"current":7}',
  ])("%j, without showing it", (text) => {
    write(text);
    expect(() => readContexts(path)).toThrow(path);
    expect(() => readContexts(path)).not.toThrow("secret");
  });
});

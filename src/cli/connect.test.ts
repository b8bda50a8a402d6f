import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { targetOf } from "./connect.ts";
import { writeContexts } from "./contexts.ts";

const home = mkdtempSync(join(tmpdir(), "errand-connect-"));
afterAll(() => rmSync(home, { recursive: true }));
mkdirSync(join(home, "errand"));
writeFileSync(join(home, "errand", "token"), "local-token\n");
writeFileSync(join(home, "token-file"), "  from-file\n");
writeFileSync(join(home, "broken"), "two words");

const named = (name: string, url: string, more: { token?: string; tokenFile?: string } = {}) => ({
  ...{ name, url, token: null, tokenFile: null },
  ...more,
});
const files = { XDG_STATE_HOME: home, XDG_CONFIG_HOME: join(home, "none") };
const withContexts = { XDG_STATE_HOME: home, XDG_CONFIG_HOME: join(home, "config") };
writeContexts(join(home, "config/errand/contexts.json"), {
  current: "far",
  contexts: [
    named("far", "https://far.example", { token: "far-token" }),
    named("file", "https://file.example", { tokenFile: join(home, "token-file") }),
    named("open", "https://open.example"),
    named("here", "unix:/run/e.sock"),
  ],
});

/** Address and token, as they come out. */
function found(
  options: Parameters<typeof targetOf>[0],
  variables: Record<string, string>,
): [string, string | null] {
  const { address, token } = targetOf(options, { variables });
  return [address.shown, token];
}

describe("which server and token are meant:", () => {
  test("without a word, this machine's", () => {
    expect(found({}, files)).toEqual(["http://127.0.0.1:8910", "local-token"]);
  });

  test("the context in use", () => {
    expect(found({}, withContexts)).toEqual(["https://far.example", "far-token"]);
  });

  test("the environment wins over the context in use, a flag over both", () => {
    const variables = { ...withContexts, ERRAND_URL: "http://env.example", ERRAND_TOKEN: "env-token" };
    expect(found({}, variables)).toEqual(["http://env.example", "env-token"]);
    expect(found({ context: "file" }, variables)).toEqual(["https://file.example", "from-file"]);
    expect(found({ url: "http://flag.example" }, variables)).toEqual(["http://flag.example", "env-token"]);
    expect(found({ url: "http://flag.example", token: "typed" }, variables)[1]).toBe("typed");
    expect(found({ tokenFile: join(home, "token-file") }, variables)[1]).toBe("from-file");
  });

  test("empty variables are none", () => {
    expect(found({}, { ...files, ERRAND_URL: "", ERRAND_TOKEN: "" })).toEqual([
      "http://127.0.0.1:8910",
      "local-token",
    ]);
  });
});

describe("no token goes where it does not belong:", () => {
  test("this machine's own goes to this machine alone", () => {
    expect(found({ url: "http://other.example" }, files)[1]).toBeNull();
    expect(found({ url: "http://127.0.0.1.other.example" }, files)[1]).toBeNull();
    expect(found({ url: "http://127.0.0.1:99" }, files)[1]).toBe("local-token");
    expect(found({ context: "here" }, withContexts)[1]).toBe("local-token");
    expect(found({ context: "open" }, withContexts)[1]).toBeNull();
  });

  test("the environment's and a context's do not go to another server", () => {
    const variables = { ...withContexts, ERRAND_TOKEN: "env-token" };
    expect(found({}, variables)[1]).toBe("far-token");
    expect(found({ context: "open" }, variables)[1]).toBeNull();
    expect(found({ url: "http://other.example" }, withContexts)[1]).toBeNull();
  });
});

test.each([
  [{ url: "nowhere" }, "--url"],
  [{ url: "http://a", context: "far" }, "--context"],
  [{ token: "a", tokenFile: "b" }, "--token-file"],
  [{ context: "fra" }, "far, file, open, here"],
  [{ tokenFile: join(home, "missing") }, "missing"],
  [{ tokenFile: join(home, "broken") }, "broken"],
  [{ token: "a b" }, "--token"],
])("%j is told with what is wrong", (options, words) => {
  expect(() => targetOf(options, { variables: withContexts })).toThrow(words);
  expect(() => targetOf(options, { variables: withContexts })).not.toThrow("two words");
});

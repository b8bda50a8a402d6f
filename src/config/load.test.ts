import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { loadSettings } from "./load.ts";
import { ConfigError } from "./settings.ts";

/** No file lies beside this data directory, so nothing but flags and variables counts. */
const data = "/nowhere/data";
const load = (flags: Parameters<typeof loadSettings>[0] = {}, variables: Record<string, string> = {}) =>
  loadSettings({ data, ...flags }, variables);

/** The exit code of the refusal. */
function codeOf(flags: Parameters<typeof loadSettings>[0], variables: Record<string, string> = {}): number {
  try {
    load(flags, variables);
    return 0;
  } catch (error) {
    if (error instanceof ConfigError) return error.exitCode;
    throw error;
  }
}

describe("the data directory", () => {
  const where = (variables: Record<string, string>) => loadSettings({}, variables).data;

  test("follows XDG, and is absolute", () => {
    expect(where({ XDG_STATE_HOME: "/state" })).toBe("/state/errand");
    expect(where({})).toEndWith("/.local/state/errand");
    expect(where({ XDG_STATE_HOME: "relative" })).toEndWith("/.local/state/errand");
    expect(where({ ERRAND_DATA: "some/where" })).toBe(join(process.cwd(), "some/where"));
    expect(loadSettings({ data: "there" }, { ERRAND_DATA: "/x" }).data).toBe(join(process.cwd(), "there"));
  });
});

describe("lists in variables", () => {
  test("are parted by commas, and empty items do not count", () => {
    expect(load({}, { ERRAND_HOSTS: " a , b,,c " }).hosts).toEqual(["a", "b", "c"]);
    expect(load({}, { ERRAND_HOSTS: "" }).hosts).toEqual([]);
  });

  test("must leave something to listen at", () => {
    expect(() => load({}, { ERRAND_LISTEN: " , " })).toThrow(ConfigError);
  });
});

describe("origins", () => {
  test.each(["https://a.example", "http://localhost:3000", "http://[::1]:80".replace(":80", ":81")])(
    "%p is one",
    (origin) => {
      expect(load({}, { ERRAND_ORIGINS: origin }).origins).toEqual([origin]);
    },
  );

  test.each([
    "*",
    "null",
    "a.example",
    "https://a.example/",
    "https://a.example:443",
    "https://A.example",
    "https://a.example?x",
    "https://u@a.example",
    "file:///",
    "data:x",
    "https://*.a.example",
  ])("%p is none", (origin) => {
    expect(codeOf({}, { ERRAND_ORIGINS: origin })).toBe(78);
  });
});

describe("trusted proxies", () => {
  test.each(["10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::1", "fd00::/8"])("%p is one", (text) => {
    expect(load({}, { ERRAND_TRUSTED_PROXIES: text }).trustedProxies).toEqual([text]);
  });

  test.each([
    "proxy.example",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/",
    "/8",
    "10.0.0.1:80",
    "*",
    "10.0.0.0/8/8",
  ])("%p is none", (text) => {
    expect(codeOf({}, { ERRAND_TRUSTED_PROXIES: text })).toBe(78);
  });

  test.each(["10.0.1", "167772161", "0x0a.0.0.1", "012.0.0.1"])(
    "%p, which not everybody reads alike, is none",
    (text) => {
      expect(codeOf({}, { ERRAND_TRUSTED_PROXIES: text })).toBe(78);
    },
  );
});

describe("limits in variables", () => {
  test("have the name in capitals", () => {
    const { limits } = load({}, { ERRAND_LIMITS_STOP_GRACE_SECONDS: "0.5", ERRAND_LIMITS_PAGE_JOBS: "7" });
    expect([limits.stopGraceSeconds, limits.pageJobs]).toEqual([0.5, 7]);
  });

  test.each(["", " ", "x", "0", "1001", "1.5", "-1", "NaN", "Infinity", "1,5"])("%p is refused", (value) => {
    expect(codeOf({}, { ERRAND_LIMITS_PAGE_JOBS: value })).toBe(64);
  });
});

describe("without authentication", () => {
  const listen = (text: string, more: Parameters<typeof loadSettings>[0] = {}) =>
    codeOf({ listen: [text], auth: "none", ...more });

  test.each(["127.0.0.1:1", "[::1]:1", "localhost:1", "unix:/x", "1"])("%p is allowed", (text) => {
    expect(listen(text)).toBe(0);
  });

  test.each(["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1", "some.example:1"])(
    "%p is refused, but by explicit wish",
    (text) => {
      expect([listen(text), listen(text, { insecure: true }), codeOf({ listen: [text] })]).toEqual([
        78, 0, 0,
      ]);
    },
  );
});

describe("the environment of jobs", () => {
  test("takes over nothing by itself", () => {
    const { environment } = load({}, { SECRET: "x", LD_PRELOAD: "y", LANG: "tlh", PATH: "/z" });
    expect(Object.keys(environment).sort()).toEqual(["HOME", "LANG", "PATH", "SHELL", "USER"]);
    expect([environment.PATH, environment.LANG]).toEqual([
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "C.UTF-8",
    ]);
  });
});

test.each([
  [undefined, "info"],
  [1, "debug"],
  [2, "trace"],
  [9, "trace"],
])("-v %p times is %s", (verbosity, level) => {
  expect<string>(load(verbosity === undefined ? {} : { verbosity }).logLevel).toBe(level);
});

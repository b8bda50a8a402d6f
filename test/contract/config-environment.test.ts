// Contract config, [environment]: what every command starts with, and that nothing else of the server's reaches it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newAlias, run } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

afterAll(endEverything);

/** The variables that a command sees, with what `env` prints ended by NUL so that nothing is misread. */
async function environment(server: Server, envs?: Record<string, string>): Promise<Record<string, string>> {
  const { text } = await run(server, ["/usr/bin/env", "-0"], {
    alias: newAlias(),
    ...(envs === undefined ? {} : { envs }),
  });
  const entries = text.split("\0").filter(Boolean);
  return Object.fromEntries(
    entries.map((entry) => [entry.split("=", 1)[0] ?? "", entry.replace(/^[^=]*=/, "")]),
  );
}

/** The server's user as the system knows it; the variables that the server was started with say something else. */
const defaults = () => {
  const entry = Bun.spawnSync(["getent", "passwd", String(process.getuid?.())]).stdout.toString();
  const [user = "", , , , , home = "", shell = ""] = entry.trim().split(":");
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: home,
    USER: user,
    SHELL: shell,
    LANG: "C.UTF-8",
  };
};

const servers = {
  ERRAND_LISTEN: "127.0.0.1:0",
  SECRET: "of the server",
  LD_LIBRARY_PATH: "/nowhere",
  HTTP_PROXY: "http://proxy.example",
  EMPTY: "",
  LANG: "tlh",
  HOME: "/nowhere",
  USER: "mallory",
  SHELL: "/nowhere/sh",
  PATH: `${process.env.PATH}:/of-the-server`,
};

describe("without a configuration", () => {
  test("a command starts with the defaults and nothing of the server's", async () => {
    const server = await startServer({ env: servers });
    expect(await environment(server)).toEqual(defaults());
  });
});

describe("with [environment] and inherit", () => {
  let server: Server;
  beforeAll(async () => {
    const config = `
[environment]
PATH = "/usr/bin:/bin"
TZ = "UTC"
"with space" = "a \\u00e9 \\n b"
NONE = ""
BOTH = "configured"
inherit = ["HTTP_PROXY", "EMPTY", "NOT_THERE", "BOTH", "LANG"]
`;
    server = await startServer({ config, env: { ...servers, BOTH: "inherited" } });
  });

  const expected = () => ({
    ...defaults(),
    PATH: "/usr/bin:/bin",
    TZ: "UTC",
    "with space": "a \u00e9 \n b",
    NONE: "",
    BOTH: "configured",
    HTTP_PROXY: "http://proxy.example",
    EMPTY: "",
    LANG: "tlh",
  });

  test("a command starts with just those", async () => {
    expect(await environment(server)).toEqual(expected());
  });

  test("what the request says stands above them", async () => {
    const envs = { TZ: "Asia/Tokyo", MORE: "1" };
    expect(await environment(server, envs)).toEqual({ ...expected(), ...envs });
  });

  test("the configured PATH is where programs are looked up", async () => {
    const own = await startServer({ config: `[environment]\nPATH = "/nowhere"\n` });
    const response = await own.request("/process", {
      method: "POST",
      body: JSON.stringify({ alias: newAlias(), cmd: "true" }),
    });
    expect(response.status).toBe(404);
    expect(await response.text()).toContain("PATH=/nowhere");
  });
});

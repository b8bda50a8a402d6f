// Servers by name.

import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endEverything, startServer } from "../support/server.ts";
import { startCli } from "./support/cli.ts";

afterAll(endEverything);

/** A user with a home of his own. */
function user() {
  const home = temporaryDirectory("user");
  const env = { XDG_CONFIG_HOME: home, XDG_STATE_HOME: home };
  const errand = (...args: string[]) => startCli(args, { env, cwd: home }).ended;
  return { home, errand, path: join(home, "errand/contexts.json") };
}

test("are made, listed, used and removed", async () => {
  const { errand, path } = user();
  expect(await errand("context", "list")).toMatchObject({ code: 0, stdout: "IN USE  NAME  URL  TOKEN\n" });
  await errand("context", "set", "build", "--url", "https://build.example", "--token", "secret-token");
  await errand("context", "set", "here", "--url", "unix:/run/errand.sock");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect((await errand("context", "use", "build")).code).toBe(0);
  const { stdout } = await errand("context", "list");
  expect(stdout.split("\n")).toEqual([
    "IN USE  NAME   URL                    TOKEN",
    "*       build  https://build.example  kept",
    "        here   unix:/run/errand.sock  none",
    "",
  ]);
  expect((await errand("context", "list", "--names")).stdout).toBe("build\nhere\n");
  const json = await errand("context", "list", "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({
    current: "build",
    contexts: [{ token: "kept" }, { token: null }],
  });
  expect(json.stdout + stdout).not.toContain("secret-token");
  await errand("context", "remove", "build");
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({
    current: null,
    contexts: [{ name: "here" }],
  });
});

test("replace the one of the same name", async () => {
  const { errand } = user();
  await errand("context", "set", "a", "--url", "http://one.example");
  await errand("context", "set", "a", "--url", "http://two.example");
  expect(JSON.parse((await errand("context", "list", "--json")).stdout)).toMatchObject({
    contexts: [{ url: "http://two.example" }],
  });
});

describe("say which server is asked:", () => {
  test("a file of a token is read at each use, from wherever", async () => {
    const server = await startServer();
    const { errand, home } = user();
    writeFileSync(join(home, "token.txt"), `${server.token}\n`);
    await errand("context", "set", "one", "--url", server.url, "--token-file", "token.txt");
    expect((await errand("ps", "--context", "one")).code).toBe(0);
    await errand("context", "use", "one");
    const elsewhere = await startCli(["ps"], { env: { XDG_CONFIG_HOME: home }, cwd: "/" }).ended;
    expect(elsewhere).toMatchObject({ code: 0, stderr: "" });
    writeFileSync(join(home, "token.txt"), "another");
    const refused = await errand("ps");
    expect(refused.code).toBe(77);
    expect(refused.stderr).toContain("--token-file");
  });

  test("without one it is this machine's, with its own token", async () => {
    const server = await startServer();
    const { errand } = user();
    const env = { ERRAND_DATA: server.dataDir };
    const { code } = await startCli(["ps", "--url", server.url], { env }).ended;
    expect(code).toBe(0);
    expect((await errand("ps", "--url", server.url)).code).toBe(77);
  });

  test("a Unix socket is one, too", async () => {
    const socket = join(temporaryDirectory("socket"), "errand.sock");
    const server = await startServer({ listen: [`unix:${socket}`] });
    const env = { ERRAND_DATA: server.dataDir };
    const told = await startCli(["run", "--url", `unix:${socket}`, "--", "echo", "through a socket"], { env })
      .ended;
    expect(told).toMatchObject({ code: 0, stdout: "through a socket\n", stderr: "" });
  });

  test("a proxy for the network sees nothing of what stays here", async () => {
    const server = await startServer();
    let asked = 0;
    const proxy = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch() {
        asked += 1;
        return new Response("a proxy", { status: 502 });
      },
    });
    const url = `http://127.0.0.1:${proxy.port}`;
    const env = { ERRAND_TOKEN: server.token, HTTP_PROXY: url, http_proxy: url, no_proxy: "x.example" };
    for (const host of ["127.0.0.1", "localhost"]) {
      const { code, stderr } = await startCli(["ps", "--url", `http://${host}:${server.port}`], { env })
        .ended;
      expect([code, stderr]).toEqual([0, ""]);
    }
    expect(asked).toBe(0);
    const outside = await startCli(["ps", "--url", "http://far.example:1"], { env }).ended;
    expect([outside.code, asked > 0]).toEqual([69, true]);
    await proxy.stop(true);
  });
});

describe("refused:", () => {
  test("a file that others can read", async () => {
    const { errand, path } = user();
    await errand("context", "set", "a", "--url", "http://a.example");
    chmodSync(path, 0o644);
    for (const args of [["ps"], ["context", "list"]]) {
      const { code, stderr } = await errand(...args);
      expect(code).toBe(78);
      expect(stderr).toContain(`chmod 600 ${path}`);
    }
  });

  test.each([
    [["context", "set", "a b", "--url", "http://a.example"], "letters"],
    [["context", "set", "a", "--url", "a.example"], "address"],
    [["context", "set", "a", "--url", "http://a.example", "--token-file", "missing"], "missing"],
    [["context", "use", "a"], "known are: none"],
    [["context", "use"], "--none"],
    [["context", "remove", "a"], "known are: none"],
  ])("%j", async (args, words) => {
    const { errand } = user();
    const { code, stderr } = await errand(...args);
    expect(code).toBe(64);
    expect(stderr).toContain(words);
  });
});

// Tokens of a server, and what it tells of itself.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { Cli } from "./support/cli.ts";

afterAll(endEverything);

let server: Server;
let cli: Cli;
beforeAll(async () => {
  server = await startServer();
  cli = new Cli(server);
});

const withToken = (token: string) => new Cli({ ...server, token });

describe("token", () => {
  test("create prints the secret alone, which then is good for its scopes", async () => {
    const told = await cli.run(["token", "create", "reader", "--scope", "read"]);
    expect([told.code, told.stderr]).toEqual([0, expect.stringContaining("not shown again")]);
    expect(told.stdout).toMatch(/^\S{32,}\n$/);
    const reader = withToken(told.stdout.trim());
    expect((await reader.run(["ps"])).code).toBe(0);
    const refused = await reader.run(["run", "true"]);
    expect([refused.code, refused.stderr]).toEqual([125, expect.stringContaining("(forbidden)")]);
    const other = await reader.run(["token", "list"]);
    expect([other.code, other.stderr]).toEqual([77, expect.stringContaining("admin")]);
  });

  test("list shows all, without secrets", async () => {
    const made = await cli.run([
      "token",
      "create",
      "listed",
      "--scope",
      "run",
      "--scope",
      "read",
      "--expires",
      "90d",
      "--json",
    ]);
    const { id, secret, expiresAt } = JSON.parse(made.stdout);
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(89 * 86_400_000);
    const { stdout } = await cli.run(["token", "list"]);
    expect(stdout).toMatch(/^ID +NAME +SCOPES +SOURCE +AGE +EXPIRES$/m);
    expect(stdout).toMatch(new RegExp(`^${id} +listed +(run,read|read,run) +api +\\S+ +${expiresAt}$`, "m"));
    const json = await cli.run(["token", "list", "--json"]);
    expect(JSON.parse(json.stdout).tokens.map(({ name }: { name: string }) => name)).toContain("listed");
    for (const text of [stdout, json.stdout]) expect(text).not.toContain(secret);
  });

  test("revoke takes an id or a name, and the token is refused at once", async () => {
    const make = async () =>
      JSON.parse((await cli.run(["token", "create", "short", "--scope", "read", "--json"])).stdout);
    const first = await make();
    expect((await withToken(first.secret).run(["ps"])).code).toBe(0);
    expect(await cli.run(["token", "revoke", "short"])).toMatchObject({ code: 0, stdout: `${first.id}\n` });
    expect((await withToken(first.secret).run(["ps"])).code).toBe(77);
    const again = await make();
    expect((await cli.run(["token", "revoke", again.id])).code).toBe(0);
    expect(await cli.run(["token", "revoke", "short"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no token"),
    });
  });
});

test("info says who answers", async () => {
  const { code, stdout } = await cli.run(["info"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^address +${server.url}$`, "m"));
  expect(stdout).toMatch(/^ {2}maxRunningJobs +10000$/m);
  const json = JSON.parse((await cli.run(["info", "--json"])).stdout);
  expect(json).toMatchObject({ runningJobs: 0, limits: { maxRunningJobs: 10_000 } });
});

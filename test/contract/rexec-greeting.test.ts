// The greeting of `errand serve`: where it listens, and a line that a person can paste.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { command, errand } from "../support/command.ts";
import { endEverything, projectRoot, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const { version } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
  version: string;
};

/** The command of the greeting, which may go on over several lines. */
async function pasteable(): Promise<string> {
  const find = () => /^\s*(curl (?:.*\\\n)*.*)$/m.exec(server.stdoutLines().join("\n"))?.[1];
  return until(find, { describe: "a curl line in the greeting" });
}

test("the first line tells name, version and address", () => {
  expect(server.stdoutLines()[0]).toBe(`Errand ${version} listens on http://127.0.0.1:${server.port}`);
});

test("the curl line runs a command when it is pasted", async () => {
  const { code, stdout, stderr } = await command(["sh", "-c", await pasteable()]);
  expect([code, stderr.includes("[Rexec]")]).toEqual([0, false]);
  expect(stdout).not.toBe("");
  expect(stdout).not.toContain("[Rexec]");
});

test("the token is in its file, for its owner alone, and nowhere in what was said", async () => {
  const path = join(server.dataDir, "token");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(server.dataDir).mode & 0o077).toBe(0);
  expect(server.token.length).toBeGreaterThanOrEqual(43);
  await pasteable();
  const said = [...server.stdoutLines(), JSON.stringify(server.logLines())].join("\n");
  expect(said).not.toContain(server.token);
});

test("the log is one JSON object for each line", () => {
  const lines = server.logLines();
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect(line).toHaveProperty("level");
});

test("GET /, /healthz and /readyz need no credential", async () => {
  for (const path of ["/", "/healthz", "/readyz"]) {
    expect((await server.request(path, { credential: false })).status).toBe(200);
  }
});

test("errand --version tells the version", async () => {
  const { code, stdout } = await errand(["--version"]);
  expect([code, stdout.trim()]).toEqual([0, version]);
});

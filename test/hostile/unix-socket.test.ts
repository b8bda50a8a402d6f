// A socket file is a way to run commands: its user's alone, never stolen, never in an open directory.
import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { atEnd, temporaryDirectory } from "../support/cleanup.ts";
import { errand } from "../support/command.ts";
import { run } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

afterAll(endEverything);

const serveAt = (path: string) => startServer({ listen: [`unix:${path}`] });
const socketPath = () => join(temporaryDirectory("socket"), "errand.sock");

async function refused(path: string, code: number): Promise<string> {
  const data = join(temporaryDirectory("refused"), "data");
  const args = ["serve", "--data", data, "--listen", `unix:${path}`];
  // A server that starts all the same is ended after that time, and fails the test.
  const result = await errand(args, { timeoutMilliseconds: 5_000 });
  expect([result.code, result.stdout]).toEqual([code, ""]);
  expect(result.stderr).toContain(path);
  return result.stderr;
}

async function echoes(server: Server): Promise<void> {
  expect((await run(server, ["echo", "by socket"])).text).toBe("by socket\n");
}

test("it is 0600, whatever the umask, and needs the credential", async () => {
  const path = socketPath();
  const prefix = ["sh", "-c", 'umask 000; exec "$@"', "sh"];
  const server = await startServer({ listen: [`unix:${path}`], prefix });
  const stat = lstatSync(path);
  expect([stat.isSocket(), stat.mode & 0o777]).toEqual([true, 0o600]);
  expect((await server.request("/v1/jobs", { credential: false })).status).toBe(401);
  await echoes(server);
});

test("it is gone after an orderly end", async () => {
  const path = socketPath();
  const server = await serveAt(path);
  await echoes(server);
  expect(await server.stop()).toBe(0);
  expect(existsSync(path)).toBe(false);
});

test("one that a killed server has left is replaced", async () => {
  const path = socketPath();
  const first = await serveAt(path);
  await first.kill9();
  expect(lstatSync(path).isSocket()).toBe(true);
  await echoes(await serveAt(path));
});

describe("is refused, and stays as it is:", () => {
  test("another server's socket", async () => {
    const path = socketPath();
    const server = await serveAt(path);
    await refused(path, 69);
    await echoes(server);
  });

  test("the socket of a program that is no Errand", async () => {
    const path = socketPath();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(path, resolve));
    atEnd(async () => {
      other.close();
    });
    await refused(path, 69);
    expect(other.listening).toBe(true);
    expect(lstatSync(path).isSocket()).toBe(true);
  });

  test("a file", async () => {
    const path = socketPath();
    writeFileSync(path, "precious");
    await refused(path, 78);
    expect(readFileSync(path, "utf8")).toBe("precious");
  });

  test("a directory", async () => {
    const path = socketPath();
    mkdirSync(path);
    await refused(path, 78);
    expect(lstatSync(path).isDirectory()).toBe(true);
  });

  test("a link, wherever it leads", async () => {
    const path = socketPath();
    const target = socketPath();
    symlinkSync(target, path);
    await refused(path, 78);
    expect([lstatSync(path).isSymbolicLink(), existsSync(target)]).toEqual([true, false]);
  });
});

describe("a socket in a directory", () => {
  test("that others can write to is refused", async () => {
    const path = socketPath();
    chmodSync(join(path, ".."), 0o777);
    await refused(path, 78);
    expect(existsSync(path)).toBe(false);
  });

  test("that is sticky, as /tmp is, is not", async () => {
    const path = socketPath();
    chmodSync(join(path, ".."), 0o1777);
    await echoes(await serveAt(path));
  });

  test("that is not there is refused", async () => {
    const path = join(temporaryDirectory("socket"), "not", "there");
    await refused(path, 78);
  });
});

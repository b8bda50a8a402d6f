// The data directory holds the token and says what ran: it is this user's alone, or the server does not start.
import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { errand } from "../support/command.ts";
import { run } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

afterAll(endEverything);

const unsafe = 78;
const isRoot = process.getuid?.() === 0;
const goodToken = `${"t".repeat(43)}\n`;

/** The server must end by itself, with words about the path that is wrong, and must not have listened. */
async function refused(data: string, subject = data): Promise<string> {
  // A server that starts all the same is ended after that time, and fails the test.
  const ended = errand(["serve", "--data", data, "--port", "0"], { timeoutMilliseconds: 5_000 });
  const { code, stdout, stderr } = await ended;
  expect([code, stdout]).toEqual([unsafe, ""]);
  expect(stderr).toStartWith("errand: ");
  expect(stderr).toContain(subject);
  return stderr;
}

function fresh(mode = 0o700): string {
  const data = join(temporaryDirectory("unsafe"), "data");
  mkdirSync(data, { mode: 0o700 });
  chmodSync(data, mode);
  return data;
}

describe("is refused:", () => {
  test.each([0o777, 0o770, 0o720, 0o702, 0o1777])("a directory with the mode %o", async (mode) => {
    const data = fresh(mode);
    await refused(data);
    expect(readdirSync(data)).toEqual([]);
  });

  test("a link to a directory", async () => {
    const link = join(temporaryDirectory("link"), "data");
    symlinkSync(fresh(), link);
    await refused(link);
  });

  test("a link with a slash behind it", async () => {
    const link = join(temporaryDirectory("link"), "data");
    symlinkSync(fresh(), link);
    await refused(`${link}/`, link);
  });

  test("one below a link to a directory that others can write to", async () => {
    const home = temporaryDirectory("link");
    mkdirSync(join(home, "open"));
    chmodSync(join(home, "open"), 0o777);
    symlinkSync(join(home, "open"), join(home, "link"));
    await refused(join(home, "link", "data"));
  });

  test("a link to nothing", async () => {
    const link = join(temporaryDirectory("link"), "data");
    const target = join(dirname(link), "elsewhere");
    symlinkSync(target, link);
    await refused(link);
    expect(existsSync(target)).toBe(false);
  });

  test("a file", async () => {
    const data = join(temporaryDirectory("file"), "data");
    writeFileSync(data, "");
    await refused(data);
  });

  test("one in a directory that others can write to", async () => {
    const data = fresh();
    chmodSync(dirname(data), 0o777);
    await refused(data);
  });

  test("a new one in a directory that others can write to", async () => {
    const parent = temporaryDirectory("open");
    chmodSync(parent, 0o777);
    await refused(join(parent, "data"));
  });

  test.skipIf(!isRoot)("another user's", async () => {
    const data = fresh();
    chownSync(data, 12_345, 12_345);
    await refused(data);
  });
});

describe("is refused for its token:", () => {
  test.each([0o644, 0o640, 0o604, 0o666, 0o660, 0o620])("with the mode %o", async (mode) => {
    const data = fresh();
    const token = join(data, "token");
    writeFileSync(token, goodToken);
    chmodSync(token, mode);
    expect(await refused(data, token)).toContain("chmod 600");
    expect(readFileSync(token, "utf8")).toBe(goodToken);
  });

  test("a link", async () => {
    const data = fresh();
    const elsewhere = join(dirname(data), "elsewhere");
    writeFileSync(elsewhere, goodToken, { mode: 0o600 });
    symlinkSync(elsewhere, join(data, "token"));
    await refused(data, join(data, "token"));
  });

  test("a link to nothing is not followed", async () => {
    const data = fresh();
    const elsewhere = join(dirname(data), "elsewhere");
    symlinkSync(elsewhere, join(data, "token"));
    await refused(data, join(data, "token"));
    expect(existsSync(elsewhere)).toBe(false);
  });

  test("a directory", async () => {
    const data = fresh();
    mkdirSync(join(data, "token"), { mode: 0o700 });
    await refused(data, join(data, "token"));
  });

  test.each(["", "\n", "short\n", " ".repeat(100)])("%p", async (text) => {
    const data = fresh();
    writeFileSync(join(data, "token"), text, { mode: 0o600 });
    await refused(data, join(data, "token"));
  });

  test.skipIf(!isRoot)("another user's", async () => {
    const data = fresh();
    const token = join(data, "token");
    writeFileSync(token, goodToken, { mode: 0o600 });
    chownSync(token, 12_345, 12_345);
    await refused(data, token);
  });
});

const modeOf = (path: string) => lstatSync(path).mode & 0o777;

/** What others could open of the data, by its path. */
function openToOthers({ dataDir }: Server): string[] {
  if ((modeOf(dataDir) & 0o077) === 0) return [];
  const names = readdirSync(dataDir);
  return names.filter((name) => (modeOf(join(dataDir, name)) & 0o077) !== 0);
}

describe("what the server makes", () => {
  test("is its user's alone, whatever the umask", async () => {
    const server = await startServer({ prefix: ["sh", "-c", 'umask 000; exec "$@"', "sh"] });
    await run(server, ["true"]);
    expect(modeOf(server.dataDir)).toBe(0o700);
    for (const name of ["token", "lock", "live"]) {
      expect([name, modeOf(join(server.dataDir, name))]).toEqual([name, 0o600]);
    }
    expect(readdirSync(server.dataDir)).toContain("errand.db");
    expect(openToOthers(server)).toEqual([]);
    expect(server.token).toMatch(/^[\w-]{43}$/);
  });

  test("is so, too, in a directory that others may look into", async () => {
    const server = await startServer({ dataDir: fresh(0o755) });
    await run(server, ["true"]);
    expect(openToOthers(server)).toEqual([]);
  });

  test("is no other token at the next start", async () => {
    const first = await startServer();
    const { token, dataDir } = first;
    await first.stop();
    const second = await startServer({ dataDir });
    expect(second.token).toBe(token);
    expect((await startServer()).token).not.toBe(token);
  });
});

describe("works:", () => {
  test("a path of more than 200 characters", async () => {
    const dataDir = join(temporaryDirectory("long"), "d".repeat(100), "e".repeat(100), "data");
    const server = await startServer({ dataDir });
    expect((await run(server, ["echo", "long"])).text).toBe("long\n");
  });

  test("a path with spaces, quotes and letters that are not ASCII, and the greeting quotes it", async () => {
    const dataDir = join(temporaryDirectory("odd"), "it's a \u00e9t\u00e9 $(id)");
    const server = await startServer({ dataDir });
    expect((await run(server, ["echo", "odd"])).text).toBe("odd\n");
    const curl = server.stdoutLines().find((text) => text.includes("curl")) ?? "";
    expect(curl).toContain(`'${join(dataDir, "token").replace("'", `'\\''`)}'`);
  });

  test("a directory below a link that others cannot change", async () => {
    const home = temporaryDirectory("linked");
    mkdirSync(join(home, "real"), { mode: 0o700 });
    symlinkSync(join(home, "real"), join(home, "link"));
    const server = await startServer({ dataDir: join(home, "link", "data") });
    expect((await run(server, ["echo", "linked"])).text).toBe("linked\n");
  });

  test("for one server at a time", async () => {
    const server = await startServer();
    const { code, stdout, stderr } = await errand(["serve", "--data", server.dataDir, "--port", "0"]);
    expect([code, stdout]).toEqual([69, ""]);
    expect(stderr).toContain(String(server.pid));
    expect((await run(server, ["echo", "still"])).text).toBe("still\n");
  });
});

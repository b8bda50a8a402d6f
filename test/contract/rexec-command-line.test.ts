// Contract rexec, "Command line": the flags of `errand serve`, and what a wrong one is answered with.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { errand } from "../support/command.ts";
import { run } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

afterAll(endEverything);

const usageError = 64;
const unsafe = 78;

/** Runs `errand serve` with flags that it must refuse before it makes anything. */
async function refused(args: readonly string[], code: number): Promise<string> {
  const data = join(temporaryDirectory("refused"), "data");
  const result = await errand(["serve", "--data", data, ...args]);
  expect([result.code, result.stdout, existsSync(data)]).toEqual([code, "", false]);
  return result.stderr;
}

describe("the address", () => {
  test.each([
    ["-i", "-p"],
    ["--ip", "--port"],
  ])("%s and %s", async (ip, port) => {
    const server = await startServer({ listen: [], args: [ip, "127.0.0.2", port, "0"] });
    expect(server.host).toBe("127.0.0.2");
    expect((await run(server, ["echo", "x"])).text).toBe("x\n");
  });

  test("-p takes the port that it names", async () => {
    const first = await startServer();
    await first.stop();
    const second = await startServer({ listen: [], args: ["-p", String(first.port)] });
    expect([second.host, second.port]).toEqual(["127.0.0.1", first.port]);
  });

  test("--listen may be repeated, and may name a Unix socket", async () => {
    const socket = join(temporaryDirectory("socket"), "errand.sock");
    const listen = [`unix:${socket}`, "127.0.0.1:0"];
    const server = await startServer({ listen });
    expect(server.addresses).toEqual([
      `unix:${socket}`,
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    ]);
    expect((await run(server, ["echo", "by socket"])).text).toBe("by socket\n");
    const [, url = ""] = server.addresses;
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test("that is taken is told, and the server ends", async () => {
    const { port } = await startServer();
    const data = join(temporaryDirectory("taken"), "data");
    const { code, stderr } = await errand(["serve", "--data", data, "--port", String(port)]);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(String(port));
  });
});

describe("a bad number is a usage error", () => {
  test.each([
    ["--port", "x"],
    ["--port", "65536"],
    ["--port", "-1"],
    ["--port", "80.5"],
    ["--port", ""],
    ["-p", "8910x"],
    ["--status-size", "x"],
    ["--status-size", "-1"],
    ["--status-size", "0"],
    ["--status-size", "1.5"],
    ["--stdout-size", "eight"],
    ["--stdout-size", "0"],
    ["--stdout-size", "-8"],
    ["--stdout-size", "1e99"],
  ])("%s %p", async (flag, value) => {
    const said = await refused([`${flag}${flag.startsWith("--") ? "=" : ""}${value}`], usageError);
    expect(said).toContain(flag.startsWith("--") ? flag : "--port");
  });

  test.each([
    ["--ip", "nowhere"],
    ["--ip", "127.0.0.1.1"],
  ])("and so is a bad address: %s %p", async (flag, value) => {
    expect(await refused([flag, value], usageError)).toContain(value);
  });
});

describe("a wrong flag", () => {
  test.each([
    ["--stdout-sise", "--stdout-size"],
    ["--status", "--status-size"],
    ["--prot", "--port"],
  ])("%s names the nearest right one", async (wrong, right) => {
    expect(await refused([wrong, "8"], usageError)).toContain(right);
  });

  test("a flag without its value and a word too many are usage errors", async () => {
    await refused(["--stdout-size"], usageError);
    await refused(["surplus"], usageError);
  });

  test("--help names every flag of the contract and the default port", async () => {
    const { code, stdout } = await errand(["serve", "--help"]);
    expect(code).toBe(0);
    for (const word of [
      "-i, --ip",
      "-p, --port",
      "--status-size",
      "--stdout-size",
      "-v",
      "8910",
      "127.0.0.1",
    ]) {
      expect(stdout).toContain(word);
    }
  });
});

describe("the log", () => {
  const numbers: Record<string, number> = { trace: 10, debug: 20, info: 30 };

  /** The lowest level that was logged while a command ran. */
  async function lowestLevel(server: Server): Promise<number> {
    await run(server, ["true"]);
    await server.stop();
    const levels = server.logLines().map((line) => numbers[String(line.level)] ?? Number(line.level));
    return Math.min(...levels);
  }

  test.each([
    ["info by default", [], 30],
    ["debug with -v", ["-v"], 20],
    ["trace with -vv", ["-vv"], 10],
    ["trace with -v -v", ["-v", "-v"], 10],
  ])("is %s", async (_name, args, level) => {
    expect(await lowestLevel(await startServer({ args }))).toBe(level);
  });
});

describe("off loopback", () => {
  test.each([["0.0.0.0"], ["::"]])(
    "%s without authentication is refused, and both ways out are named",
    async (ip) => {
      const said = await refused(["--ip", ip, "--port", "0", "--auth", "none"], unsafe);
      expect(said).toContain("--auth token");
      expect(said).toContain("--insecure-allow-anyone-to-run-commands");
    },
  );

  test("with a token is one flag", async () => {
    const data = join(temporaryDirectory("check"), "data");
    const { code, stderr } = await errand(["serve", "--data", data, "-i", "0.0.0.0", "--check"]);
    expect([code, stderr, existsSync(data)]).toEqual([0, "", false]);
  });
});

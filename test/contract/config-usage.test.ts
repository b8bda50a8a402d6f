// The command line: what is wrong is told with the nearest right word and exit 64; help is for people.
import { afterAll, describe, expect, test } from "bun:test";
import { errand } from "../support/command.ts";
import { endEverything } from "../support/server.ts";

afterAll(endEverything);

const usage = 64;

describe.concurrent("a usage error names the nearest right word:", () => {
  test.each([
    [["serv"], "serve"],
    [["server"], "serve"],
    [["sevre"], "serve"],
    [["serve", "--dat", "x"], "--data"],
    [["serve", "--lisen", "x"], "--listen"],
    [["serve", "--chek"], "--check"],
    [["serve", "--confg", "x"], "--config"],
    [["serve", "--auht", "none"], "--auth"],
    [["serve", "--insecure-allow-anyone-to-run-command"], "--insecure-allow-anyone-to-run-commands"],
    [["--versoin"], "--version"],
  ])("%j", async (args, nearest) => {
    const { code, stdout, stderr } = await errand(args);
    expect([code, stdout]).toEqual([usage, ""]);
    expect(stderr).toContain(nearest);
    expect(stderr).toContain("--help");
    expect(stderr).not.toContain("    at ");
  });
});

describe.concurrent("is a usage error, too:", () => {
  test.each([
    [["serve", "--auth", "open"], "open"],
    [["serve", "--auth"], "--auth"],
    [["serve", "--listen", "nowhere"], "nowhere"],
    [["serve", "--listen", "127.0.0.1:65536"], "65536"],
    [["serve", "--listen", "[127.0.0.1]:1"], "[127.0.0.1]:1"],
    [["serve", "--listen", "::1:80"], "::1:80"],
    [["serve", "--listen", "unix:"], "unix:"],
    [["serve", "--listen", ""], "listen"],
    [["serve", "--status-size", "1", "more"], "argument"],
    [["watchdog"], "watchdog"],
    [["qqqqqqqq"], "qqqqqqqq"],
  ])("%j", async (args, words) => {
    const { code, stdout, stderr } = await errand(args);
    expect([code, stdout]).toEqual([usage, ""]);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain("    at ");
  });

  test("no verb at all, which shows the help", async () => {
    const { code, stderr } = await errand([]);
    expect(code).toBe(usage);
    expect(stderr).toContain("serve");
  });
});

describe.concurrent("help", () => {
  const flags = [
    "--ip",
    "--port",
    "--listen",
    "--data",
    "--config",
    "--auth",
    "--insecure-allow-anyone-to-run-commands",
    "--status-size",
    "--stdout-size",
    "--verbose",
    "--check",
    "--help",
  ];

  test.each([[["serve", "--help"]], [["serve", "-h"]], [["help", "serve"]]])(
    "%j names every flag",
    async (args) => {
      const { code, stdout, stderr } = await errand(args);
      expect([code, stderr]).toEqual([0, ""]);
      for (const flag of flags) expect(stdout).toContain(flag);
      expect(stdout).toContain("Examples:");
      expect(stdout).toContain("errand.toml");
    },
  );

  test.each([[["--help"]], [["-h"]], [["help"]]])("%j names every verb", async (args) => {
    const { code, stdout, stderr } = await errand(args);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("Usage: errand");
    expect(stdout).toMatch(/^ {2}serve\b.*run the server/m);
  });

  test.each([[["--version"]], [["-V"]]])("%j is one line", async (args) => {
    const { code, stdout } = await errand(args);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });
});

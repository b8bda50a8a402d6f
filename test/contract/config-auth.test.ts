// Contract config and security: closed by default; open only where nobody else can come, or by explicit wish.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { atEnd, temporaryDirectory } from "../support/cleanup.ts";
import { errand } from "../support/command.ts";
import { job, run } from "../support/jobs.ts";
import { endEverything, startServer } from "../support/server.ts";
import { accepted, refused } from "./support/checked.ts";

afterAll(endEverything);

const insecure = "--insecure-allow-anyone-to-run-commands";

describe("--check", () => {
  test("makes nothing, listens nowhere and needs no free port", async () => {
    const home = temporaryDirectory("check");
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    atEnd(async () => {
      taken.close();
    });
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const socket = join(home, "errand.sock");
    const args = [
      "--listen",
      `127.0.0.1:${port}`,
      "--listen",
      `unix:${socket}`,
      "--data",
      join(home, "data"),
    ];
    const { code, stdout, stderr } = await errand(["serve", "--check", ...args]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`127.0.0.1:${port}, unix:${socket}`);
    expect(stdout).not.toContain("listens on");
    expect([existsSync(join(home, "data")), existsSync(socket)]).toEqual([false, false]);
  });

  test("leaves a data directory as it is", async () => {
    const data = join(temporaryDirectory("check"), "data");
    mkdirSync(data, { mode: 0o700 });
    expect((await errand(["serve", "--check", "--data", data])).code).toBe(0);
    expect(readdirSync(data)).toEqual([]);
  });
});

describe.concurrent("off loopback without authentication", () => {
  test.each([
    ["0.0.0.0:1"],
    ["[::]:1"],
    ["10.0.0.1:1"],
    ["192.0.2.1:1"],
    ["[fd00::1]:1"],
    ["[::ffff:10.0.0.1]:1"],
    ["some.example:1"],
    ["127.0.0.1.example:1"],
  ])("%s is refused, and both ways out are named", async (address) => {
    const said = await refused(78, { args: ["--listen", address, "--auth", "none"] });
    expect(said).toContain(`--listen ${address} --auth token`);
    expect(said).toContain(`--listen ${address} --auth none ${insecure}`);
  });

  test("one address among others is refused", async () => {
    const listen = ["--listen", "127.0.0.1:1", "--listen", "0.0.0.0:1", "--listen", "unix:/a"];
    const said = await refused(78, { args: [...listen, "--auth", "none"] });
    expect(said).toContain("0.0.0.0:1");
    expect(said).not.toContain("127.0.0.1:1");
  });

  test("the file or the environment alone cannot open it", async () => {
    const config = `[server]\nlisten = ["0.0.0.0:1"]\nauth = "none"\n`;
    expect(await refused(78, { config })).toContain(insecure);
    const env = { ERRAND_LISTEN: "0.0.0.0:1", ERRAND_AUTH: "none" };
    expect(await refused(78, { env })).toContain(insecure);
  });

  test("with the flag it is open, and --check says so", async () => {
    const shown = await accepted({ args: ["--listen", "0.0.0.0:1", "--auth", "none", insecure] });
    expect(shown["authenticate by"]).toContain("open");
  });

  test("the flag alone opens nothing", async () => {
    const shown = await accepted({ args: ["--listen", "0.0.0.0:1", insecure] });
    expect(shown["authenticate by"]).toStartWith("token");
  });
});

describe("--auth none", () => {
  test("on loopback needs no credential, and ignores a wrong one", async () => {
    const server = await startServer({ auth: "none" });
    expect((await run(server, ["echo", "open"])).text).toBe("open\n");
    expect((await server.request("/v1/jobs", { credential: "wrong" })).status).toBe(200);
    const { job: done } = await run(server, ["true"]);
    expect(await job(server, done.id)).toMatchObject({ owner: "anyone" });
    expect(server.stdoutLines().join("\n")).not.toContain("Authorization");
  });

  test("still checks Host, Origin and content type", async () => {
    const server = await startServer({ auth: "none" });
    const body = JSON.stringify({ alias: "x", cmd: "true" });
    for (const headers of [
      { host: "evil.example" },
      { origin: "https://evil.example", "content-type": "application/json" },
      { "content-type": "text/plain" },
      { "sec-fetch-site": "cross-site" },
    ]) {
      const response = await server.request("/process", { method: "POST", headers, body });
      expect([headers, response.status]).toEqual([headers, 403]);
    }
  });

  test("off loopback by wish warns in the log, and /healthz says it", async () => {
    // A name that is not known to be loopback counts as off it; this one leads there all the same, so that no test
    // opens a server to the network.
    const server = await startServer({ auth: "none", listen: ["LOCALHOST:0"], args: [insecure] });
    const warnings = server.logLines().filter(({ msg }) => /anyone|everybody/.test(String(msg)));
    expect(warnings.map(({ level }) => level)).toEqual([40]);
    const response = await fetch(`http://127.0.0.1:${server.port}/healthz`, { keepalive: false });
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("anyone")]);
    const closed = await startServer();
    expect(await (await closed.request("/healthz")).text()).toBe("ok\n");
  });
});

test.skipIf(process.getuid?.() !== 0)("running as root is told at the start", async () => {
  const server = await startServer();
  const told = server.logLines().filter(({ msg }) => String(msg).includes("root"));
  expect(told.map(({ level }) => level)).toEqual([40]);
});

// A connection that breaks loses and repeats nothing, and an end that nobody saw is no success.

import { afterAll, describe, expect, test } from "bun:test";
import { numbered } from "../conformance/bytes.ts";
import { CuttingProxy } from "../sdk/support/cutting-proxy.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { Cli } from "./support/cli.ts";

afterAll(endEverything);

/** A user of the server who reaches it through a proxy that breaks. */
async function throughProxy(server: Server) {
  const proxy = await CuttingProxy.start(server.url);
  return { proxy, cli: new Cli({ url: proxy.url, token: server.token, socketPath: undefined }) };
}

describe("a connection that breaks", () => {
  test("often loses and repeats nothing", async () => {
    const { proxy, cli } = await throughProxy(await startServer());
    const line = "for i in $(seq 1 60); do echo line $i; sleep 0.05; done; exit 5";
    const running = cli.start(["run", "--shell", line]);
    for (let count = 5; count <= 25; count += 10) {
      await until(() => running.output.stdout.includes(`line ${count}\n`), { describe: `line ${count}` });
      proxy.cutAll();
    }
    const expected = Array.from({ length: 60 }, (_, index) => `line ${index + 1}\n`).join("");
    expect(await running.ended).toMatchObject({ code: 5, stdout: expected, stderr: "" });
    expect(proxy.cuts).toBeGreaterThan(0);
  });

  test("in the middle of stdin loses and repeats nothing", async () => {
    const { proxy, cli } = await throughProxy(await startServer());
    const cuts = [3_000_000, 5_000_000, 7_000_000];
    proxy.nextCut = () => {
      const bytes = cuts.shift();
      return bytes === undefined ? null : { direction: "up", bytes };
    };
    const input = numbered(20_000_000);
    const told = await cli.run(["run", "--", "cat"], { stdin: input, timeoutMilliseconds: 60_000 });
    expect([told.code, told.stderr, told.stdoutBytes.byteLength]).toEqual([0, "", input.byteLength]);
    expect(Buffer.compare(told.stdoutBytes, input)).toBe(0);
    expect(proxy.cuts).toBeGreaterThan(0);
  }, 60_000);
});

describe("a server that is killed", () => {
  test("and comes back tells that the end is not known", async () => {
    const server = await startServer();
    const cli = new Cli(server);
    const running = cli.start(["run", "--shell", "echo before; sleep 60"]);
    await until(() => running.output.stdout === "before\n", { describe: "the first line" });
    await server.kill9();
    await startServer({ dataDir: server.dataDir, listen: [`127.0.0.1:${server.port}`] });
    const { code, stdout, stderr } = await running.ended;
    expect([code, stdout]).toEqual([125, "before\n"]);
    expect(stderr).toContain("not known");
  });

  test("and stays away is given up after 30 s, which is no success", async () => {
    const server = await startServer();
    const running = new Cli(server).start(["run", "--shell", "echo before; sleep 60"], {
      timeoutMilliseconds: 60_000,
    });
    await until(() => running.output.stdout === "before\n", { describe: "the first line" });
    await server.kill9();
    const { code, stdout, stderr } = await running.ended;
    expect([code, stdout]).toEqual([125, "before\n"]);
    expect(stderr).toMatch(/cut/);
    expect(stderr).toMatch(/errand logs -f \d+ --since \S+\n$/);
  }, 70_000);
});

test("a server that shuts down tells it", async () => {
  const server = await startServer({ env: { ERRAND_LIMITS_SHUTDOWN_DRAIN_SECONDS: "0.2" } });
  const running = new Cli(server).start([
    "run",
    "--shell",
    "echo before; trap 'exit 0' TERM; sleep 60 & wait",
  ]);
  await until(() => running.output.stdout === "before\n", { describe: "the first line" });
  await server.stop();
  const { code, stderr } = await running.ended;
  expect([code, stderr]).toEqual([125, "errand: the job was stopped: its server shuts down\n"]);
});

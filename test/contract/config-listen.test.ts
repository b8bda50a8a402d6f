// Contract config: where the server listens, and what it says when it cannot.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { errand } from "../support/command.ts";
import { idOf, newAlias, run } from "../support/jobs.ts";
import { endEverything, startServer } from "../support/server.ts";

afterAll(endEverything);

const unavailable = 69;

test("several addresses are one server: the same token and the same jobs", async () => {
  const socket = join(temporaryDirectory("socket"), "errand.sock");
  const listen = ["127.0.0.1:0", "127.0.0.1:0", "127.0.0.2:0", `unix:${socket}`];
  const server = await startServer({ listen });
  expect(server.addresses).toHaveLength(listen.length);
  expect(new Set(server.addresses).size).toBe(listen.length);
  const headers = { authorization: `Bearer ${server.token}` };
  const ids: string[] = [];
  for (const address of server.addresses) {
    const unix = address.startsWith("unix:") ? { unix: address.slice("unix:".length) } : {};
    const url = address.startsWith("unix:") ? "http://localhost" : address;
    const body = JSON.stringify({ alias: newAlias(), cmd: "echo", args: [address] });
    const response = await fetch(`${url}/process`, {
      method: "POST",
      headers,
      body,
      keepalive: false,
      ...unix,
    });
    expect(await response.text()).toBe(`${address}\n`);
    ids.push(idOf(response));
    expect((await fetch(`${url}/v1/jobs`, { keepalive: false, ...unix })).status).toBe(401);
  }
  const { jobs } = (await (await server.request("/v1/jobs")).json()) as { jobs: { id: string }[] };
  expect(jobs.map(({ id }) => id)).toEqual([...ids].reverse());
  expect(await server.stop()).toBe(0);
  expect(existsSync(socket)).toBe(false);
});

test("IPv6 is served", async () => {
  const server = await startServer({ listen: ["[::1]:0"] });
  expect(server.addresses[0]).toMatch(/^http:\/\/\[::1\]:\d+$/);
  const response = await fetch(`http://[::1]:${server.port}/readyz`, { keepalive: false });
  expect(await response.text()).toBe("ready\n");
});

describe("an address that is taken", () => {
  test("is told by its name with exit 69, and no job can have run", async () => {
    const { port } = await startServer();
    const data = join(temporaryDirectory("taken"), "data");
    const { code, stdout, stderr } = await errand(["serve", "--data", data, "--port", String(port)], {
      timeoutMilliseconds: 8_000,
    });
    expect([code, stdout]).toEqual([unavailable, ""]);
    const errors = stderr.split("\n").filter((line) => line.startsWith("errand: "));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`127.0.0.1:${port}`);
  });

  test("leaves nothing behind of the others", async () => {
    const { port } = await startServer();
    const home = temporaryDirectory("taken");
    const [data, socket] = [join(home, "data"), join(home, "errand.sock")];
    const listen = ["--listen", `unix:${socket}`, "--listen", `127.0.0.1:${port}`];
    const result = await errand(["serve", "--data", data, ...listen], { timeoutMilliseconds: 8_000 });
    expect([result.code, result.stdout, existsSync(socket)]).toEqual([unavailable, "", false]);
    // The directory is free at once: nothing of the failed start holds it.
    const next = await startServer({ dataDir: data, listen: [`unix:${socket}`] });
    expect((await run(next, ["echo", "next"])).text).toBe("next\n");
  });

  test("twice in one server is told as well", async () => {
    const { port, ...first } = await startServer();
    await first.stop();
    const data = join(temporaryDirectory("twice"), "data");
    const listen = ["--listen", `127.0.0.1:${port}`, "--listen", `127.0.0.1:${port}`];
    const { code, stderr } = await errand(["serve", "--data", data, ...listen], {
      timeoutMilliseconds: 8_000,
    });
    expect(code).toBe(unavailable);
    expect(stderr).toContain(String(port));
  });
});

test.each(["192.0.2.1:0"])("an address that is not here is told: %s", async (address) => {
  const data = join(temporaryDirectory("away"), "data");
  const { code, stdout, stderr } = await errand(["serve", "--data", data, "--listen", address], {
    timeoutMilliseconds: 8_000,
  });
  expect([code === 0, stdout]).toEqual([false, ""]);
  expect(stderr).toContain(address.replace(/:0$/, ""));
  expect(stderr).not.toContain("    at ");
});

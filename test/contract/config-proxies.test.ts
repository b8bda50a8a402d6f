// Contract config, trustedProxies: only from these do X-Forwarded-* count.
import { afterAll, describe, expect, test } from "bun:test";
import { endEverything, type Server, startServer } from "../support/server.ts";

afterAll(endEverything);

/** What a page of this server that came over TLS to its proxy would send. */
async function statusBehindTls(server: Server, protocol = "https"): Promise<number> {
  const headers = { origin: `https://${server.host}:${server.port}`, "x-forwarded-proto": protocol };
  return (await server.request("/v1/jobs", { headers })).status;
}

const trusting = (networks: string[]) =>
  startServer({ config: `[server]\ntrustedProxies = ${JSON.stringify(networks)}\n` });

describe("the protocol that a proxy tells", () => {
  test.each([[["127.0.0.1"]], [["10.0.0.0/8", "127.0.0.0/8"]]])("counts from %j", async (networks) => {
    const server = await trusting(networks);
    expect(await statusBehindTls(server)).toBe(200);
    expect(await statusBehindTls(server, "http")).toBe(403);
    const plain = { origin: server.url, "x-forwarded-proto": "https" };
    expect((await server.request("/v1/jobs", { headers: plain })).status).toBe(403);
  });

  test.each([[[]], [["10.0.0.0/8", "127.0.0.2", "::1"]]])("does not count with %j", async (networks) => {
    const server = await trusting(networks);
    expect(await statusBehindTls(server)).toBe(403);
    const plain = { origin: server.url, "x-forwarded-proto": "https" };
    expect((await server.request("/v1/jobs", { headers: plain })).status).toBe(200);
  });
});

// Clients that send slowly, or not at all, are cut in time and hold nobody up.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { run } from "../support/jobs.ts";
import { type RawConnection, rawConnection } from "../support/raw.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { bytesOf, credentialLine, type HeaderLines, hostLine } from "./support/bytes.ts";
import { Trap } from "./support/trap.ts";

/** The limits that are set, one look for slow clients per second, and room for a busy machine. */
const latestMilliseconds = 8_000;
let server: Server;
beforeAll(async () => {
  server = await startServer({
    env: {
      ERRAND_LIMITS_HEADERS_TIMEOUT_SECONDS: "1",
      ERRAND_LIMITS_REQUEST_TIMEOUT_SECONDS: "2",
      ERRAND_LIMITS_KEEP_ALIVE_SECONDS: "1",
    },
  });
});
afterAll(endEverything);

/** Sends one byte after the other, ten each second, until the server has had enough. */
async function drip(connection: RawConnection, text: string): Promise<void> {
  let at = 0;
  const timer = setInterval(() => {
    connection.send(text[at % text.length] ?? "");
    at += 1;
  }, 100);
  try {
    await connection.untilClosed(latestMilliseconds);
  } finally {
    clearInterval(timer);
  }
}

function headWith(more: HeaderLines): string {
  const headers = [hostLine(server), credentialLine(server), ["Content-Type", "application/json"] as const];
  return bytesOf({ headers: [...headers, ...more] }).toString();
}

/** Each gives what is sent at once and what comes in drops behind it. */
const modes: Readonly<Record<string, (body: string) => [atOnce: string, drops: string]>> = {
  "a head in drops": () => ["", "GET /healthz HTTP/1.1\r\nX-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
  "headers without an end": () => [headWith([]).slice(0, -2), "X-A: 1\r\n"],
  "a body in drops": (body) => [headWith([["Content-Length", String(body.length)]]), body],
  "chunks in drops": () => [headWith([["Transfer-Encoding", "chunked"]]), "1\r\n \r\n"],
};

describe.concurrent("in time is cut", () => {
  test.each(Object.entries(modes))("%s", async (_name, make) => {
    const trap = new Trap(server);
    const [atOnce, drops] = make(trap.body({ args: ["x".repeat(1_000)] }));
    const connection = await rawConnection(server);
    connection.send(atOnce);
    const good = run(server, ["echo", "meanwhile"]);
    await drip(connection, drops);
    expect((await good).text).toBe("meanwhile\n");
    expect(connection.text()).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
    await trap.expectNothingRan();
  });

  test.each([
    ["a head that stops", () => headWith([]).slice(0, 40)],
    ["a body that stops", () => `${headWith([["Content-Length", "100"]])}{"alias":`],
    ["a body that never begins", () => headWith([["Content-Length", "100"]])],
    ["an announced chunk that never comes", () => `${headWith([["Transfer-Encoding", "chunked"]])}ff\r\n`],
  ])("%s", async (_name, text) => {
    const connection = await rawConnection(server);
    connection.send(text());
    await connection.untilClosed(latestMilliseconds);
    expect(connection.text()).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
  });

  test("a connection on which nothing is asked", async () => {
    const connection = await rawConnection(server);
    await connection.untilClosed(latestMilliseconds);
    expect(connection.text()).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
  });

  test("but no quiet command", async () => {
    // Longer than every limit that is set here.
    const { text, job } = await run(server, ["sh", "-c", "sleep 4; echo late"]);
    expect([text, job.outcome?.code]).toEqual(["late\n", 0]);
  });

  test("a connection on which nothing more is asked", async () => {
    const connection = await rawConnection(server);
    connection.send(bytesOf({ method: "GET", target: "/healthz", headers: [hostLine(server)] }));
    expect((await connection.untilAnswered()).status).toBe(200);
    await connection.untilClosed(latestMilliseconds);
  });
});

describe("1,000 slow connections", () => {
  const count = 1_000;
  const requests = 100;

  /** The 99th of 100 requests, in milliseconds. */
  async function slowest99(): Promise<number> {
    const times: number[] = [];
    for (let request = 0; request < requests; request += 1) {
      const before = performance.now();
      expect((await server.request("/v1/jobs?limit=1")).status).toBe(200);
      times.push(performance.now() - before);
    }
    return times.sort((a, b) => a - b)[requests - 2] ?? Number.NaN;
  }

  test.each(["a head in drops", "a body in drops", "headers without an end"])(
    "(%s) hold nobody up",
    async (mode) => {
      const body = JSON.stringify({ alias: "x".repeat(500), cmd: "true" });
      const [atOnce, drops] = modes[mode]?.(body) ?? ["", ""];
      const connections = await Promise.all(Array.from({ length: count }, () => rawConnection(server)));
      for (const connection of connections) connection.send(atOnce);
      let at = 0;
      const timer = setInterval(() => {
        for (const connection of connections) connection.send(drops[at % drops.length] ?? "");
        at += 1;
      }, 200);
      try {
        // The machine may be busy with something else for a moment, but not every time.
        let best = Number.POSITIVE_INFINITY;
        for (let round = 0; round < 5 && best >= 100; round += 1) best = Math.min(best, await slowest99());
        expect(best).toBeLessThan(100);
        await Promise.all(connections.map((connection) => connection.untilClosed(latestMilliseconds)));
      } finally {
        clearInterval(timer);
        for (const connection of connections) connection.close();
      }
      expect((await run(server, ["echo", "on"])).text).toBe("on\n");
    },
  );
});

// Requests that two servers could take for different ones: refused, the connection closed, nothing behind them read.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endEverything, type Server, startServer } from "../support/server.ts";
import {
  bodyLines,
  bytesOf,
  credentialLine,
  type HeaderLines,
  hostLine,
  sendBytes,
  sendUntilClosed,
  statusesIn,
} from "./support/bytes.ts";
import { ambiguous, badChunks, badLines, nearTargets } from "./support/smuggled.ts";
import { Trap } from "./support/trap.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

function startRequest(body: string): string {
  const headers = [hostLine(server), credentialLine(server), ...bodyLines(body)];
  return bytesOf({ headers, body }).toString();
}

function headOf(line = "POST /process HTTP/1.1"): string {
  const [, ...lines] = bytesOf({
    headers: [hostLine(server), credentialLine(server), ["Content-Type", "application/json"]],
  })
    .toString()
    .split("\r\n");
  return [line, ...lines].join("\r\n").slice(0, -"\r\n".length);
}

/** Sends it; the connection must end after at most one answer, which is a refusal. */
async function refuse(make: (trap: Trap) => string): Promise<number | undefined> {
  const trap = new Trap(server);
  const said = await sendUntilClosed(server, Buffer.from(make(trap), "utf8"));
  await trap.expectNothingRan();
  const statuses = statusesIn(said);
  expect(statuses.length).toBeLessThanOrEqual(1);
  const [status = 400] = statuses;
  expect(status).toBeGreaterThanOrEqual(400);
  return status;
}

describe("a head that can be understood in two ways:", () => {
  test.each(Object.entries(ambiguous))("%s", async (_name, text) => {
    await refuse((trap) => text.replace("HEAD", headOf()).replace("NEXT", startRequest(trap.body())));
  });
});

describe("chunks that are none:", () => {
  test.each(Object.entries(badChunks))("%s", async (_name, text) => {
    await refuse((trap) => {
      const next = startRequest(trap.body());
      return `${headOf()}Transfer-Encoding: chunked\r\n\r\n${text.replace("NEXT", next)}`;
    });
  });

  test("a command in front of a bad chunk", async () => {
    await refuse((trap) => {
      const body = trap.body();
      return `${headOf()}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\nz\r\n\r\n`;
    });
  });
});

describe("a request line that is none:", () => {
  test.each(Object.entries(badLines))("%s", async (_name, line) => {
    await refuse((trap) => {
      const body = trap.body();
      return `${headOf(line)}Content-Length: ${body.length}\r\n\r\n${body}`;
    });
  });

  test.each([
    ["the greeting of TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["what is no text", "\x00\xff\xfe\x80\x00\x00"],
    ["the greeting of SSH", "SSH-2.0-OpenSSH_9\r\n"],
    ["empty lines before an unknown word", "\r\n\r\nHELO there\r\n\r\n"],
  ])("%s", async (_name, text) => {
    const said = await sendUntilClosed(server, Buffer.from(text, "latin1"));
    expect(statusesIn(said).every((status) => status >= 400)).toBe(true);
  });
});

describe("a head that is too large is 431:", () => {
  test.each<[string, HeaderLines, string]>([
    ["one long value", [["X-Long", "a".repeat(20_000)]], ""],
    ["one long name", [["X".repeat(20_000), "1"]], ""],
    ["many values", Array.from({ length: 400 }, (_, index) => [`X-${index}`, "v".repeat(50)] as const), ""],
    ["a long query", [], `?${"q".repeat(20_000)}`],
  ])("%s", async (_name, lines, query) => {
    const trap = new Trap(server);
    const body = trap.body();
    const headers = [hostLine(server), credentialLine(server), ...lines, ...bodyLines(body)];
    const said = await sendUntilClosed(server, bytesOf({ target: `/process${query}`, headers, body }));
    await trap.expectNothingRan();
    expect(statusesIn(said)).toEqual([431]);
  });
});

describe("a path that is only near is no path of this server:", () => {
  test.each([...nearTargets])("%p", async (text) => {
    const trap = new Trap(server);
    const target = text.replace("HOST", `${server.host}:${server.port}`);
    const body = trap.body();
    const headers = [hostLine(server), credentialLine(server), ...bodyLines(body)];
    const { status } = await sendBytes(server, bytesOf({ target, headers, body }));
    await trap.expectNothingRan();
    expect(status).toBeOneOf([400, 404, 501]);
  });

  test.each([
    "/v1/x/../jobs",
    "/v1/%6aobs",
    "/v1/./jobs",
    "/v1\\jobs",
    "/v1/jobs/../../openapi.json",
    "/v1/%2e/jobs",
  ])("%p", async (target) => {
    const headers = [hostLine(server), credentialLine(server)];
    const { status } = await sendBytes(server, bytesOf({ method: "GET", target, headers }));
    expect(status).toBeOneOf([400, 404, 501]);
  });

  test("a query belongs to no path", async () => {
    const body = "{}";
    const headers = [hostLine(server), credentialLine(server), ...bodyLines(body)];
    const { status } = await sendBytes(server, bytesOf({ target: "/process?/../x#y", headers, body }));
    expect(status).toBe(500);
  });
});

describe("what is right is framed rightly:", () => {
  test.each([401, 403, 404, 413, 500, 501])("behind an answer of %d", async (status) => {
    const trap = new Trap(server);
    const inner = startRequest(trap.body());
    const targets: Record<number, [string, HeaderLines]> = {
      401: ["/process", [["X-None", "1"]]],
      403: ["/process", [credentialLine(server), ["Origin", "https://evil.example"]]],
      404: ["/v1/nope", [credentialLine(server)]],
      413: ["/process", [credentialLine(server)]],
      500: ["/process", [credentialLine(server)]],
      501: ["/nope", [credentialLine(server)]],
    };
    const [target, lines] = targets[status] ?? ["/", []];
    const length = status === 413 ? 2 ** 31 : Buffer.byteLength(inner);
    const headers: HeaderLines = [
      hostLine(server),
      ...lines,
      ["Content-Type", "application/json"],
      ["Content-Length", String(length)],
    ];
    const answer = await sendBytes(server, bytesOf({ target, headers, body: inner }));
    expect(answer.status).toBe(status);
    await trap.expectNothingRan();
  });
});

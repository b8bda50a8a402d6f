// Bodies are bounded, each and all of them together, however their length is told.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { run, specOf } from "../support/jobs.ts";
import { rawConnection } from "../support/raw.ts";
import { errorOfAnswer } from "../support/rexec-error.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { bytesOf, credentialLine, type HeaderLines, hostLine, sendBytes } from "./support/bytes.ts";

const limitBytes = 900_000;
const allBytes = 1_048_576;
let server: Server;
beforeAll(async () => {
  server = await startServer({
    env: {
      ERRAND_LIMITS_REQUEST_BODY_BYTES: String(limitBytes),
      ERRAND_LIMITS_PENDING_BODY_BYTES: String(allBytes),
    },
  });
});
afterAll(endEverything);

function head(more: HeaderLines, target = "/process"): Buffer {
  const headers: HeaderLines = [
    hostLine(server),
    credentialLine(server),
    ["Content-Type", "application/json"],
    ...more,
  ];
  return bytesOf({ target, headers });
}

/** A right request of exactly that many bytes. */
function padded(bytes: number): string {
  const body = JSON.stringify(specOf(["echo", "whole"]));
  return body + " ".repeat(bytes - body.length);
}

const chunk = (data: string) => `${data.length.toString(16)}\r\n${data}\r\n`;

describe("a body at the limit", () => {
  test("is taken, and one byte more is 413", async () => {
    for (const [bytes, status] of [
      [limitBytes, 200],
      [limitBytes + 1, 413],
    ] as const) {
      const body = padded(bytes);
      const bytesSent = Buffer.concat([head([["Content-Length", String(bytes)]]), Buffer.from(body)]);
      expect([bytes, (await sendBytes(server, bytesSent)).status]).toEqual([bytes, status]);
    }
  });

  test("is taken in chunks, and one byte more is 413", async () => {
    for (const [bytes, status] of [
      [limitBytes, 200],
      [limitBytes + 1, 413],
    ] as const) {
      const body = padded(bytes);
      const chunks = `${chunk(body.slice(0, 60_000))}${chunk(body.slice(60_000))}0\r\n\r\n`;
      const bytesSent = Buffer.concat([head([["Transfer-Encoding", "chunked"]]), Buffer.from(chunks)]);
      expect([bytes, (await sendBytes(server, bytesSent)).status]).toEqual([bytes, status]);
    }
  });
});

describe("a body over the limit", () => {
  test.each(["900001", "4294967296", "9007199254740991"])(
    "of %s bytes is 413 by its length alone",
    async (bytes) => {
      const answer = await sendBytes(server, head([["Content-Length", bytes]]));
      expect(errorOfAnswer(answer)).toMatchObject({ status: 413, code: "TooLarge" });
      expect(answer.headers.connection).toBe("close");
    },
  );

  test("is 413 at v1, too", async () => {
    for (const target of ["/v1/jobs", "/v1/jobs/1/stop"]) {
      const answer = await sendBytes(server, head([["Content-Length", "900001"]], target));
      expect([answer.status, JSON.parse(answer.body.toString()).code]).toEqual([413, "too-large"]);
    }
  });

  test("in chunks without an end is 413, and the connection is closed", async () => {
    const connection = await rawConnection(server);
    connection.send(head([["Transfer-Encoding", "chunked"]]));
    const piece = chunk("x".repeat(65_536));
    const flood = setInterval(() => connection.send(piece), 1);
    try {
      await connection.untilClosed();
    } finally {
      clearInterval(flood);
    }
    expect(connection.text()).toStartWith("HTTP/1.1 413 ");
  });

  test("from a stranger is 401, and the connection is closed although more comes", async () => {
    const connection = await rawConnection(server);
    connection.send(bytesOf({ headers: [hostLine(server), ["Transfer-Encoding", "chunked"]] }));
    const piece = chunk("x".repeat(65_536));
    const flood = setInterval(() => connection.send(piece), 1);
    try {
      await connection.untilClosed();
    } finally {
      clearInterval(flood);
    }
    expect(connection.text()).toStartWith("HTTP/1.1 401 ");
  });
});

describe("bodies together", () => {
  const part = " ".repeat(700_000);

  async function pending() {
    const connection = await rawConnection(server);
    connection.send(head([["Content-Length", String(limitBytes)]]));
    connection.send(part);
    await connection.sent();
    return connection;
  }

  test("are 429 above their limit, and the first goes on", async () => {
    const first = await pending();
    // The server reads by turns; whichever goes over the limit is refused, and one of the two is kept.
    const second = await pending();
    const refused = () => [first, second].filter((one) => one.answer().complete);
    await Promise.race([first.untilHead(), second.untilHead()]);
    const [answer] = refused();
    expect(refused()).toHaveLength(1);
    if (answer === undefined) throw new Error("none was refused");
    const { status, code, retryAfter } = errorOfAnswer(answer.answer());
    expect([status, code, Number(retryAfter) >= 1]).toEqual([429, "TooManyJobs", true]);
    const kept = answer === first ? second : first;
    kept.send(" ".repeat(limitBytes - part.length));
    // Spaces alone are no job: the whole body has come.
    expect((await kept.untilAnswered()).status).toBe(500);
    first.close();
    second.close();
  });

  test("that were cut or refused count no more", async () => {
    const ends = [
      async () => (await pending()).reset(),
      async () => (await pending()).close(),
      async () => {
        const over = await rawConnection(server);
        over.send(head([["Transfer-Encoding", "chunked"]]));
        over.send(chunk("x".repeat(limitBytes + 1)));
        await over.untilAnswered();
        over.close();
      },
    ];
    for (const end of [...ends, ...ends, ...ends]) {
      await end();
      // When the server has noticed the end, there is room for a whole body again: once each time, or never.
      const accepted = async () => {
        const length = ["Content-Length", String(limitBytes)] as const;
        const whole = Buffer.concat([head([length]), Buffer.from(padded(limitBytes))]);
        return (await sendBytes(server, whole)).status === 200;
      };
      await until(accepted, { describe: "room for a body" });
    }
  });
});

test("the server goes on", async () => {
  expect((await run(server, ["echo", "on"])).text).toBe("on\n");
});

import { afterAll, describe, expect, test } from "bun:test";
import { type Script, ScriptedServer } from "../../test/sdk/support/scripted-server.ts";
import { endEverything } from "../../test/support/cleanup.ts";
import { until, within } from "../../test/support/wait.ts";
import { Errand } from "./errand.ts";
import { Cancelled, ConnectionError } from "./errors.ts";
import type { ErrandOptions } from "./options.ts";

afterAll(endEverything);

/** What a command has read, from a server that takes part of a body, cuts before the answer, or answers late. */
class Input {
  bytes = Buffer.alloc(0);
  closed = false;

  take(body: Buffer, offset: number, most = body.byteLength): void {
    if (offset > this.bytes.byteLength) throw new Error(`bytes are missing before ${offset}`);
    const fresh = body.subarray(Math.min(this.bytes.byteLength - offset, body.byteLength), most);
    this.bytes = Buffer.concat([this.bytes, fresh]);
  }
}

async function scripted(script: (input: Input) => Script, options: Partial<ErrandOptions> = {}) {
  const input = new Input();
  const server = await ScriptedServer.start(script(input));
  const job = new Errand({ url: server.url, ...options }).job("7");
  return { server, input, stdin: job.stdin(), job };
}

const taking =
  (input: Input): Script =>
  ({ query, body }, answer) => {
    input.take(body, Number(query.get("offset")));
    input.closed ||= query.get("close") === "true";
    answer.json({ offset: input.bytes.byteLength, closed: input.closed });
  };

describe("what is written", () => {
  test("is sent with its offset, and its end", async () => {
    const { server, input, stdin } = await scripted(taking);
    const writer = stdin.getWriter();
    await writer.write("ä");
    await until(() => input.bytes.byteLength === 2, { describe: "the first write" });
    await writer.write(Uint8Array.of(1, 2, 3));
    await within(writer.close());
    expect([...input.bytes]).toEqual([0xc3, 0xa4, 1, 2, 3]);
    expect(input.closed).toBe(true);
    expect(server.asked.map(({ method, path, query }) => `${method} ${path}?${query}`)).toEqual([
      "PUT /v1/jobs/7/stdin?offset=0",
      "PUT /v1/jobs/7/stdin?offset=2",
      "PUT /v1/jobs/7/stdin?offset=5&close=true",
    ]);
    expect(server.asked[0]?.headers["content-type"]).toBe("application/octet-stream");
  });

  test("goes out together while a request is under way, and the writer's buffer is free", async () => {
    const { server, input, stdin } = await scripted((known) => async (asked, answer, number) => {
      await Bun.sleep(50);
      taking(known)(asked, answer, number);
    });
    const writer = stdin.getWriter();
    const buffer = new Uint8Array(1);
    for (let value = 0; value < 100; value += 1) {
      buffer[0] = value;
      await writer.write(buffer);
    }
    await within(writer.close());
    expect([...input.bytes]).toEqual(Array.from({ length: 100 }, (_, value) => value));
    expect(server.asked.length).toBeLessThan(6);
  });

  test("holds the writer back when the command does not read", async () => {
    const { stdin } = await scripted(() => () => undefined);
    const writer = stdin.getWriter();
    let written = 0;
    const writing = (async () => {
      for (;;) {
        await writer.ready;
        await writer.write(new Uint8Array(256 * 1024));
        written += 1;
      }
    })();
    writing.catch(() => undefined);
    await Bun.sleep(300);
    expect(written).toBeLessThan(10);
    await within(writer.abort());
    await expect(within(writing)).rejects.toBeDefined();
  });

  test("comes from any stream", async () => {
    const { input, stdin } = await scripted(taking);
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    await within(new Blob(Array.from({ length: 50 }, () => bytes)).stream().pipeTo(stdin));
    expect(input.bytes.equals(Buffer.concat(Array.from({ length: 50 }, () => bytes)))).toBe(true);
  });
});

describe("after a cut", () => {
  test("what the server has not told to have taken is sent again, and is taken once", async () => {
    const { server, input, stdin } = await scripted((known) => (asked, answer, number) => {
      // Nothing, half or all of it was taken when the connection broke; the first answer is one.
      const taken = [undefined, 0, 0.5, 1][number % 5];
      if (taken === undefined) return taking(known)(asked, answer, number);
      known.take(asked.body, Number(asked.query.get("offset")), Math.floor(asked.body.byteLength * taken));
      answer.cut();
    });
    const writer = stdin.getWriter();
    let expected = "";
    for (const word of ["first ", "second ", "third ", "fourth"]) {
      await writer.write(word);
      expected += word;
      await until(() => input.bytes.toString() === expected, { describe: word });
    }
    await within(writer.close());
    expect(input.bytes.toString()).toBe("first second third fourth");
    expect(server.asked.length).toBeGreaterThan(7);
  });

  test("of a part that was taken, the rest is sent", async () => {
    const { input, stdin } = await scripted((known) => (asked, answer) => {
      const { query, body } = asked;
      known.take(body, Number(query.get("offset")), 3);
      known.closed ||= query.get("close") === "true";
      answer.json({ offset: known.bytes.byteLength, closed: known.closed });
    });
    const writer = stdin.getWriter();
    await writer.write("0123456789");
    await within(writer.close());
    expect(input.bytes.toString()).toBe("0123456789");
  });

  test("a close that was heard, but not answered, is one", async () => {
    const { stdin } = await scripted((known) => (asked, answer, number) => {
      if (known.closed) return answer.problem(409, "stdin-closed");
      taking(known)(asked, answer, number);
    });
    const writer = stdin.getWriter();
    await writer.write("a");
    await within(writer.close());
  });
});

describe("a failure", () => {
  test("of the server's is told to the writer", async () => {
    const { stdin } = await scripted(() => (_, answer) => answer.problem(409, "stdin-closed"));
    const writer = stdin.getWriter();
    await writer.write("a");
    await expect(within(writer.closed)).rejects.toMatchObject({ name: "ErrandError", code: "stdin-closed" });
    await expect(writer.write("b")).rejects.toMatchObject({ code: "stdin-closed" });
  });

  test("of the connection is told when its time is over", async () => {
    const { server, stdin } = await scripted(taking, { reconnectSeconds: 0.3 });
    const writer = stdin.getWriter();
    await writer.write("a");
    await until(() => server.asked.length === 1, { describe: "the first write" });
    await server.stop();
    await writer.write("b");
    const error = await within(writer.close()).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ConnectionError);
  });

  test("a server that takes nothing is not asked for ever", async () => {
    const { stdin } = await scripted(() => (_, answer) => answer.json({ offset: 0, closed: false }));
    const writer = stdin.getWriter();
    await writer.write("a");
    await expect(within(writer.closed)).rejects.toBeInstanceOf(ConnectionError);
  });

  test("a signal ends a write that waits", async () => {
    const { job } = await scripted(() => () => undefined);
    const writer = job.stdin({ signal: AbortSignal.timeout(100) }).getWriter();
    await writer.write("a");
    await expect(within(writer.closed)).rejects.toBeInstanceOf(Cancelled);
  });
});

import { afterAll, describe, expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { answering, Receiver } from "../../test/support/callback-receiver.ts";
import { atEnd, endEverything } from "../../test/support/cleanup.ts";
import { until } from "../../test/support/wait.ts";
import { AllowedAddresses } from "./addresses.ts";
import { type Answer, makeSender } from "./attempt.ts";
import { UrlPolicy } from "./policy.ts";
import type { Resolve } from "./resolve.ts";

afterAll(endEverything);

const loopback: Resolve = async () => [{ address: "127.0.0.1", family: 4 }];

interface Options {
  resolve?: Resolve;
  timeoutSeconds?: number;
  allow?: string[];
}

function sender({ resolve = loopback, timeoutSeconds = 5, allow = ["127.0.0.1"] }: Options = {}) {
  const addresses = new AllowedAddresses(allow);
  const policy = new UrlPolicy(addresses, { callbackUrlBytes: 2_048 });
  const send = makeSender({ policy, addresses, timeoutSeconds, resolve });
  return (url: string, body = "{}", signal = new AbortController().signal): Promise<Answer> =>
    send({ url, body, headers: { "content-type": "application/json", "webhook-id": "msg_1" }, signal });
}

/** A server that does as said with each connection once a request has come; where it is, and its connections. */
async function rawServer(act: (socket: Socket) => void): Promise<{ url: string; open: Set<Socket> }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => {});
    socket.once("data", () => act(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(async () => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://receiver.test:${address.port}/`, open };
}

/** Writes for as long as the other side takes it. */
function flood(socket: Socket, start: string, more: () => string): void {
  socket.write(start);
  const write = () => {
    while (!socket.destroyed && socket.write(more()));
  };
  socket.on("drain", write);
  write();
}

const isGone = ({ open }: { open: Set<Socket> }) =>
  until(() => open.size === 0, { timeoutMilliseconds: 3_000 });

describe("a try", () => {
  test("is one POST with the URL's own host, to the address that the name stands for", async () => {
    const receiver = await Receiver.start();
    const names: string[] = [];
    const resolve: Resolve = async (name) => {
      names.push(name);
      return loopback(name);
    };
    const url = receiver.url("/a/b?c=d#e", "receiver.test");
    expect(await sender({ resolve })(url, '"\u00e9"')).toEqual({ status: 204 });
    expect([names, receiver.received.length, receiver.connections]).toEqual([["receiver.test"], 1, 1]);
    expect(receiver.received[0]).toMatchObject({
      path: "/a/b?c=d",
      body: '"\u00e9"',
      headers: {
        host: `receiver.test:${receiver.port}`,
        "content-type": "application/json",
        "content-length": "4",
        "webhook-id": "msg_1",
        connection: "close",
      },
    });
  });

  test("may go to an address that is allowed", async () => {
    const receiver = await Receiver.start(answering(200));
    expect(await sender()(receiver.url())).toEqual({ status: 200 });
  });

  test("gives the status, whatever it is, and follows no redirect", async () => {
    const trap = await Receiver.start();
    const send = sender();
    for (const status of [200, 202, 301, 302, 303, 307, 308, 400, 404, 410, 500, 503]) {
      const receiver = await Receiver.start(answering(status, { location: trap.url() }));
      expect(await send(receiver.url())).toEqual({ status });
    }
    expect(trap.connections).toBe(0);
  });

  test("sends a large body whole", async () => {
    const receiver = await Receiver.start();
    const body = "x".repeat(20 * 1024 * 1024);
    expect(await sender()(receiver.url(), body)).toEqual({ status: 204 });
    expect(receiver.received[0]?.body === body).toBe(true);
  });

  test("ends with its signal", async () => {
    const server = await rawServer(() => {});
    const control = new AbortController();
    const answer = sender()(server.url, "", control.signal);
    await until(() => server.open.size === 1);
    control.abort();
    expect(await answer).toHaveProperty("error");
    await isGone(server);
    expect(await sender()(server.url, "", control.signal)).toHaveProperty("error");
  });
});

describe("a name", () => {
  const publicOne = { address: "1.1.1.1", family: 4 };
  const privateOne = { address: "127.0.0.1", family: 4 };

  test("is refused when one of its addresses is not allowed, in whatever order", async () => {
    const receiver = await Receiver.start();
    for (const found of [[privateOne], [publicOne, privateOne], [privateOne, publicOne]]) {
      const send = sender({ allow: [], resolve: async () => found });
      expect(await send(receiver.url("/", "receiver.test"))).toEqual({
        error:
          "the name stands for 127.0.0.1, which is not allowed: public addresses are allowed, and those in callbacks.allowPrivate",
      });
    }
    expect(receiver.connections).toBe(0);
  });

  test("without an address is an error, as is a resolver that fails", async () => {
    const failure = async () => {
      throw Object.assign(new Error("getaddrinfo\n\u001b[31m ENOTFOUND \u0000x"), { code: "ENOTFOUND" });
    };
    expect(await sender({ resolve: async () => [] })("http://receiver.test/")).toEqual({
      error: "the name has no address",
    });
    expect(await sender({ resolve: failure })("http://receiver.test/")).toEqual({
      error: "ENOTFOUND: getaddrinfo [31m ENOTFOUND  x",
    });
  });

  test("is resolved by the system when nothing else is said", async () => {
    const receiver = await Receiver.start();
    const addresses = new AllowedAddresses(["127.0.0.0/8", "::1"]);
    const policy = new UrlPolicy(addresses, { callbackUrlBytes: 2_048 });
    const send = makeSender({ policy, addresses, timeoutSeconds: 5 });
    const refusing = makeSender({ policy, addresses: new AllowedAddresses([]), timeoutSeconds: 5 });
    const message = {
      url: receiver.url("/", "localhost"),
      body: "",
      headers: {},
      signal: new AbortController().signal,
    };
    expect(await refusing(message)).toMatchObject({ error: expect.stringContaining("not allowed") });
    expect(receiver.connections).toBe(0);
    expect(await send(message)).toEqual({ status: 204 });
  });

  test("whose resolver never answers is given up in time", async () => {
    const send = sender({ timeoutSeconds: 0.2, resolve: () => new Promise(() => {}) });
    expect(await send("http://receiver.test/")).toEqual({ error: "no answer within 0.2 s" });
  });
});

describe("a receiver", () => {
  test("that is not there, closes early or speaks no HTTP is an error", async () => {
    const gone = await Receiver.start();
    const url = gone.url();
    await gone.stop();
    expect(await sender()(url)).toEqual({ error: expect.stringContaining("ECONNREFUSED") });
    const acts: ((socket: Socket) => void)[] = [
      (socket) => socket.destroy(),
      (socket) => socket.end(),
      (socket) => socket.resetAndDestroy(),
      (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Le"),
      (socket) => socket.end("SSH-2.0-OpenSSH\r\n"),
      (socket) => socket.end("HTTP/1.1 2xx OK\r\n\r\n"),
      (socket) => socket.end("\u001b[31m\u0000\r\n"),
    ];
    for (const act of acts) {
      const server = await rawServer(act);
      const answer = await sender()(server.url);
      expect(answer).toEqual({ error: expect.stringMatching(/^[\x20-\x7e]{1,200}$/) });
      await isGone(server);
    }
  });

  test("that never answers is given up in time", async () => {
    const acts: Record<string, (socket: Socket) => void> = {
      "nothing comes": () => {},
      "half a head": (socket) => void socket.write("HTTP/1.1 200 OK\r\nA: b\r\n"),
      "one byte now and then": (socket) => {
        socket.write("HTTP/1.1 200 OK\r\nA: ");
        const timer = setInterval(() => socket.write("a"), 20);
        socket.on("close", () => clearInterval(timer));
      },
      "continue without end": (socket) => {
        const timer = setInterval(() => socket.write("HTTP/1.1 100 Continue\r\n\r\n"), 50);
        socket.on("close", () => clearInterval(timer));
      },
    };
    for (const act of Object.values(acts)) {
      const server = await rawServer(act);
      const begun = performance.now();
      expect(await sender({ timeoutSeconds: 0.3 })(server.url)).toEqual({ error: "no answer within 0.3 s" });
      expect(performance.now() - begun).toBeWithin(250, 2_000);
      await isGone(server);
    }
  });

  test("that answers slowly, but in time, is heard", async () => {
    const server = await rawServer((socket) => {
      setTimeout(() => socket.write("HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 20"), 50);
      setTimeout(() => socket.write("1 Created\r\nContent-Length: 0\r\n\r\n"), 150);
    });
    expect(await sender()(server.url)).toEqual({ status: 201 });
    await isGone(server);
  });

  test("that changes the protocol is left", async () => {
    const server = await rawServer((socket) =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    );
    expect(await sender()(server.url)).toEqual({ status: 101 });
    await isGone(server);
  });

  test("that sends headers without end is cut off, and takes no memory", async () => {
    const acts: ((socket: Socket) => void)[] = [
      (socket) => flood(socket, "HTTP/1.1 200 OK\r\n", () => `X: ${"a".repeat(10_000)}\r\n`),
      (socket) => flood(socket, "HTTP/1.1 200 OK\r\nX: ", () => "a".repeat(10_000)),
      (socket) => flood(socket, "HTTP/1.1 200 ", () => "a".repeat(10_000)),
      (socket) => flood(socket, "", () => "HTTP/1.1 100 Continue\r\n\r\n".repeat(100)),
    ];
    for (const act of acts) {
      const server = await rawServer(act);
      const before = process.memoryUsage.rss();
      expect(await sender({ timeoutSeconds: 1 })(server.url)).toHaveProperty("error");
      await isGone(server);
      expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
    }
  });

  test("that sends a body without end has taken it, and is cut off", async () => {
    const starts = [
      "HTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    ];
    for (const start of starts) {
      let sent = 0;
      const server = await rawServer((socket) =>
        flood(socket, start, () => {
          sent += 10_000;
          return "a".repeat(10_000);
        }),
      );
      expect(await sender()(server.url)).toEqual({ status: 200 });
      await isGone(server);
      // What the buffers of the kernel take counts as well.
      expect(sent).toBeLessThan(32 * 1024 * 1024);
    }
  });

  test("that begins a body and stops is left after a while", async () => {
    const server = await rawServer((socket) => void socket.write("HTTP/1.1 200 OK\r\n\r\na"));
    expect(await sender()(server.url)).toEqual({ status: 200 });
    await isGone(server);
  });

  test("that does not read is given up in time", async () => {
    const server = await rawServer((socket) => socket.pause());
    const answer = await sender({ timeoutSeconds: 0.3 })(server.url, "x".repeat(32 * 1024 * 1024));
    expect(answer).toEqual({ error: "no answer within 0.3 s" });
  });
});

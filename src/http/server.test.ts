import { afterEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { type AddressInfo, connect } from "node:net";
import { ErrandError, type ErrorCode } from "../core/errors.ts";
import { defaultLimits } from "../core/limits.ts";
import { Clients } from "./clients.ts";
import { Credentials } from "./credentials.ts";
import { type Door, type Exchange, errorHeaders, sendText, type Unauthenticated } from "./exchange.ts";
import { Guard } from "./guard.ts";
import { type ErrandServer, makeServer } from "./server.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const tokens = [
  { name: "tokens", sha256: sha256("secret"), scopes: ["run"] },
  { name: "reader", sha256: sha256("readable"), scopes: ["read"] },
] as const;
const servers: ErrandServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close(0);
});

/** A door that knows a credential of its own: the header `x-own`, which must be the body's text. */
class OwnDoor implements Door {
  readonly name = "own";
  readonly events: string[] = [];
  /** Requests whose operation was asked for. */
  readonly asked: string[] = [];

  authenticate({ request, body }: Unauthenticated) {
    const own = request.headers["x-own"];
    this.events.push("authenticate");
    return own === undefined ? null : this.#check(String(own), body);
  }

  async #check(own: string, body: () => Promise<Buffer>) {
    if (own === "early") throw new ErrandError("unauthorized", "early");
    if ((await body()).toString() !== own) throw new ErrandError("unauthorized", "late");
    return { name: "own", scopes: own === "stranger" ? [] : ["run" as const] };
  }

  operation(method: string, path: string) {
    this.asked.push(`${method} ${path}`);
    return path === "/" ? ("jobs.start" as const) : null;
  }

  async handle({ response, principal, body }: Exchange) {
    const text = (await body()).toString();
    sendText(response, 200, `${principal.name}: ${text}`);
  }

  refuse(response: Exchange["response"], error: ErrandError) {
    this.events.push(error.code);
    sendText(response, 400, `${error.code}: ${error.message}`, errorHeaders(error));
  }
}

async function serve({ open = false, requestBodyBytes = 1_000 } = {}) {
  const door = new OwnDoor();
  const refused: ErrorCode[] = [];
  const refusedOnes: (string | null)[] = [];
  const server = makeServer({
    limits: { ...defaultLimits(), requestBodyBytes },
    connections: 10,
    guard: new Guard({
      ...{ hosts: [], origins: [] },
      credentials: new Credentials(tokens, { open, now: () => 0 }),
      clients: new Clients([]),
    }),
    publicPages: new Map(),
    doorFor: () => door,
    onInternalError: (error) => door.events.push(String(error)),
    onRequest: null,
    onRefused: (_request, { code }, who) => {
      refused.push(code);
      refusedOnes.push(who);
    },
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const { port } = server.server.address() as AddressInfo;
  const post = async (body: string, headers: Record<string, string> = {}) => {
    const url = `http://127.0.0.1:${port}/`;
    const response = await fetch(url, { method: "POST", headers, body, keepalive: false });
    return response.text();
  };
  return { post, port, door, refused, refusedOnes };
}

/** The answer to a head whose body never comes. */
function answerToHead(port: number, headers: string, line = "POST /"): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    const head = `${line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n${headers}\r\n`;
    socket.on("connect", () => socket.write(head));
    socket.on("data", (bytes) => {
      resolve(bytes.toString());
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("a door that knows a credential of its own", () => {
  test("says who asks, and its handler gets the same body", async () => {
    const { post } = await serve();
    expect(await post("hello", { "x-own": "hello" })).toBe("own: hello");
    expect(await post("", { "x-own": "" })).toBe("own: ");
  });

  test("is not asked to handle what it has refused; the refusal is noted", async () => {
    const { post, door, refused } = await serve();
    expect(await post("hello", { "x-own": "hallo" })).toBe("unauthorized: late");
    expect([door.events, refused]).toEqual([["authenticate", "unauthorized"], ["unauthorized"]]);
  });

  test("a token counts for a request without that credential, and for no other", async () => {
    const { post } = await serve();
    const authorization = "Bearer secret";
    expect(await post("hello", { authorization })).toBe("tokens: hello");
    expect(await post("hello", { authorization, "x-own": "x" })).toBe("unauthorized: late");
    expect(await post("hello", { authorization: "Bearer x" })).toStartWith("unauthorized: ");
  });

  test("without any credential the body is not waited for", async () => {
    const { port, door } = await serve();
    expect(await answerToHead(port, "")).toContain("unauthorized: a credential is needed");
    expect(await answerToHead(port, "X-Own: early\r\n")).toContain("unauthorized: early");
    expect(door.events).toEqual(["authenticate", "unauthorized", "authenticate", "unauthorized"]);
  });

  test("is not asked when nobody needs a credential", async () => {
    const { post, door } = await serve({ open: true });
    expect(await post("hello", { "x-own": "x" })).toBe("anyone: hello");
    expect(door.events).toEqual([]);
  });

  test("is not asked before Host and Origin are right", async () => {
    const { post, door } = await serve();
    expect(await post("hello", { "x-own": "hello", origin: "http://evil.example" })).toStartWith("forbidden");
    expect(await post("hello", { "x-own": "hello", host: "evil.example" })).toStartWith("forbidden");
    expect(door.events).toEqual(["forbidden", "forbidden"]);
  });

  test("gets no body that is larger than allowed", async () => {
    const { post, port, refused } = await serve({ requestBodyBytes: 4 });
    expect(await post("hello", { "x-own": "hello" })).toStartWith("too-large");
    expect(await post("1234", { "x-own": "1234" })).toBe("own: 1234");
    expect(await answerToHead(port, "X-Own: hello\r\n")).toContain("too-large");
    expect(refused).toEqual(["too-large", "too-large"]);
  });

  test("tells a client that waits for it to go on only when the body is wanted", async () => {
    const { port } = await serve();
    const expecting = "Expect: 100-continue\r\n";
    expect(await answerToHead(port, `${expecting}X-Own: hello\r\n`)).toStartWith("HTTP/1.1 100 Continue");
    expect(await answerToHead(port, `${expecting}X-Own: early\r\n`)).toContain("unauthorized: early");
    expect(await answerToHead(port, expecting)).toContain("unauthorized: a credential is needed");
  });
});

describe("scopes", () => {
  const reader = "Authorization: Bearer readable\r\n";

  test("are held against the door's operation before it is asked to handle, and before the body has come", async () => {
    const { post, port, door, refused, refusedOnes } = await serve();
    const authorization = "Bearer readable";
    expect(await post("hello", { authorization })).toBe(
      "forbidden: jobs.start needs the scope run; this credential has read",
    );
    expect(await answerToHead(port, reader)).toContain("forbidden: jobs.start");
    expect(await answerToHead(port, `Expect: 100-continue\r\n${reader}`)).toContain("forbidden: jobs.start");
    expect([refused, refusedOnes]).toEqual([
      ["forbidden", "forbidden", "forbidden"],
      ["reader", "reader", "reader"],
    ]);
    expect(door.asked).toEqual(["POST /", "POST /", "POST /"]);
  });

  test("are held against it for a credential of the door's own, too", async () => {
    const { post, refusedOnes } = await serve();
    expect(await post("stranger", { "x-own": "stranger" })).toBe(
      "forbidden: jobs.start needs the scope run; this credential has none",
    );
    expect(refusedOnes).toEqual(["own"]);
  });

  test("do not matter for what the door does not know", async () => {
    const { port, door } = await serve();
    const authorization = "Bearer readable";
    const url = `http://127.0.0.1:${port}/other?x=/`;
    expect(await (await fetch(url, { headers: { authorization }, keepalive: false })).text()).toBe(
      "reader: ",
    );
    expect(door.asked).toEqual(["GET /other"]);
  });

  test("are asked for HEAD as for GET", async () => {
    const { port, door } = await serve();
    await answerToHead(port, reader, "HEAD /");
    expect(door.asked).toEqual(["GET /"]);
  });

  test("hold for an upgrade", async () => {
    const { port, refusedOnes } = await serve();
    const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    expect(await answerToHead(port, `${reader}${upgrade}`, "GET /")).toStartWith("HTTP/1.1 403 ");
    expect(await answerToHead(port, `${reader}${upgrade}`, "GET /other")).toStartWith("HTTP/1.1 501 ");
    expect(refusedOnes).toEqual(["reader"]);
  });

  test("are all there when nobody needs a credential", async () => {
    const { post } = await serve({ open: true });
    expect(await post("hello")).toBe("anyone: hello");
  });
});

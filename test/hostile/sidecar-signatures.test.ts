// Forged, stale, replayed and mangled signatures of the door sidecar: each is refused, and nothing is ever started.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash, createHmac, randomUUID } from "node:crypto";
import { endEverything, type Server } from "../support/server.ts";
import { postText, type Signed, secretKey, signature, startSidecar, unixTime } from "../support/sidecar.ts";
import { bytesOf, type HeaderLines, hostLine, sendBytes } from "./support/bytes.ts";
import { Marker } from "./support/marker.ts";

let server: Server;
let marker: Marker;
beforeAll(async () => {
  server = await startSidecar('[[sidecar]]\nname = "other"\nsecretKey = "another secret"\n');
  marker = new Marker(server);
});
afterAll(endEverything);

interface Sent {
  lines: HeaderLines;
  body: string;
  method?: string;
  target?: string;
}

/** Sends a request whose credential is in these lines alone; the status of the answer. */
async function send({ lines, body, method = "POST", target = "/shell" }: Sent, to = server): Promise<number> {
  const length = ["Content-Length", String(Buffer.byteLength(body))] as const;
  const headers: HeaderLines = [hostLine(to), ["Content-Type", "application/json"], length, ...lines];
  const answer = await sendBytes(to, bytesOf({ method, target, headers, body }));
  const told = JSON.parse(answer.body.toString() || "null");
  if (answer.status >= 400) expect(told).toMatchObject({ data: null, ok: false });
  return answer.status;
}

const linesOf = (headers: object): HeaderLines => Object.entries(headers);

type Name = "X-Auth-Nonce" | "X-Auth-Timestamp" | "X-Auth-Signature";
type Headers = Record<Name, string>;

/** A request signed in the right way, and then changed. */
const changed =
  (change: (headers: Headers, body: string) => Partial<Headers>) =>
  (body: string): Sent => {
    const headers = signature({ body });
    return { body, lines: linesOf({ ...headers, ...change(headers, body) }) };
  };

/** A request whose signature is of something else. */
const signedAs =
  (other: (body: string) => Signed, more: Partial<Sent> = {}) =>
  (body: string): Sent => ({ body, lines: linesOf(signature({ body, ...other(body) })), ...more });

/** A request whose signature was made by other rules. */
const signedBy = (make: (parts: string[], headers: Headers) => string) =>
  changed((headers, body) => ({
    "X-Auth-Signature": make(
      ["POST", "/shell", headers["X-Auth-Nonce"], headers["X-Auth-Timestamp"], body],
      headers,
    ),
  }));

const hex = (text: string, secret = secretKey) =>
  createHmac("sha1", secret).update(text).digest("hex").toUpperCase();

/** The same request with one of its header lines twice. */
const doubled =
  (name: Name, second: (value: string) => string = (value) => value) =>
  (body: string): Sent => {
    const headers = signature({ body });
    return { body, lines: [...linesOf(headers), [name, second(headers[name])]] };
  };

const without = (name: Name) => (body: string) => ({
  body,
  lines: linesOf(signature({ body })).filter(([one]) => one !== name),
});

const forged: Record<string, (body: string) => Sent> = {
  "no header at all": (body) => ({ body, lines: [] }),
  "no nonce": without("X-Auth-Nonce"),
  "no time": without("X-Auth-Timestamp"),
  "no signature": without("X-Auth-Signature"),
  "an empty nonce": signedAs(() => ({ nonce: "" })),
  "an empty time": signedAs(() => ({ timestamp: "" })),
  "an empty signature": changed(() => ({ "X-Auth-Signature": "" })),

  "another secret": signedAs(() => ({ secret: "wrong" })),
  "an empty secret": signedAs(() => ({ secret: "" })),
  "the secret in upper case": signedAs(() => ({ secret: secretKey.toUpperCase() })),
  "the secret's name": signedAs(() => ({ secret: "dff" })),
  "the local token as the secret": (body) => signedAs(() => ({ secret: server.token }))(body),

  "another method": signedAs(() => ({ method: "GET" })),
  "the method in lower case": signedAs(() => ({ method: "post" })),
  "another path": signedAs(() => ({ path: "/process" })),
  "the path with a slash": signedAs(() => ({ path: "/shell/" })),
  "the path without a slash": signedAs(() => ({ path: "shell" })),
  "the whole address": (body) => signedAs(() => ({ path: `${server.url}/shell` }))(body),
  "the path with the query": signedAs(() => ({ path: "/shell?a=b" }), { target: "/shell?a=b" }),

  "another body": signedAs((body) => ({ body: body.replace("touch", "true ") })),
  "a body with a space more": signedAs((body) => ({ body: `${body} ` })),
  "a body with a line end more": signedAs((body) => ({ body: `${body}\n` })),
  "a body that is cut": signedAs((body) => ({ body: body.slice(0, -1) })),
  "no body": signedAs(() => ({ body: "" })),
  "a body that was written anew": signedAs((body) => ({ body: JSON.stringify(JSON.parse(body), null, 1) })),
  "the digest of the body": signedAs((body) => ({ body: createHash("sha1").update(body).digest("hex") })),

  "301 s ago": signedAs(() => ({ timestamp: unixTime(-301) })),
  "a day ago": signedAs(() => ({ timestamp: unixTime(-86_400) })),
  "310 s ahead": signedAs(() => ({ timestamp: unixTime(310) })),
  "a year ahead": signedAs(() => ({ timestamp: unixTime(31_536_000) })),
  "the year 1970": signedAs(() => ({ timestamp: 0 })),
  "a time in milliseconds": signedAs(() => ({ timestamp: Date.now() })),
  "a time with a fraction": signedAs(() => ({ timestamp: `${unixTime()}.0` })),
  "a time with an exponent": signedAs(() => ({ timestamp: `${unixTime()}e0` })),
  "a time in hexadecimal": signedAs(() => ({ timestamp: `0x${unixTime().toString(16)}` })),
  "a time with a sign": signedAs(() => ({ timestamp: `+${unixTime()}` })),
  "a time with many zeros": signedAs(() => ({ timestamp: String(unixTime()).padStart(200, "0") })),
  "a time as a date": signedAs(() => ({ timestamp: new Date().toISOString() })),
  "another time than was signed": changed(() => ({ "X-Auth-Timestamp": String(unixTime(-1)) })),
  "the time that was signed with a zero": changed((headers) => ({
    "X-Auth-Timestamp": `0${headers["X-Auth-Timestamp"]}`,
  })),

  "another nonce than was signed": changed(() => ({ "X-Auth-Nonce": randomUUID() })),
  "the nonce in upper case": changed((headers) => ({
    "X-Auth-Nonce": headers["X-Auth-Nonce"].toUpperCase(),
  })),
  "a nonce of 129 characters": signedAs(() => ({ nonce: "n".repeat(129) })),
  "a nonce with a space": signedAs(() => ({ nonce: "a b" })),
  "a nonce that is no ASCII": signedAs(() => ({ nonce: "n\u00e4" })),

  "the nonce and the time in turn": signedBy(([method, path, nonce, time, body]) =>
    hex([method, path, time, nonce, body].join("\n")),
  ),
  "the body first": signedBy((parts) => hex([...parts].reverse().join("\n"))),
  "no line ends between": signedBy((parts) => hex(parts.join(""))),
  "the line ends of Windows": signedBy((parts) => hex(parts.join("\r\n"))),
  "a line end at the end": signedBy((parts) => hex(`${parts.join("\n")}\n`)),
  "no key at all": signedBy((parts) => createHash("sha1").update(parts.join("\n")).digest("hex")),
  "the key in front of the text": signedBy((parts) =>
    createHash("sha1")
      .update(secretKey + parts.join("\n"))
      .digest("hex"),
  ),
  "key and text in turn": signedBy((parts) =>
    createHmac("sha1", parts.join("\n")).update(secretKey).digest("hex"),
  ),
  "SHA-256": signedBy((parts) => createHmac("sha256", secretKey).update(parts.join("\n")).digest("hex")),
  "SHA-256, cut": signedBy((parts) =>
    createHmac("sha256", secretKey).update(parts.join("\n")).digest("hex").slice(0, 40),
  ),
  MD5: signedBy((parts) => createHmac("md5", secretKey).update(parts.join("\n")).digest("hex")),

  "a signature without its last digit": changed((headers) => ({
    "X-Auth-Signature": headers["X-Auth-Signature"].slice(0, -1),
  })),
  "half a signature": changed((headers) => ({
    "X-Auth-Signature": headers["X-Auth-Signature"].slice(0, 20),
  })),
  "a signature with a digit more": changed((headers) => ({
    "X-Auth-Signature": `${headers["X-Auth-Signature"]}0`,
  })),
  "a signature twice in one": changed((headers) => ({
    "X-Auth-Signature": headers["X-Auth-Signature"].repeat(2),
  })),
  "a signature with another last digit": changed((headers) => ({
    "X-Auth-Signature": headers["X-Auth-Signature"].replace(/.$/, (last) => (last === "0" ? "1" : "0")),
  })),
  "a signature of zeros": changed(() => ({ "X-Auth-Signature": "0".repeat(40) })),
  "a signature in base64": changed((headers) => ({
    "X-Auth-Signature": Buffer.from(headers["X-Auth-Signature"], "hex").toString("base64"),
  })),
  "a signature in quotes": changed((headers) => ({ "X-Auth-Signature": `"${headers["X-Auth-Signature"]}"` })),
  "a signature with 0x": changed((headers) => ({ "X-Auth-Signature": `0x${headers["X-Auth-Signature"]}` })),
  "a very long signature": changed(() => ({ "X-Auth-Signature": "A".repeat(8_000) })),

  "the nonce twice": doubled("X-Auth-Nonce"),
  "the time twice": doubled("X-Auth-Timestamp"),
  "the signature twice": doubled("X-Auth-Signature"),
  "a second nonce": doubled("X-Auth-Nonce", () => randomUUID()),
  "a second time": doubled("X-Auth-Timestamp", () => "0"),
  "a second signature": doubled("X-Auth-Signature", () => "0".repeat(40)),
  "two signatures in one line": changed((headers) => ({
    "X-Auth-Signature": `${"0".repeat(40)}, ${headers["X-Auth-Signature"]}`,
  })),

  "the signature in the query": (body) => {
    const { "X-Auth-Nonce": nonce, "X-Auth-Timestamp": time, "X-Auth-Signature": mac } = signature({ body });
    return {
      body,
      lines: [],
      target: `/shell?X-Auth-Nonce=${nonce}&X-Auth-Timestamp=${time}&X-Auth-Signature=${mac}`,
    };
  },
  "the signature in a cookie": (body) => {
    const cookies = linesOf(signature({ body })).map(([name, value]) => `${name}=${value}`);
    return { body, lines: [["Cookie", cookies.join("; ")]] };
  },
  "the signature as a token": (body) => ({
    body,
    lines: [["Authorization", `Bearer ${signature({ body })["X-Auth-Signature"]}`]],
  }),
  "the secret as a token": (body) => ({ body, lines: [["Authorization", `Bearer ${secretKey}`]] }),
  "a wrong signature beside a right token": (body) => ({
    body,
    lines: [...linesOf(signature({ body, secret: "wrong" })), ["Authorization", `Bearer ${server.token}`]],
  }),
};

describe(`${Object.keys(forged).length} kinds of signatures are refused with 401:`, () => {
  test.each(Object.entries(forged))("%s", async (_kind, make) => {
    expect(await send(make(marker.body()))).toBe(401);
    expect(marker.left()).toBe(0);
  });

  test("the signature in trailers", async () => {
    const body = marker.body();
    const chunks = `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n`;
    const trailers = linesOf(signature({ body })).map(([name, value]) => `${name}: ${value}\r\n`);
    const names = Object.keys(signature()).join(", ");
    const headers: HeaderLines = [hostLine(server), ["Transfer-Encoding", "chunked"], ["Trailer", names]];
    const bytes = bytesOf({ target: "/shell", headers, body: `${chunks}${trailers.join("")}\r\n` });
    expect((await sendBytes(server, bytes)).status).toBe(401);
  });

  test("none of them ran", () => marker.expectRan(0));
});

describe("right ones in other shapes are taken:", () => {
  test.each<[string, (body: string) => Sent]>([
    ["as it should be", changed(() => ({}))],
    ["of the other secret", signedAs(() => ({ secret: "another secret" }))],
    [
      "in lower case",
      changed((headers) => ({ "X-Auth-Signature": headers["X-Auth-Signature"].toLowerCase() })),
    ],
    [
      "with its headers in another order",
      (body) => ({ body, lines: [...linesOf(signature({ body }))].reverse() }),
    ],
    [
      "with its headers' names in other letters",
      (body) => ({
        body,
        lines: linesOf(signature({ body })).map(([name, value]) => [name.toUpperCase(), value]),
      }),
    ],
    ["with another form of nonce", signedAs(() => ({ nonce: `{${randomUUID()}}!~` }))],
  ])("%s", async (_shape, make) => {
    const own = new Marker(server);
    expect(await send(make(own.body()))).toBe(200);
    expect(own.left(1)).toBe(0);
  });

  test("in chunks", async () => {
    const own = new Marker(server);
    const body = own.body();
    const half = Math.floor(body.length / 2);
    const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
    const chunks = `${chunk(body.slice(0, half))}${chunk(body.slice(half))}0\r\n\r\n`;
    const headers = [
      hostLine(server),
      ["Transfer-Encoding", "chunked"],
      ...linesOf(signature({ body })),
    ] as const;
    expect((await sendBytes(server, bytesOf({ target: "/shell", headers, body: chunks }))).status).toBe(200);
    expect(own.left(1)).toBe(0);
  });
});

describe("a signature counts once", () => {
  test("the same request again, with another body, at another time, or by another secret", async () => {
    const own = new Marker(server);
    const body = own.body();
    const nonce = randomUUID();
    const lines = linesOf(signature({ body, nonce }));
    expect(await send({ body, lines })).toBe(200);
    expect(await send({ body, lines })).toBe(401);
    expect(await send({ body: own.body(), lines })).toBe(401);
    expect(await send({ body, lines: linesOf(signature({ body, nonce, timestamp: unixTime(5) })) })).toBe(
      401,
    );
    expect(await send({ body, lines: linesOf(signature({ body, nonce, secret: "another secret" })) })).toBe(
      401,
    );
    await own.expectRan(1);
  });

  test("of many at the same moment one is carried out", async () => {
    const own = new Marker(server);
    const body = own.body();
    const headers = { ...signature({ body }) };
    const all = await Promise.all(
      Array.from({ length: 20 }, () => postText(server, body, { credential: false, headers })),
    );
    const statuses = all.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array.from({ length: 19 }, () => 401)]);
    await own.expectRan(1);
  });

  test("a forged request does not use up the nonce of a right one", async () => {
    const own = new Marker(server);
    const body = own.body();
    const headers = signature({ body });
    const forgery = { ...headers, "X-Auth-Signature": "0".repeat(40) };
    for (let times = 0; times < 3; times += 1)
      expect(await send({ body, lines: linesOf(forgery) })).toBe(401);
    expect(await send({ body, lines: linesOf(headers) })).toBe(200);
    await own.expectRan(1);
  });

  test("one whose request is refused afterwards is used up", async () => {
    const body = '{"command":1}';
    const lines = linesOf(signature({ body }));
    expect([await send({ body, lines }), await send({ body, lines })]).toEqual([400, 401]);
    const get = linesOf(signature({ method: "GET" }));
    const asked = { body: "", lines: get, method: "GET" };
    expect([await send(asked), await send(asked)]).toEqual([405, 401]);
  });

  test.each(["kill -9", "an orderly end"])("for the next server as well, after %s", async (way) => {
    const first = await startSidecar();
    const own = new Marker(first);
    const body = own.body();
    const lines = linesOf(signature({ body }));
    expect(await send({ body, lines }, first)).toBe(200);
    if (way === "kill -9") await first.kill9();
    else await first.stop();
    const second = await startSidecar("", { dataDir: first.dataDir });
    expect(await send({ body, lines }, second)).toBe(401);
    expect(own.left(1)).toBe(0);
    const fresh = linesOf(signature({ body }));
    expect(await send({ body, lines: fresh }, second)).toBe(200);
  });
});

test("no more nonces are remembered than allowed; tokens work on", async () => {
  const few = await startSidecar("[limits]\nsignatureNonces = 1000\n");
  const ask = async () => {
    const headers = { ...signature({ method: "GET" }) };
    const response = await few.request("/shell", { credential: false, headers });
    await response.arrayBuffer();
    return response.status;
  };
  for (let asked = 0; asked < 1_000; asked += 50) {
    const statuses = await Promise.all(Array.from({ length: 50 }, ask));
    expect(new Set(statuses)).toEqual(new Set([405]));
  }
  expect(await ask()).toBe(429);
  const body = '{"command":"true"}';
  expect((await postText(few, body, { credential: false, headers: { ...signature({ body }) } })).status).toBe(
    429,
  );
  expect((await postText(few, body)).status).toBe(200);
});

test("no secret and no signature is ever logged", async () => {
  const told = JSON.stringify(server.logLines());
  expect(told).toContain("unauthorized");
  for (const secret of [secretKey, "another secret", "X-Auth", "x-auth"]) expect(told).not.toContain(secret);
});

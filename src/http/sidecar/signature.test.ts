import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { fakeRequest } from "../../../test/hostile/support/fake-request.ts";
import { ErrandError } from "../../core/errors.ts";
import type { NonceRecord } from "../../core/ports.ts";
import type { Unauthenticated } from "../exchange.ts";
import { isSigned, Signatures } from "./signature.ts";

const seconds = 1_800_000_000;
const nonce = "0123456789abcdef0123456789abcdef";

interface Sent {
  secret?: string;
  method?: string;
  path?: string;
  nonce?: string;
  timestamp?: string;
  body?: string;
}

/** The signature, made by another road than the source takes. */
function sign({ secret = "one", method = "POST", path = "/shell", body = "{}", ...more }: Sent = {}): string {
  const text = [method, path, more.nonce ?? nonce, more.timestamp ?? String(seconds), body].join("\n");
  return createHmac("sha1", secret).update(text, "utf8").digest("hex").toUpperCase();
}

interface Given extends Sent {
  signature?: string;
  rawHeaders?: string[];
}

function setUp({ milliseconds = seconds * 1_000 } = {}) {
  const taken: [string, number][] = [];
  const nonces: NonceRecord = {
    take: (one, until) => !taken.some(([known]) => known === one) && taken.push([one, until]) > 0,
  };
  const signatures = new Signatures({
    credentials: [
      { name: "first", secretKey: "one" },
      { name: "second", secretKey: "zwei ä" },
    ],
    nonces,
    windowSeconds: 300,
    now: () => milliseconds,
  });
  let bodies = 0;
  const check = async ({ signature = sign(), rawHeaders, ...given }: Given = {}) => {
    const headers = {
      "x-auth-nonce": given.nonce ?? nonce,
      "x-auth-timestamp": given.timestamp ?? String(seconds),
      "x-auth-signature": signature,
    };
    const request = fakeRequest({ headers, ...(rawHeaders && { rawHeaders }) });
    request.method = given.method ?? "POST";
    const body = async () => {
      bodies += 1;
      return Buffer.from(given.body ?? "{}");
    };
    const asked = { request, path: given.path ?? "/shell", query: "a=b", body };
    try {
      return (await signatures.check(asked as unknown as Unauthenticated)).name;
    } catch (error) {
      if (error instanceof ErrandError && error.code === "unauthorized") return error.message;
      throw error;
    }
  };
  return { check, taken, bodies: () => bodies };
}

describe("a signature", () => {
  test("of any configured secret counts", async () => {
    expect(await setUp().check()).toBe("first");
    expect(await setUp().check({ signature: sign({ secret: "zwei ä" }) })).toBe("second");
  });

  test("in lower case counts", async () => {
    expect(await setUp().check({ signature: sign().toLowerCase() })).toBe("first");
  });

  test("counts once; its nonce is kept until its time is over", async () => {
    const { check, taken } = setUp();
    expect(await check()).toBe("first");
    expect(taken).toEqual([[nonce, (seconds + 300) * 1_000]]);
    expect(await check()).toBe("the nonce has been used before");
    const other = { timestamp: String(seconds + 1) };
    expect(await check({ ...other, signature: sign(other) })).toBe("the nonce has been used before");
  });

  test.each<[string, Sent]>([
    ["another secret", { secret: "two" }],
    ["another method", { method: "GET" }],
    ["another path", { path: "/shell/" }],
    ["the path with its query", { path: "/shell?a=b" }],
    ["another nonce", { nonce: nonce.toUpperCase() }],
    ["another time", { timestamp: String(seconds + 1) }],
    ["another body", { body: "{ }" }],
  ])("of %s does not match, and takes no nonce", async (_what, other) => {
    const { check, taken } = setUp();
    expect(await check({ signature: sign(other) })).toBe("the signature does not match");
    expect(taken).toEqual([]);
  });

  test.each([
    ["-301 s", -301, /301 s off; at most 300 s/],
    ["+301 s", 301, /301 s off/],
    ["years", -seconds, /s off/],
  ])("%s off is refused before the body is read", async (_what, off, why) => {
    const { check, bodies } = setUp();
    const timestamp = String(seconds + off);
    expect(await check({ timestamp, signature: sign({ timestamp }) })).toMatch(why);
    expect(bodies()).toBe(0);
  });

  test("up to 300 s off is taken", async () => {
    for (const off of [-300, 300]) {
      const timestamp = String(seconds + off);
      expect(await setUp().check({ timestamp, signature: sign({ timestamp }) })).toBe("first");
    }
    expect(await setUp({ milliseconds: seconds * 1_000 + 300_001 }).check()).toMatch(/301 s off/);
  });

  test.each<[string, Given]>([
    ["no nonce", { nonce: "" }],
    ["a nonce that is too long", { nonce: "x".repeat(129) }],
    ["a nonce with a space", { nonce: "a b" }],
    ["no time", { timestamp: "" }],
    ["a fraction", { timestamp: `${seconds}.5` }],
    ["a sign", { timestamp: `+${seconds}` }],
    ["an exponent", { timestamp: "18e8" }],
    ["hexadecimal time", { timestamp: "0x6b49d200" }],
    ["a time that is too long", { timestamp: "0".repeat(100) + seconds }],
    ["no signature", { signature: "" }],
    ["a cut signature", { signature: sign().slice(0, 38) }],
    ["a longer signature", { signature: `${sign()}00` }],
    ["a signature in base64", { signature: Buffer.from(sign(), "hex").toString("base64") }],
    ["a signature with other letters", { signature: `${sign().slice(0, 39)}G` }],
  ])("with %s is refused before the body is read", async (_what, given) => {
    const { check, taken, bodies } = setUp();
    expect(await check({ signature: sign(given), ...given })).toMatch(/^header x-auth-|exactly one/);
    expect([taken.length, bodies()]).toEqual([0, 0]);
  });

  test("with a header twice is refused", async () => {
    const lines = [
      ["X-Auth-Nonce", nonce],
      ["X-Auth-Timestamp", String(seconds)],
      ["X-Auth-Signature", sign()],
    ] as const;
    for (const line of lines) {
      const { check, bodies } = setUp();
      expect(await check({ rawHeaders: [...lines, line].flat() })).toMatch(/exactly one header/);
      expect(bodies()).toBe(0);
    }
  });

  test("that was right when its body began and is not when it has come is refused", async () => {
    let now = seconds * 1_000;
    const signatures = new Signatures({
      credentials: [{ name: "first", secretKey: "one" }],
      nonces: { take: () => true },
      windowSeconds: 300,
      now: () => now,
    });
    const headers = {
      "x-auth-nonce": nonce,
      "x-auth-timestamp": String(seconds),
      "x-auth-signature": sign(),
    };
    const request = fakeRequest({ headers });
    request.method = "POST";
    const body = async () => {
      now += 301_000;
      return Buffer.from("{}");
    };
    const asked = { request, path: "/shell", query: "", body } as unknown as Unauthenticated;
    await expect(signatures.check(asked)).rejects.toThrow("301 s off");
  });
});

test("a request is signed when it has any of the headers", () => {
  const has = (headers: Record<string, string>) => isSigned(fakeRequest({ headers }));
  expect(["nonce", "timestamp", "signature"].map((name) => has({ [`x-auth-${name}`]: "" }))).toEqual([
    true,
    true,
    true,
  ]);
  expect(has({ authorization: "Bearer x" })).toBe(false);
});

test("without secrets no signature counts, not even one of nothing", async () => {
  const parts = { nonces: { take: () => true }, windowSeconds: 300, now: () => seconds * 1_000 };
  const headers = {
    "x-auth-nonce": nonce,
    "x-auth-timestamp": String(seconds),
    "x-auth-signature": sign({ secret: "" }),
  };
  const request = fakeRequest({ headers });
  const body = () => Promise.reject(new Error("the body was read"));
  const asked = { request, path: "/shell", query: "", body } as unknown as Unauthenticated;
  await expect(new Signatures({ ...parts, credentials: [] }).check(asked)).rejects.toThrow("no [[sidecar]]");
  expect(() => new Signatures({ ...parts, credentials: [{ name: "a", secretKey: "" }] })).toThrow("is empty");
});

import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { assert, property, string, webAuthority } from "fast-check";
import { fakeRequest } from "../../test/hostile/support/fake-request.ts";
import { ErrandError } from "../core/errors.ts";
import { Clients } from "./clients.ts";
import { Credentials } from "./credentials.ts";
import { Guard } from "./guard.ts";

const guard = new Guard({
  hosts: ["Build-1.example"],
  origins: ["https://page.example:8443"],
  credentials: new Credentials([], { open: false, now: () => 0 }),
  clients: new Clients(["10.0.0.1"]),
});

function codeOf(check: () => void): string {
  try {
    check();
    return "fine";
  } catch (error) {
    return error instanceof ErrandError ? error.code : "another error";
  }
}

const host = (value: string) => codeOf(() => guard.checkHost(fakeRequest({ headers: { host: value } })));

describe("checkHost", () => {
  const names = ["localhost", "LOCALHOST", "localhost.", "build-1.example", "BUILD-1.EXAMPLE.", hostname()];
  const literals = ["127.0.0.1", "0.0.0.0", "255.255.255.255", "[::1]", "[::ffff:1.2.3.4]", "[FD00::7]"];
  test.each([...names, ...literals])("takes %p, with a port, too", (name) => {
    expect([host(name), host(`${name}:1`), host(`${name}:65535`)]).toEqual(["fine", "fine", "fine"]);
  });

  test.each(["", " ", ".", ":", ":80", "a", "localhost:", "localhost:x", "[localhost]", "::1", "[::1", "[]"])(
    "refuses %p",
    (value) => {
      expect(host(value)).toBe("forbidden");
    },
  );

  test("refuses every name that was not told", () => {
    const known = ["localhost", "build-1.example", hostname().toLowerCase()];
    assert(
      property(webAuthority({ withPort: true }), (authority) => {
        if (known.includes(authority.split(":")[0]?.toLowerCase() ?? "")) return;
        expect(host(authority)).toBe("forbidden");
      }),
    );
    assert(property(string(), (text) => expect(host(`x${text}`)).toBe("forbidden")));
  });

  test("wants exactly one header", () => {
    const twice = ["Host", "localhost", "hOsT", "localhost"];
    const request = fakeRequest({ headers: { host: "localhost" }, rawHeaders: twice });
    expect(codeOf(() => guard.checkHost(request))).toBe("invalid-host");
    expect(codeOf(() => guard.checkHost(fakeRequest({})))).toBe("invalid-host");
  });

  test("wants none of HTTP/1.0, but looks at the one that there is", () => {
    expect(codeOf(() => guard.checkHost(fakeRequest({ version: "1.0" })))).toBe("fine");
    const evil = fakeRequest({ version: "1.0", headers: { host: "evil.example" } });
    expect(codeOf(() => guard.checkHost(evil))).toBe("forbidden");
  });
});

describe("checkOrigin", () => {
  const origin = (value: string, more: Record<string, string> = {}, peer = "127.0.0.1") =>
    codeOf(() =>
      guard.checkOrigin(fakeRequest({ headers: { host: "localhost:8910", origin: value, ...more }, peer })),
    );

  test("takes none, a configured one and the server's own", () => {
    expect(codeOf(() => guard.checkOrigin(fakeRequest({ headers: { host: "localhost" } })))).toBe("fine");
    expect(origin("https://page.example:8443")).toBe("fine");
    expect(origin("http://localhost:8910")).toBe("fine");
  });

  test.each([
    "null",
    "",
    "https://page.example",
    "https://page.example:8443/",
    "https://PAGE.example:8443",
    "http://page.example:8443",
    "https://localhost:8910",
    "http://localhost",
    "http://localhost:89100",
    "http://127.0.0.1:8910",
    "undefined",
    "http://undefined",
  ])("refuses %p", (value) => {
    expect(origin(value)).toBe("forbidden");
  });

  test("refuses every other one", () => {
    assert(property(string(), (text) => expect(origin(text)).toBe("forbidden")));
  });

  test("believes only a trusted proxy about the protocol", () => {
    const https = { "x-forwarded-proto": "https" };
    expect(origin("https://localhost:8910", https, "10.0.0.1")).toBe("fine");
    expect(origin("http://localhost:8910", https, "10.0.0.1")).toBe("forbidden");
    expect(origin("https://localhost:8910", https, "10.0.0.2")).toBe("forbidden");
  });

  test("refuses what another site's page sends, unless its Origin is configured", () => {
    const crossSite = { "sec-fetch-site": "cross-site" };
    expect(origin("https://page.example:8443", crossSite)).toBe("fine");
    expect(origin("http://localhost:8910", crossSite)).toBe("forbidden");
    const without = fakeRequest({ headers: { host: "localhost", ...crossSite } });
    expect(codeOf(() => guard.checkOrigin(without))).toBe("forbidden");
    for (const site of ["same-origin", "same-site", "none"]) {
      const request = fakeRequest({ headers: { host: "localhost", "sec-fetch-site": site } });
      expect(codeOf(() => guard.checkOrigin(request))).toBe("fine");
    }
  });

  test("takes no missing Host for one that is called undefined", () => {
    const request = fakeRequest({ version: "1.0", headers: { origin: "http://undefined" } });
    expect(codeOf(() => guard.checkOrigin(request))).toBe("forbidden");
  });
});

describe("authenticateUpgrade", () => {
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const closed = new Guard({
    ...{ hosts: [], origins: [], clients: new Clients([]) },
    credentials: new Credentials(
      ["one", "two"].map((name) => ({ name, sha256: sha256(`token-${name}`), scopes: ["run"] })),
      { open: false, now: () => 0 },
    ),
  });
  const protocol = (token: string) => `errand.v1, errand.token.${Buffer.from(token).toString("base64url")}`;

  /** The name of who comes with these headers, or the code of the refusal. */
  function who(headers: Record<string, string>): string {
    const request = fakeRequest({ headers });
    try {
      return closed.authenticateUpgrade(request).name;
    } catch (error) {
      return error instanceof ErrandError ? error.code : "another error";
    }
  }

  test("takes the token from the header or from the subprotocols", () => {
    expect(who({ authorization: "Bearer token-one" })).toBe("one");
    expect(who({ "sec-websocket-protocol": protocol("token-one") })).toBe("one");
    expect(who({ authorization: "Bearer token-one", "sec-websocket-protocol": "errand.v1" })).toBe("one");
  });

  test("refuses another token, and none", () => {
    expect(who({ "sec-websocket-protocol": protocol("token-three") })).toBe("unauthorized");
    expect(who({ "sec-websocket-protocol": "errand.v1" })).toBe("unauthorized");
  });

  test("takes both when they hold one token, as a browser sends them in which somebody has signed in", () => {
    const basic = `Basic ${btoa("somebody:token-one")}`;
    for (const authorization of ["Bearer token-one", basic])
      expect(who({ authorization, "sec-websocket-protocol": protocol("token-one") })).toBe("one");
  });

  test("refuses both when they do not, each of them good or not", () => {
    for (const authorization of ["Bearer token-two", "Bearer token-three", "Basic Og==", ""]) {
      expect(who({ authorization, "sec-websocket-protocol": protocol("token-one") })).toBe("unauthorized");
    }
    const bad = { authorization: "Bearer token-one", "sec-websocket-protocol": protocol("token-three") };
    expect(who(bad)).toBe("unauthorized");
    const malformed = { authorization: "Bearer token-one", "sec-websocket-protocol": "errand.token." };
    expect(who(malformed)).toBe("unauthorized");
  });

  test("no other request takes a token from the subprotocols", () => {
    const headers = { "sec-websocket-protocol": protocol("token-one") };
    expect(codeOf(() => closed.authenticate(fakeRequest({ headers })))).toBe("unauthorized");
  });
});

import { describe, expect, test } from "bun:test";
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

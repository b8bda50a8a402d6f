import { describe, expect, test } from "bun:test";
import { ErrandError } from "../core/errors.ts";
import { AllowedAddresses } from "./addresses.ts";
import { UrlPolicy } from "./policy.ts";

const policy = new UrlPolicy(new AllowedAddresses(["10.0.0.0/8"]), { callbackUrlBytes: 100 });

/** Code and message of the refusal; "allowed" when there is none. */
function verdict(url: string): string {
  try {
    policy.check(url);
    return "allowed";
  } catch (error) {
    if (!(error instanceof ErrandError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

const allowed = [
  "http://example.com",
  "https://example.com:8443/a/b?c=d&e=%20#f",
  "HTTPS://EXAMPLE.COM/",
  "http://b\u00fccher.example/\u00e9",
  "http://1.1.1.1/",
  "http://[2606:4700::1111]:8080/",
  "http://10.1.2.3/",
  "http://0x0a.1/",
  "http://localhost/", // a name: looked at when it is called
  "http://example.com/@x",
  "http://example.com?a@b",
  `http://example.com/${"a".repeat(81)}`,
];

const invalid: Record<string, string> = {
  "": "must begin",
  "example.com": "must begin",
  "//example.com/": "must begin",
  "/path": "must begin",
  "http:example.com": "must begin",
  "http:/example.com": "must begin",
  "http:\\\\example.com": "must begin",
  "http:///example.com": "must begin",
  "http://\\example.com": "must begin",
  "ftp://example.com/": "must begin",
  "file:///etc/passwd": "must begin",
  "javascript:alert(1)": "must begin",
  "data:text/plain,x": "must begin",
  "unix:/run/x.sock": "must begin",
  "httpx://example.com/": "must begin",
  "http://": "no valid",
  "http://example.com:99999/": "no valid",
  "http://example.com:x/": "no valid",
  "http://exa%00mple.com/": "no valid",
  "http://[::1": "no valid",
  "http://[::1%25lo]/": "no valid",
  "http://256.1.1.1/": "no valid",
  "http://example.com/a b": "a space",
  " http://example.com/": "a space",
  "http://example.com/\n": "a space",
  "http://exam\tple.com/": "a space",
  "http://example.com/\r\nX: y": "a space",
  "http://example.com/\0": "a space",
  "http://example.com/\u0085": "a space",
  "http://example.com/\ud800": "a space",
  [`http://example.com/${"a".repeat(82)}`]: "longer than 100 bytes",
  [`http://example.com/${"\u00e9".repeat(30)}`]: "longer than 100 bytes", // as it is sent
};

describe("a callback's URL", () => {
  test("to a public or an allowed address or a name passes", () => {
    expect(allowed.map(verdict)).toEqual(allowed.map(() => "allowed"));
  });

  test("that is none is invalid, and the message says why", () => {
    for (const [url, why] of Object.entries(invalid)) {
      expect([url, verdict(url)]).toEqual([url, expect.stringContaining(why)]);
      expect(verdict(url)).toStartWith("invalid-spec: the callback's URL ");
    }
  });

  test("with a user or a password is forbidden", () => {
    for (const user of ["a@", "a:b@", ":@", "@", "a%40b@", "example.com:80@"])
      expect(verdict(`http://${user}example.com/`)).toMatch(/^forbidden: .* user or a password$/);
  });

  test("to an address that is not allowed is forbidden, and the message says which are", () => {
    expect(verdict("http://0x7f.1:80/secret")).toBe(
      "forbidden: the callback's URL goes to 127.0.0.1, which is not allowed: " +
        "public addresses are allowed, and those in callbacks.allowPrivate",
    );
  });
});

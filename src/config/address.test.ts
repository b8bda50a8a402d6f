import { describe, expect, test } from "bun:test";
import { assert, integer, ipV4, ipV6, oneof, property, string } from "fast-check";
import { formatAddress, isLoopback, parseAddress } from "./address.ts";
import type { Address } from "./settings.ts";

const tcp = (host: string, port: number): Address => ({ kind: "tcp", host, port });

describe("parseAddress", () => {
  test.each([
    ["127.0.0.1:8910", tcp("127.0.0.1", 8_910)],
    ["localhost:0", tcp("localhost", 0)],
    ["some.example:65535", tcp("some.example", 65_535)],
    ["[::1]:80", tcp("::1", 80)],
    ["[::ffff:127.0.0.1]:80", tcp("::ffff:127.0.0.1", 80)],
    ["8910", tcp("127.0.0.1", 8_910)],
    ["unix:/run/errand.sock", { kind: "unix", path: "/run/errand.sock" }],
    ["unix:relative path:1", { kind: "unix", path: "relative path:1" }],
  ] as const)("reads %p", (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });

  test.each([
    "",
    ":",
    ":80",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:1e2",
    "127.0.0.1:80 ",
    "127.0.0.1:080000",
    "::1:80",
    "[::1]",
    "[::1]80",
    "[127.0.0.1]:80",
    "[localhost]:80",
    "[]:80",
    "a:b:80",
    "unix:",
  ])("does not read %p", (text) => {
    expect(parseAddress(text)).toBeNull();
  });

  test("reads what formatAddress prints, and no text makes it fail", () => {
    const ports = integer({ min: 0, max: 65_535 });
    assert(
      property(oneof(ipV4(), ipV6()), ports, (host, port) => {
        expect(parseAddress(formatAddress(tcp(host, port)))).toEqual(tcp(host, port));
      }),
    );
    assert(
      property(string(), (text) => {
        const address = parseAddress(text);
        if (address !== null) expect(parseAddress(formatAddress(address))).toEqual(address);
      }),
    );
  });
});

describe("isLoopback", () => {
  test.each(["127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "localhost"])(
    "is true for %p",
    (host) => {
      expect(isLoopback(tcp(host, 1))).toBe(true);
    },
  );

  test("is true for a socket in the file system", () => {
    expect(isLoopback({ kind: "unix", path: "/tmp/x" })).toBe(true);
  });

  test.each([
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "128.0.0.1",
    "126.255.255.255",
    "169.254.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0.0.0.0",
    "fe80::1",
    "fd00::1",
    "::2",
    "some.example",
    "localhost.example",
    "127.0.0.1.example",
    "",
    "*",
  ])("is false for %p", (host) => {
    expect(isLoopback(tcp(host, 1))).toBe(false);
  });
});

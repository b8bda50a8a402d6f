import { describe, expect, test } from "bun:test";
import { array, assert, ipV4, ipV6, oneof, property, string } from "fast-check";
import { fakeRequest } from "../../test/hostile/support/fake-request.ts";
import { Clients } from "./clients.ts";

const clients = new Clients(["10.0.0.0/8", "192.0.2.7", "fd00::/8", "::1"]);

function address(peer: string | undefined, forwarded?: string, own = clients): string {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  return own.address(fakeRequest({ headers, ...(peer === undefined ? {} : { peer }) }));
}

describe("the client's address", () => {
  test.each([
    ["the peer without a header", "203.0.113.1", undefined, "203.0.113.1"],
    ["the peer that is no proxy, whatever it says", "203.0.113.1", "198.51.100.9", "203.0.113.1"],
    ["what a trusted proxy says", "10.1.2.3", "198.51.100.9", "198.51.100.9"],
    ["what a single trusted address says", "192.0.2.7", "198.51.100.9", "198.51.100.9"],
    ["not what its neighbour says", "192.0.2.8", "198.51.100.9", "192.0.2.8"],
    ["what a proxy of IPv6 says", "fd12::1", "2001:db8::1", "2001:db8::1"],
    ["what a proxy says that is mapped into IPv6", "::ffff:10.0.0.9", "198.51.100.9", "198.51.100.9"],
    ["the nearest that is no proxy", "10.0.0.1", "1.1.1.1, 198.51.100.9, 10.9.9.9", "198.51.100.9"],
    ["the peer when all are proxies", "10.0.0.1", "10.0.0.2, fd00::2", "10.0.0.1"],
    ["the peer when the nearest is no address", "10.0.0.1", "198.51.100.9, evil", "10.0.0.1"],
    ["the peer when the header is empty", "10.0.0.1", "", "10.0.0.1"],
    ["the peer when an element is empty", "10.0.0.1", "198.51.100.9,,", "10.0.0.1"],
    ["the peer when there is a port", "10.0.0.1", "198.51.100.9:80", "10.0.0.1"],
    ["local for a Unix socket", undefined, "198.51.100.9", "local"],
  ])("is %s", (_name, peer, forwarded, expected) => {
    expect(address(peer, forwarded)).toBe(expected);
  });

  test("is the peer, whatever is said, when no proxy is trusted", () => {
    assert(
      property(oneof(ipV4(), ipV6()), string(), (peer, text) => {
        expect(address(peer, text, new Clients([]))).toBe(peer);
      }),
    );
  });

  test("is the peer or one of those that were told, and no error comes of any text", () => {
    assert(
      property(array(oneof(ipV4(), ipV6(), string()), { maxLength: 6 }), (hops) => {
        const forwarded = hops.join(",");
        const found = address("10.0.0.1", forwarded);
        expect(["10.0.0.1", ...forwarded.split(",").map((hop) => hop.trim())]).toContain(found);
      }),
    );
  });
});

describe("the protocol", () => {
  const protocol = (peer: string, proto?: string) =>
    clients.protocol(
      fakeRequest({ peer, headers: proto === undefined ? {} : { "x-forwarded-proto": proto } }),
    );

  test.each([
    ["10.0.0.1", "https", "https"],
    ["10.0.0.1", "http", "http"],
    ["10.0.0.1", undefined, "http"],
    ["10.0.0.1", "wss", "http"],
    ["10.0.0.1", "https, http", "http"],
    ["203.0.113.1", "https", "http"],
  ] as const)("from %s that says %p is %s", (peer, proto, expected) => {
    expect(protocol(peer, proto)).toBe(expected);
  });
});

import { describe, expect, test } from "bun:test";
import { AllowedAddresses, literalAddress } from "./addresses.ts";

const nothingPrivate = new AllowedAddresses([]);
const everything = new AllowedAddresses(["0.0.0.0/0", "::/0"]);

const publicOnes = ["1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"];

/** Private: allowed only where the operator says so. */
const privateOnes = [
  "10.0.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "127.0.0.1",
  "127.255.255.254",
  "100.64.0.1",
  "192.0.2.1",
  "198.18.0.1",
  "203.0.113.1",
  "240.0.0.1",
  "::1",
  "fc00::1",
  "fd12:3456::1",
  "2001:db8::1",
  "3fff::1",
  "4000::1",
  "fe00::1",
  "100::1",
  "::ffff:127.0.0.1",
  "::ffff:a00:1",
];

const neverOnes = [
  "0.0.0.0",
  "0.1.2.3",
  "169.254.169.254",
  "169.254.0.1",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  "224.0.0.1",
  "239.255.255.255",
  "255.255.255.255",
  "::",
  "::ffff:0.0.0.0",
  "::ffff:169.254.169.254",
  "::ffff:a9fe:a9fe",
  "fe80::1",
  "febf::1",
  "fec0::1",
  "fd00:ec2::254",
  "fd00:ec2::23",
  "fd20:ce::254",
  "fd00:42::42",
  "ff02::1",
  "::127.0.0.1",
  "::8.8.8.8",
  "0:0:0:0:0:0:8.8.8.8",
  "::a9fe:a9fe",
  "::2",
  "::ffff:0:127.0.0.1",
  "64:ff9b::7f00:1",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b:1::7f00:1",
  "2002:7f00:1::1",
  "2002:a9fe:a9fe::",
  "2001::7f00:1",
];

const noAddresses = [
  "",
  "localhost",
  "1.1.1",
  "01.1.1.1",
  "0x1.1.1.1",
  "16843009",
  "1.1.1.1 ",
  "1.1.1.1\n",
  "2606:4700::1111%lo",
  "[2606:4700::1111]",
  "1.1.1.1/32",
];

describe("an address", () => {
  test("that is public may be called", () => {
    expect(publicOnes.filter((address) => !nothingPrivate.allows(address))).toEqual([]);
  });

  test("that is private may be called only when it is allowed", () => {
    expect(privateOnes.filter((address) => nothingPrivate.allows(address))).toEqual([]);
    expect(privateOnes.filter((address) => !everything.allows(address))).toEqual([]);
  });

  test("of metadata, link-local, no one machine or a tunnel may never be called", () => {
    for (const allowed of [nothingPrivate, everything])
      expect(neverOnes.filter((address) => allowed.allows(address))).toEqual([]);
    const named = new AllowedAddresses(neverOnes);
    expect(neverOnes.filter((address) => named.allows(address))).toEqual([]);
  });

  test("that is none may not be called", () => {
    expect(noAddresses.filter((address) => everything.allows(address))).toEqual([]);
  });
});

describe("the list of the operator", () => {
  test("takes networks and addresses, and nothing beside them", () => {
    const allowed = new AllowedAddresses([
      "10.1.0.0/16",
      "127.0.0.1",
      "fd12::/16",
      "::1",
      "::ffff:192.168.0.9",
    ]);
    const yes = ["10.1.2.3", "127.0.0.1", "fd12::9", "::1", "192.168.0.9", "::ffff:10.1.2.3", "1.1.1.1"];
    const no = ["10.2.0.1", "127.0.0.2", "fd13::9", "192.168.0.8", "::ffff:10.2.0.1"];
    expect(yes.filter((address) => !allowed.allows(address))).toEqual([]);
    expect(no.filter((address) => allowed.allows(address))).toEqual([]);
  });
});

describe("the host of a URL", () => {
  const hosts: Record<string, string | null> = {
    "http://0x7f.1/": "127.0.0.1",
    "http://127.0.0.1.:80/": "127.0.0.1",
    "http://127.0.0.1../": "127.0.0.1",
    "http://[::1]:80/": "::1",
    "http://[::ffff:127.0.0.1]/": "::ffff:7f00:1",
    "http://example.com./": null,
    "http://127.0.0.1.example.com/": null,
    "http://localhost/": null,
  };

  test("is an address or a name", () => {
    const found = Object.keys(hosts).map((url) => [url, literalAddress(new URL(url))]);
    expect(Object.fromEntries(found)).toEqual(hosts);
  });
});

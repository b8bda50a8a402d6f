import { expect, test } from "bun:test";
import { isIP } from "node:net";
import { resolveName } from "./resolve.ts";

test("a name of this machine has its addresses", async () => {
  const found = await resolveName("localhost");
  const addresses = found.map(({ address }) => address);
  expect(addresses.filter((address) => address !== "127.0.0.1" && address !== "::1")).toEqual([]);
  expect(addresses.length).toBeGreaterThan(0);
  for (const { address, family } of found) expect(family).toBe(isIP(address) as 4 | 6);
});

test("what is no name is an error, as often as it is asked", async () => {
  const bad = `${"a".repeat(64)}.test`;
  const tries = await Promise.allSettled([1, 2, 3].map(() => resolveName(bad)));
  expect(tries.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  await expect(resolveName(bad)).rejects.toThrow();
});

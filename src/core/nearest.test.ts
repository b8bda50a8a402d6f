import { describe, expect, test } from "bun:test";
import { array, assert, property, string } from "fast-check";
import { limitTable } from "./limits.ts";
import { nearestName } from "./nearest.ts";

describe("the nearest name", () => {
  test.each([
    ["listen", "listen"],
    ["lisen", "listen"],
    ["lsiten", "listen"],
    ["LISTEN", "listen"],
    ["trusted_proxies", "trustedProxies"],
    ["host", "hosts"],
    ["dat", "data"],
    ["xdata", "data"],
    ["ata", "data"],
  ])("to %p is %p", (typed, meant) => {
    expect(nearestName(typed, ["listen", "hosts", "data", "trustedProxies"])).toBe(meant);
  });

  test.each(["", "q", "qqqqqq", "completely different"])("to %p is none", (typed) => {
    expect(nearestName(typed, ["listen", "hosts"])).toBeUndefined();
    expect(nearestName(typed, [])).toBeUndefined();
  });

  test("is the first of equally near ones", () => {
    expect(nearestName("ab", ["ax", "ay", "abc", "abd"])).toBe("ax");
  });

  test("to any name with one letter changed, added or left out is that name", () => {
    const names = Object.keys(limitTable);
    for (const name of names) {
      for (let index = 0; index < name.length; index += 1) {
        const [before, rest] = [name.slice(0, index), name.slice(index + 1)];
        for (const typed of [`${before}${rest}`, `${before}#${rest}`, `${before}#${name.slice(index)}`]) {
          expect([typed, nearestName(typed, names)]).toEqual([typed, name]);
        }
      }
    }
  });

  test("is one of the names, and a name itself is nearest to itself", () => {
    assert(
      property(string(), array(string(), { maxLength: 8 }), (typed, names) => {
        const found = nearestName(typed, names);
        if (found !== undefined) expect(names).toContain(found);
        if (names.includes(typed)) expect(found?.toLowerCase()).toBe(typed.toLowerCase());
      }),
    );
  });
});

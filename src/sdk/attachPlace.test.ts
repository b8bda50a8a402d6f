import { describe, expect, test } from "bun:test";
import { AttachPlace } from "./attachPlace.ts";

describe("where an output goes on", () => {
  test("bytes behind the last cursor are known when they come again", () => {
    const place = new AttachPlace(undefined);
    place.begin();
    expect([place.take("stdout", 10), place.take("stderr", 4)]).toEqual([0, 0]);
    place.reach("a");
    expect([place.take("stdout", 5), place.take("stdout", 5)]).toEqual([0, 0]);
    place.begin();
    expect(place.cursor).toBe("a");
    // In other pieces, and more of them.
    expect([place.take("stdout", 3), place.take("stdout", 12), place.take("stderr", 2)]).toEqual([3, 7, 0]);
    place.reach("b");
    place.begin();
    expect(place.take("stdout", 2)).toBe(0);
  });

  test("a cursor within what is known leaves the rest of it known", () => {
    const place = new AttachPlace("a");
    place.begin();
    place.take("stdout", 10);
    place.begin();
    expect(place.take("stdout", 4)).toBe(4);
    place.reach("b");
    expect(place.take("stdout", 4)).toBe(4);
    // Cut again: two are left behind the cursor, and four have come again.
    place.begin();
    expect([place.take("stdout", 5), place.take("stdout", 5)]).toEqual([5, 1]);
  });

  test("what was no part of the output is forgotten", () => {
    const place = new AttachPlace(undefined);
    place.begin();
    place.take("stdout", 100);
    place.forget();
    expect(place.take("stdout", 100)).toBe(0);
  });
});

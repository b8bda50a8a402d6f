import { describe, expect, test } from "bun:test";
import { assert, date, double, integer, property, string, webQueryParameters } from "fast-check";
import { ErrandError } from "../../core/errors.ts";
import { jobStates } from "../../core/job.ts";
import { readListQuery, readNone, readWait } from "./parameters.ts";

/** What the call gives, or the code of its refusal; any other error fails the test. */
function result<Value>(call: () => Value): Value | string {
  try {
    return call();
  } catch (error) {
    if (error instanceof ErrandError) return error.code;
    throw error;
  }
}

describe("readListQuery", () => {
  const read = (query: string) => result(() => readListQuery(query, 500));

  test("takes nothing as one page of the default length", () => {
    expect([read(""), result(() => readListQuery("", 20))]).toEqual([{ count: 50 }, { count: 20 }]);
  });

  test("takes each parameter", () => {
    const query =
      "state=ended,lost&alias=a+b%26&node=n&since=2026-01-31T12:00:00.5%2B01:00&cursor=7&limit=500";
    expect(read(query)).toEqual({
      count: 500,
      states: ["ended", "lost"],
      alias: "a b&",
      node: "n",
      since: Date.parse("2026-01-31T11:00:00.500Z"),
      before: "7",
    });
    expect(read(`state=${jobStates.join()}`)).toMatchObject({ states: [...jobStates] });
  });

  test.each([
    "x=1",
    "state=",
    "state=all",
    "state=ended;lost",
    "limit=501",
    "limit=0",
    "limit=%31%20",
    "cursor=0",
    "since=2026-02-30T99:00:00Z",
    "since=2026-01-31T12:00:00",
    "alias=a&alias=a",
    "=1",
    "%00=1",
    "__proto__=1",
  ])("refuses %p", (query) => {
    expect(read(query)).toBe("invalid-parameter");
  });

  test("reads every time that it would print", () => {
    const days = date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true });
    assert(
      property(days, (day) => {
        expect(read(`since=${day.toISOString()}`)).toEqual({ count: 50, since: day.getTime() });
      }),
    );
  });

  test("throws no other error, whatever the query", () => {
    assert(property(string(), (query) => expect(read(query)).toBeDefined()));
    assert(property(webQueryParameters(), (query) => expect(read(query)).toBeDefined()));
    for (const name of ["state", "alias", "node", "since", "cursor", "limit", "label"]) {
      assert(property(string(), (text) => expect(read(`${name}=${encodeURIComponent(text)}`)).toBeDefined()));
    }
  });
});

describe("readWait", () => {
  const read = (text: string) => result(() => readWait(`wait=${text}`, 300));

  test("is 0 without it", () => {
    expect(readWait("", 300)).toBe(0);
  });

  test.each([
    ["0", 0],
    ["5", 5],
    ["0.25", 0.25],
    ["300", 300],
    ["007", 7],
  ])("reads %p", (text, seconds) => {
    expect(read(text)).toBe(seconds);
  });

  test.each(["", "-1", "300.001", "1e2", ".5", "5.", "Infinity", "NaN", "1_0", "0x5", " 5", "5s"])(
    "refuses %p",
    (text) => {
      expect(read(encodeURIComponent(text))).toBe("invalid-parameter");
    },
  );

  test("gives a number from 0 to the most, or refuses", () => {
    const inRange = (value: number | string) => {
      if (typeof value === "number") expect(value >= 0 && value <= 300).toBe(true);
      else expect(value).toBe("invalid-parameter");
    };
    assert(property(string(), (text) => inRange(read(encodeURIComponent(text)))));
    assert(property(integer(), (number) => inRange(read(String(number)))));
    assert(property(double(), (number) => inRange(read(String(number)))));
  });
});

test("readNone refuses every parameter", () => {
  expect(result(() => readNone(""))).toBeUndefined();
  for (const query of ["a=1", "a", "graceSeconds=1"]) {
    expect(result(() => readNone(query))).toBe("invalid-parameter");
  }
});

import { describe, expect, test } from "bun:test";
import { fakeRequest } from "../../test/hostile/support/fake-request.ts";
import { checkSource } from "./source.ts";

const check = (headers: Record<string, string>, types?: readonly string[]) => () =>
  checkSource(fakeRequest({ headers }), types);

describe("checkSource", () => {
  test.each([
    {},
    { "content-type": "application/json" },
    { "content-type": "Application/JSON ; charset=utf-8" },
    { "content-type": "application/json", origin: "http://localhost" },
    { "sec-fetch-site": "same-origin" },
  ])("takes %j", (headers) => {
    expect(check(headers)).not.toThrow();
  });

  test.each([
    { "content-type": "" },
    { "content-type": "text/plain" },
    { "content-type": "text/plain; application/json" },
    { "content-type": "application/x-www-form-urlencoded" },
    { "content-type": "multipart/form-data; boundary=a" },
    { "content-type": "application/json, text/plain" },
    { origin: "http://localhost" },
    { origin: "http://localhost", "content-type": "text/plain" },
    { "content-type": "application/json", "sec-fetch-site": "cross-site" },
  ])("refuses %j", (headers) => {
    expect(check(headers)).toThrow(expect.objectContaining({ code: "forbidden" }));
  });

  test("a door may take more types, but with an Origin only JSON", () => {
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const types = ["application/json", "application/x-www-form-urlencoded"];
    expect(check(form, types)).not.toThrow();
    expect(check({ ...form, origin: "http://localhost" }, types)).toThrow("must be application/json");
    expect(check({ "content-type": "a/b" }, types)).toThrow(
      'content type "a/b": application/json or application/x-www-form-urlencoded is needed',
    );
  });
});

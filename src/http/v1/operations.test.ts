// A call without an operation would be open to every credential: whatever is served or described is held to the table.
import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, property } from "fast-check";
import { operationTable } from "../../core/scopes.ts";
import { v1Operation } from "./operations.ts";
import type { RouteParts } from "./routeParts.ts";
import { makeRoutes } from "./routes.ts";
import { streamCall } from "./streams.ts";

const app = makeRoutes({ version: "0.0.0" } as unknown as RouteParts);
const { paths = {} } = app.getOpenAPI31Document({ openapi: "3.1.0", info: { title: "", version: "" } });
const methods = ["get", "post", "put", "patch", "delete"] as const;

/** Calls as `METHOD /path/:id`. Middleware and refusals of methods stand for all methods. */
const served = app.routes.flatMap(({ method, path }) => (method === "ALL" ? [] : [`${method} ${path}`]));
const described = Object.entries(paths).flatMap(([path, item]) =>
  methods.flatMap((method) =>
    item[method] === undefined ? [] : [`${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`],
  ),
);
const calls = [...new Set([...served, ...described])];

const segments = ["1", "x", "a.b", "..", "stop", "jobs", "\n", "a\nb", "ü", "*", "a:b", ";", "\u2028"];

describe("a call has its operation, whatever stands for the id:", () => {
  test.each(calls)("%s", (call) => {
    const [method = "", path = ""] = call.split(" ");
    for (const segment of segments) {
      const concrete = path.replace(/:\w+/g, segment);
      expect([concrete, v1Operation(method, concrete)]).toEqual([concrete, expect.any(String)]);
    }
  });

  test("and every operation has its call", () => {
    const operations = calls.flatMap((call) => {
      const [method = "", path = ""] = call.split(" ");
      return [v1Operation(method, path), v1Operation(method, path, "readOnly=true")];
    });
    const without = Object.keys(operationTable).filter((name) => !operations.some((known) => known === name));
    expect(without).toEqual([]);
  });
});

test("an attachment is one that can write, unless it says clearly that it does not", () => {
  const path = "/v1/jobs/1/attach";
  for (const query of ["readOnly=true", "replay=none&readOnly=true", "readOnly=%74rue", "read%4fnly=true"])
    expect([query, v1Operation("GET", path, query)]).toEqual([query, "jobs.watch"]);
  for (const query of [
    ...["", "readOnly", "readOnly=", "readOnly=false", "readOnly=TRUE", "readOnly=1", "readonly=true"],
    ...["readOnly=true&readOnly=true", "readOnly=true&readOnly=false", "readOnly=false&readOnly=true"],
    ...["readOnly=true%20", "x=readOnly=true", "readOnly%3Dtrue", ";readOnly=true"],
  ])
    expect([query, v1Operation("GET", path, query)]).toEqual([query, "jobs.attach"]);
});

test("whatever is answered without the routes has its operation", () => {
  const known = calls.flatMap((call) => call.split(/[ /]/).filter((part) => !part.startsWith(":")));
  const part = constantFrom(...known, "", ...segments);
  const method = constantFrom("GET", "POST", "PUT", "DELETE", "PATCH");
  assert(
    property(
      method,
      constantFrom("/v1/jobs/", "/v1/"),
      array(part, { maxLength: 5 }),
      (verb, start, parts) => {
        const path = `${start}${parts.join("/")}`;
        if (streamCall(verb, path) !== null)
          expect([verb, path, v1Operation(verb, path)]).not.toContain(null);
      },
    ),
    { numRuns: 5_000 },
  );
  const streamed = calls.filter((call) => {
    const [verb = "", path = ""] = call.split(" ");
    return streamCall(verb, path.replace(/:\w+/g, "1")) !== null;
  });
  expect(streamed).not.toBeEmpty();
});

describe("what v1 does not have, has none:", () => {
  test.each([
    ["GET", "/v1"],
    ["GET", "/v1/jobs/"],
    ["GET", "/v1/jobs/1/"],
    ["GET", "/v1//jobs"],
    ["GET", "/v1/Jobs"],
    ["PATCH", "/v1/jobs"],
    ["PUT", "/v1/tokens"],
    ["GET", "/v1/tokens/1"],
    ["GET", "/v1/shutdown"],
    ["POST", "/openapi.json"],
    ["GET", "/openapiXjson"],
    ["GET", "/x/v1/jobs"],
    ["", ""],
  ])("%s %s", (method, path) => {
    expect(v1Operation(method, path)).toBeNull();
  });
});

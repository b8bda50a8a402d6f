// Contract v1, `/openapi.json`: the description is right about what the server does.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { run } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { list, problem } from "./support/v1.ts";
import { startProblem } from "./support/v1-start.ts";

type Tree = { readonly [key: string]: unknown };

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null;
}

let server: Server;
let document: Tree;
beforeAll(async () => {
  server = await startServer();
  const response = await server.request("/openapi.json");
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
  document = (await response.json()) as Tree;
});
afterAll(endEverything);

/** The part at these keys; a missing one fails the test that asks. */
function at(...keys: readonly string[]): Tree {
  let here: unknown = document;
  for (const key of keys) here = isTree(here) ? here[key] : undefined;
  if (!isTree(here)) throw new Error(`the document has no ${keys.join(" ")}`);
  return here;
}

function* references(value: unknown): Generator<string> {
  if (!isTree(value)) return;
  for (const [key, item] of Object.entries(value)) {
    if (key === "$ref" && typeof item === "string") yield item;
    else yield* references(item);
  }
}

describe("the document", () => {
  test("is OpenAPI 3.1 and needs a credential", async () => {
    expect(document.openapi).toStartWith("3.1.");
    expect(at("info")).toEqual({ title: "Errand", version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
    const refused = await problem(server, "/openapi.json", { credential: false });
    expect([refused.status, refused.code]).toEqual([401, "unauthorized"]);
  });

  test("has just the calls that there are", () => {
    const calls = Object.entries(at("paths")).flatMap(([path, item]) =>
      Object.keys(isTree(item) ? item : {}).map((method) => `${method} ${path}`),
    );
    expect(calls.sort()).toEqual([
      "delete /v1/jobs/{id}",
      "delete /v1/tokens/{id}",
      "get /v1/events",
      "get /v1/info",
      "get /v1/jobs",
      "get /v1/jobs/{id}",
      "get /v1/jobs/{id}/events",
      "get /v1/jobs/{id}/stderr",
      "get /v1/jobs/{id}/stdout",
      "get /v1/tokens",
      "post /v1/jobs",
      "post /v1/jobs/{id}/callback/resend",
      "post /v1/jobs/{id}/signal",
      "post /v1/jobs/{id}/stop",
      "post /v1/shutdown",
      "post /v1/tokens",
      "put /v1/jobs/{id}/stdin",
    ]);
  });

  test("has no reference that leads nowhere", () => {
    const found = [...references(document)];
    expect(found).not.toBeEmpty();
    for (const reference of found) {
      expect(reference).toStartWith("#/");
      expect(at(...reference.slice(2).split("/"))).toBeObject();
    }
  });

  test("names every parameter that the list takes, and each is taken", async () => {
    const { parameters } = at("paths", "/v1/jobs", "get");
    const names = (Array.isArray(parameters) ? parameters : []).map((one) => (isTree(one) ? one.name : one));
    expect(names.sort()).toEqual(["alias", "cursor", "label", "limit", "node", "since", "state"]);
    const values = "alias=a&cursor=1&label=a&limit=1&node=n&since=2026-01-01T00:00:00Z&state=ended";
    expect((await list(server, `?${values}`)).jobs).toEqual([]);
  });

  test("names every field of a job, and every job has them all", async () => {
    await run(server, ["true"]);
    const [job] = (await list(server)).jobs;
    const schema = at("components", "schemas", "Job");
    const properties = Object.keys(at("components", "schemas", "Job", "properties")).sort();
    expect(Object.keys(job ?? {}).sort()).toEqual(properties);
    expect(Array.isArray(schema.required) ? schema.required.toSorted() : []).toEqual(properties);
  });

  test("names every field of a spec, all of them optional, and each is taken", async () => {
    const schema = at("components", "schemas", "JobSpec");
    const names = Object.keys(at("components", "schemas", "JobSpec", "properties"));
    expect(names.sort()).toEqual([
      ...["alias", "aliasPolicy", "callback", "command", "cwd", "discardOutput", "env", "idleTimeoutSeconds"],
      ...["labels", "leftovers", "limits", "mergeOutput", "mode", "onDisconnect", "retainSeconds"],
      ...["runTimeoutSeconds", "shell"],
      ...["stdin", "stopGraceSeconds", "successExitCodes", "survive"],
    ]);
    expect([schema.required, schema.additionalProperties]).toEqual([undefined, false]);
    for (const name of names) {
      const { status, code, detail } = await startProblem(server, { command: 5, [name]: {} });
      expect([name, status, code, detail.includes("unknown field")]).toEqual([
        name,
        422,
        "invalid-spec",
        false,
      ]);
    }
  });

  test("asks for a spec where a job is started", () => {
    const content = at("paths", "/v1/jobs", "post", "requestBody", "content", "application/json");
    expect(content.schema).toEqual({ $ref: "#/components/schemas/JobSpec" });
    expect(at("paths", "/v1/jobs", "post", "requestBody").required).toBe(true);
  });

  test.each([
    ["/v1/jobs", "get", ["200", "400", "401", "403"]],
    [
      "/v1/jobs",
      "post",
      ["200", "201", "400", "401", "403", "409", "413", "422", "429", "501", "503", "507"],
    ],
    ["/v1/jobs/{id}", "get", ["200", "400", "401", "403", "404"]],
    ["/v1/jobs/{id}", "delete", ["204", "400", "401", "403", "404", "409"]],
    ["/v1/jobs/{id}/events", "get", ["200", "400", "401", "403", "404", "429"]],
    ["/v1/jobs/{id}/stdout", "get", ["200", "206", "400", "401", "403", "404", "416", "429"]],
    ["/v1/jobs/{id}/stderr", "get", ["200", "206", "400", "401", "403", "404", "416", "429"]],
    ["/v1/jobs/{id}/stdin", "put", ["200", "400", "401", "403", "404", "409", "413"]],
    ["/v1/jobs/{id}/signal", "post", ["200", "400", "401", "403", "404", "409", "422"]],
    ["/v1/jobs/{id}/stop", "post", ["200", "400", "401", "403", "404", "422"]],
    ["/v1/jobs/{id}/callback/resend", "post", ["200", "400", "401", "403", "404"]],
  ])("says what %s %s may answer", (path, method, statuses) => {
    expect(Object.keys(at("paths", path, method, "responses"))).toEqual(statuses);
  });
});

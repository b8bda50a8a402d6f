// Contract v1, `/openapi.json`: it is what OpenAPI 3.1 calls a document, and it is right about what the server does.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { run } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { violations } from "./support/json-schema.ts";
import { type Document, documentSchema, operationsOf, type Schema } from "./support/openapi-document.ts";
import { list, problem } from "./support/v1.ts";
import { startProblem } from "./support/v1-start.ts";

let server: Server;
let raw: unknown;
let document: Document;
beforeAll(async () => {
  server = await startServer();
  const response = await server.request("/openapi.json");
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
  raw = await response.json();
  document = documentSchema.parse(raw);
});
afterAll(endEverything);

function* references(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    if (key === "$ref" && typeof item === "string") yield item;
    else yield* references(item);
  }
}

const schemaOf = (name: string): Schema => document.components.schemas[name] ?? {};
const operations = () => operationsOf(document);

describe("the document", () => {
  test("is valid by the schema of OpenAPI 3.1", async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(raw as Record<string, object>))).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
    // It would tell.
    const { info: _, ...without } = raw as Record<string, object>;
    expect(await new Validator().validate(without)).toMatchObject({ valid: false });
    const broken = {
      ...(raw as Record<string, object>),
      paths: { "/v1/jobs": { get: { responses: { ok: {} } } } },
    };
    expect(await new Validator().validate(broken)).toMatchObject({ valid: false });
  });

  test("is OpenAPI 3.1 and needs a credential", async () => {
    expect(document.info).toEqual({ title: "Errand", version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
    expect(document.security).toEqual([{ bearer: [] }, { basic: [] }]);
    expect(Object.keys(document.components.securitySchemes ?? {})).toEqual(["bearer", "basic"]);
    const refused = await problem(server, "/openapi.json", { credential: false });
    expect([refused.status, refused.code]).toEqual([401, "unauthorized"]);
  });

  test("has just the calls that there are", () => {
    expect(
      operations()
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    ).toEqual([
      "DELETE /v1/jobs/{id}",
      "DELETE /v1/tokens/{id}",
      "GET /v1/events",
      "GET /v1/info",
      "GET /v1/jobs",
      "GET /v1/jobs/{id}",
      "GET /v1/jobs/{id}/attach",
      "GET /v1/jobs/{id}/events",
      "GET /v1/jobs/{id}/stderr",
      "GET /v1/jobs/{id}/stdout",
      "GET /v1/tokens",
      "POST /v1/jobs",
      "POST /v1/jobs/{id}/callback/resend",
      "POST /v1/jobs/{id}/resize",
      "POST /v1/jobs/{id}/signal",
      "POST /v1/jobs/{id}/stop",
      "POST /v1/shutdown",
      "POST /v1/tokens",
      "PUT /v1/jobs/{id}/stdin",
    ]);
  });

  test("has no reference that leads nowhere, and no schema that nobody needs", () => {
    const found = new Set(references(raw));
    const names = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    expect([...found].sort()).toEqual(names.sort());
  });

  test("describes each part of a path, and no other", () => {
    for (const { path, operation } of operations()) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
      const described = (operation.parameters ?? []).filter((one) => one.in === "path");
      expect([path, described.map(({ name }) => name)]).toEqual([path, named]);
    }
  });

  test("describes no parameter twice, and says what each is for", () => {
    for (const { path, operation } of operations()) {
      const names = (operation.parameters ?? []).map((one) => `${one.in} ${one.name}`);
      expect([path, new Set(names).size]).toEqual([path, names.length]);
      for (const one of operation.parameters ?? [])
        if (one.in !== "path") expect([path, one.name, one.description]).not.toContain(undefined);
    }
  });

  test("tells every refusal in the same words", () => {
    for (const { path, operation } of operations()) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        if (Number(status) < 400) continue;
        const schema = { $ref: "#/components/schemas/Problem" };
        expect([path, status, content]).toEqual([path, status, { "application/problem+json": { schema } }]);
      }
    }
  });

  test("says of each call that it may need a credential, and a right", () => {
    for (const { path, operation } of operations())
      expect([path, Object.keys(operation.responses)]).toEqual([
        path,
        expect.arrayContaining(["401", "403"]),
      ]);
  });
});

describe("what it describes", () => {
  test("are calls that answer: another method on the same path is refused, these are not", async () => {
    for (const { method, path } of operations()) {
      // A job that there is not: what is refused then is the job, not the call.
      const concrete = path.replace("{id}", "1");
      const response = await server.request(`${concrete}?nope=1`, { method });
      expect([method, path, response.status]).toEqual([method, path, 400]);
      expect(await response.json()).toMatchObject({ code: "invalid-parameter" });
    }
  });

  test("are all parameters that each call takes", async () => {
    for (const { method, path, operation } of operations()) {
      const response = await server.request(`${path.replace("{id}", "1")}?no-such=1`, { method });
      const { detail } = (await response.json()) as { detail: string };
      const known = /known are ([\w, ]+)$/.exec(detail)?.[1]?.split(", ") ?? ["?"];
      const described = (operation.parameters ?? []).filter((one) => one.in === "query");
      const names = described.map(({ name }) => name).sort();
      expect([path, known.sort()]).toEqual([path, names.length > 0 ? names : ["none"]]);
    }
  });

  test("is a job as every job is shown", async () => {
    await run(server, ["true"]);
    const { jobs } = await list(server);
    expect(jobs).not.toBeEmpty();
    for (const job of jobs) {
      expect(violations(job, { $ref: "#/components/schemas/Job" }, document)).toEqual([]);
      expect(Object.keys(job).sort()).toEqual(Object.keys(schemaOf("Job").properties ?? {}).sort());
    }
    expect(schemaOf("Job").required?.toSorted()).toEqual(
      Object.keys(schemaOf("Job").properties ?? {}).sort(),
    );
  });

  test("are all fields of a spec, none of them needed, and each one is taken", async () => {
    const { properties, required, additionalProperties } = schemaOf("JobSpec");
    const names = Object.keys(properties ?? {});
    expect(names.sort()).toEqual([
      ...["alias", "aliasPolicy", "callback", "command", "cwd", "discardOutput", "env", "idleTimeoutSeconds"],
      ...["labels", "leftovers", "limits", "mergeOutput", "mode", "onDisconnect", "retainSeconds"],
      ...["runTimeoutSeconds", "shell", "stdin", "stopGraceSeconds", "successExitCodes", "survive", "tty"],
    ]);
    expect([required, additionalProperties]).toEqual([undefined, false]);
    for (const name of names) {
      const { code, detail } = await startProblem(server, { command: 5, [name]: {} });
      expect([name, code, detail.includes("unknown field")]).toEqual([name, "invalid-spec", false]);
    }
  });
});

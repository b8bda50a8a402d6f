// Contract v1, `POST /v1/jobs`: what is not right is refused by the name of its field, with what is allowed, and runs nothing.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { badValues, contradictions, unknownFields } from "./support/bad-specs.ts";
import { list, problem } from "./support/v1.ts";
import { postJob, startProblem } from "./support/v1-start.ts";

let server: Server;
let home: string;
beforeAll(async () => {
  home = temporaryDirectory("refused");
  server = await startServer({ cwd: home });
});
afterAll(endEverything);
afterEach(async () => {
  // Whatever was sent: no job came of it, nor a file.
  expect((await list(server, "?state=starting,running,ended,detached")).jobs).toEqual([]);
  expect(readdirSync(join(server.dataDir, "jobs"))).toEqual([]);
});

describe("a value that is not allowed:", () => {
  for (const { field, rest, values } of badValues) {
    test.each(values)(`${field} = %j`, async (value, allowed) => {
      expect(values.length).toBeGreaterThanOrEqual(4);
      const { status, code, detail } = await startProblem(server, { ...rest, [field]: value });
      expect([status, code]).toEqual([422, "invalid-spec"]);
      expect(detail).toContain(field);
      expect(detail).toMatch(allowed instanceof RegExp ? allowed : escaped(allowed));
      expect(detail).not.toContain("unknown field");
    });
  }

  test.each([
    ["an argument", { command: ["true", "a\0b"] }, /argument/],
    ["the program", { command: ["true\0"] }, /argument|program/],
    ["the line of the shell", { shell: "true\0" }, /argument|shell/],
    ["the directory", { command: ["true"], cwd: "/\0" }, /directory|cwd/],
    ["a variable's value", { command: ["true"], env: { SOME: "\0" } }, /"SOME"/],
    ["a variable's name", { command: ["true"], env: { "A\0B": "" } }, /variable/],
  ])("NUL in %s", async (_name, spec, words) => {
    const { status, code, detail } = await startProblem(server, spec);
    expect([status, code]).toEqual([422, "invalid-spec"]);
    expect(detail).toMatch(words);
    expect(detail).toContain("NUL");
  });

  test.each(["", "=", "A=B", "=A"])("the variable %j", async (name) => {
    const { status, code, detail } = await startProblem(server, { command: ["true"], env: { [name]: "1" } });
    expect([status, code]).toEqual([422, "invalid-spec"]);
    expect(detail).toContain(JSON.stringify(name));
  });
});

describe("an unknown field is named, with the nearest one:", () => {
  test.each(unknownFields)("%s", async (name, spec, nearest) => {
    const { status, code, detail } = await startProblem(server, spec);
    expect([status, code]).toEqual([422, "invalid-spec"]);
    expect(detail).toContain(`unknown field ${JSON.stringify(name)}`);
    expect(detail).toContain(`did you mean ${nearest}?`);
  });

  test.each(["zzzzzzzzzzzzzzzzzzzzzz", "constructor", "hasOwnProperty", "__proto__"])(
    "or with all of them, when none is near: %s",
    async (name) => {
      const { code, detail } = await startProblem(server, `{"command":["true"],${JSON.stringify(name)}:1}`);
      expect(code).toBe("invalid-spec");
      expect(detail).toContain(JSON.stringify(name));
      for (const known of ["command", "shell", "runTimeoutSeconds", "callback"])
        expect(detail).toContain(known);
    },
  );
});

describe("fields that do not go together:", () => {
  test.each(contradictions)("%j", async (spec, field) => {
    const { status, code, detail } = await startProblem(server, spec);
    expect([status, code]).toEqual([422, "invalid-spec"]);
    expect(detail).toContain(field);
    expect(detail).not.toContain("unknown field");
  });
});

describe("a body that is no JSON is 400:", () => {
  test.each<[string, string | Uint8Array<ArrayBuffer>, string]>([
    ["nothing", "", "JSON"],
    ["white space", " \n", "JSON"],
    ["the start of an object", `{"command":["true"]`, "JSON"],
    ["an object and more", `{"command":["true"]}}`, "JSON"],
    ["two objects", `{"command":["true"]}\n{"command":["true"]}`, "JSON"],
    ["single quotes", "{'command':['true']}", "JSON"],
    ["a comment", `{"command":["true"]} // comment`, "JSON"],
    ["a comma too many", `{"command":["true"],}`, "JSON"],
    ["NaN", `{"command":["true"],"runTimeoutSeconds":NaN}`, "JSON"],
    ["a form", "command=true", "JSON"],
    ["very deep nesting", "[".repeat(200_000), "JSON"],
    ["bytes that are no UTF-8", Uint8Array.of(0x22, 0xff, 0x22), "UTF-8"],
    ["half a character", Uint8Array.of(0x22, 0xc3, 0x22), "UTF-8"],
    ["UTF-16", new Uint8Array(Buffer.from(`{"command":["true"]}`, "utf16le")), "JSON"],
  ])("%s", async (_name, body, words) => {
    const { status, code, detail } = await startProblem(server, body);
    expect([status, code]).toEqual([400, "invalid-request"]);
    expect(detail).toContain(words);
  });
});

describe("a body that is no object is 422:", () => {
  test.each(["null", "true", "5", `"true"`, "[]", `["true"]`, `[{"command":["true"]}]`])(
    "%s",
    async (body) => {
      const { status, code, detail } = await startProblem(server, body);
      expect([status, code]).toEqual([422, "invalid-spec"]);
      expect(detail).toContain("object");
    },
  );
});

describe("a body that is not called JSON is 400:", () => {
  const body = JSON.stringify({ command: ["touch", "ran"] });
  const types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"];
  test.each([...types, "application/jsonx", "application/ld+json", "text/json", "json", ""])(
    "%j",
    async (type) => {
      const { status, code, detail } = await startProblem(server, body, {
        headers: { "content-type": type },
      });
      expect([status, code]).toEqual([400, "invalid-request"]);
      expect(detail).toContain("application/json");
    },
  );

  test("no type at all", async () => {
    const bytes = new TextEncoder().encode(body);
    const refused = await problem(server, "/v1/jobs", { method: "POST", body: bytes });
    expect(refused).toMatchObject({ status: 400, code: "invalid-request" });
    expect(existsSync(join(home, "ran"))).toBe(false);
  });
});

describe("a parameter is 400:", () => {
  test.each(["a=1", "Wait=1", "command=true", "timeout=5"])("?%s", async (query) => {
    const path = `/v1/jobs?${query}`;
    const refused = await problem(server, path, { method: "POST", body: "{}" });
    expect(refused).toMatchObject({ status: 400, code: "invalid-parameter" });
    expect(refused.detail).toContain(query.split("=", 1)[0] ?? "");
  });
});

describe("a body of more than 8 MiB", () => {
  const limitBytes = 8 * 1024 * 1024;
  const sized = (bytes: number) => {
    const [start, end] = [`{"command":["/no/such/program"],"stdin":{"text":"`, `"}}`];
    return start + "x".repeat(bytes - start.length - end.length) + end;
  };

  test("is 413, with what is allowed", async () => {
    const { status, code, detail } = await startProblem(server, sized(limitBytes + 1));
    expect([status, code]).toEqual([413, "too-large"]);
    expect(detail).toContain(String(limitBytes));
  });

  test("just so much is read", async () => {
    expect(await startProblem(server, sized(limitBytes))).toMatchObject({
      status: 422,
      code: "start-failed",
    });
  });
});

test("one who has no credential is told nothing else", async () => {
  for (const body of ["{", `{"command":["touch","ran"]}`, `{"nope":1}`]) {
    const response = await postJob(server, body, { credential: false });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      401,
      "unauthorized",
    ]);
  }
  expect(existsSync(join(home, "ran"))).toBe(false);
});

function escaped(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
}

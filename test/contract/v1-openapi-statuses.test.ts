// Contract v1: every status that /openapi.json tells of is really answered, in the type and form that it tells.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openFrames } from "../support/event-stream.ts";
import { newAlias } from "../support/jobs.ts";
import type { RequestOptions } from "../support/request.ts";
import { endEverything, projectRoot } from "../support/server.ts";
import { makeToken, newName } from "../support/tokens.ts";
import { violations } from "./support/json-schema.ts";
import { type Document, documentSchema, operationsOf } from "./support/openapi-document.ts";
import { jsonRequest, type Stage, setStage } from "./support/status-stage.ts";
import { postJob, runJob, startJob } from "./support/v1-start.ts";

let stage: Stage;
let document: Document;
beforeAll(async () => {
  stage = await setStage();
  await openFrames(stage.small, `/v1/jobs/${stage.ids.streamed}/events`);
  document = documentSchema.parse(await (await stage.server.request("/openapi.json")).json());
}, 60_000);
afterAll(endEverything);

/** Makes one answer; or the file and the name of the test that does, where that takes a stage of its own. */
type Maker = (() => Promise<Response>) | { readonly file: string; readonly test: string };

interface Row {
  /** A request that is right, but for what a status is about. */
  readonly id?: () => string;
  readonly options?: RequestOptions;
  /** Which token may not do it. */
  readonly lacking: "reader" | "runner";
  readonly own: Readonly<Record<number, Maker>>;
}

const get = (path: string, options?: RequestOptions) => stage.server.request(path, options);
const ofSmall = (path: string) => stage.small.request(`/v1/jobs/${stage.ids.streamed}${path}`);
const tooLarge = Buffer.alloc(8 * 1024 * 1024 + 1, " ");
const command = ["true"];
const size = { cols: 100, rows: 30 };
const ended = () => stage.ids.ended;

function outputRow(stream: "stdout" | "stderr"): Row {
  const path = () => `/v1/jobs/${ended()}/${stream}`;
  return {
    id: ended,
    lacking: "runner",
    own: {
      200: () => get(path()),
      206: () => get(path(), { headers: { range: "bytes=0-1" } }),
      416: () => get(path(), { headers: { range: "bytes=99-" } }),
      429: () => ofSmall(`/${stream}?follow=true`),
    },
  };
}

const table: Readonly<Record<string, Row>> = {
  "POST /v1/jobs": {
    options: jsonRequest("POST", { command }),
    lacking: "reader",
    own: {
      200: () => postJob(stage.server, { command }, { headers: { accept: "application/x-ndjson" } }),
      201: () => get("/v1/jobs?wait=10", jsonRequest("POST", { shell: "echo x; printf '\\377' >&2" })),
      409: async () => {
        const alias = newAlias();
        await startJob(stage.server, { command: ["sleep", "60"], alias });
        return postJob(stage.server, { command, alias });
      },
      413: () => get("/v1/jobs", { ...jsonRequest("POST", ""), body: tooLarge }),
      422: () => postJob(stage.server, { command: ["/no/such/program"] }),
      429: () => postJob(stage.small, { command }),
      501: () =>
        postJob(stage.server, { command, mode: "detached" }, { headers: { "idempotency-key": "k" } }),
      503: () => postJob(stage.draining, { command }),
      507: () => postJob(stage.full, { command }),
    },
  },
  "GET /v1/jobs": { lacking: "runner", own: { 200: () => get("/v1/jobs") } },
  "GET /v1/jobs/{id}": { id: ended, lacking: "runner", own: { 200: () => get(`/v1/jobs/${ended()}`) } },
  "DELETE /v1/jobs/{id}": {
    id: ended,
    options: { method: "DELETE" },
    lacking: "reader",
    own: {
      204: async () => {
        const { id } = await runJob(stage.server, { command });
        return get(`/v1/jobs/${id}`, { method: "DELETE" });
      },
      409: () => get(`/v1/jobs/${stage.ids.running}`, { method: "DELETE" }),
    },
  },
  "GET /v1/jobs/{id}/events": {
    id: ended,
    lacking: "runner",
    own: { 200: () => get(`/v1/jobs/${ended()}/events`), 429: () => ofSmall("/events") },
  },
  "GET /v1/jobs/{id}/stdout": outputRow("stdout"),
  "GET /v1/jobs/{id}/stderr": outputRow("stderr"),
  "PUT /v1/jobs/{id}/stdin": {
    id: () => stage.ids.open,
    options: { method: "PUT", body: "x" },
    lacking: "reader",
    own: {
      200: () => get(`/v1/jobs/${stage.ids.open}/stdin`, { method: "PUT", body: "x" }),
      409: () => get(`/v1/jobs/${ended()}/stdin`, { method: "PUT", body: "x" }),
      413: () => get(`/v1/jobs/${stage.ids.open}/stdin`, { method: "PUT", body: tooLarge }),
    },
  },
  "POST /v1/jobs/{id}/signal": {
    id: () => stage.ids.running,
    options: jsonRequest("POST", { signal: "SIGCONT" }),
    lacking: "reader",
    own: {
      200: () => get(`/v1/jobs/${stage.ids.running}/signal`, jsonRequest("POST", { signal: "SIGCONT" })),
      409: () => get(`/v1/jobs/${ended()}/signal`, jsonRequest("POST", { signal: "SIGCONT" })),
      413: () => get(`/v1/jobs/${ended()}/signal`, { ...jsonRequest("POST", ""), body: tooLarge }),
      422: () => get(`/v1/jobs/${stage.ids.running}/signal`, jsonRequest("POST", { signal: "CONT" })),
      429: { file: "test/crash/halted-shim.test.ts", test: "does not read is asked no more" },
    },
  },
  "POST /v1/jobs/{id}/resize": {
    id: () => stage.ids.terminal,
    options: jsonRequest("POST", size),
    lacking: "reader",
    own: {
      200: () => get(`/v1/jobs/${stage.ids.terminal}/resize`, jsonRequest("POST", size)),
      409: () => get(`/v1/jobs/${ended()}/resize`, jsonRequest("POST", size)),
      413: () => get(`/v1/jobs/${ended()}/resize`, { ...jsonRequest("POST", ""), body: tooLarge }),
      422: () => get(`/v1/jobs/${stage.ids.terminal}/resize`, jsonRequest("POST", { cols: 0, rows: 0 })),
      429: { file: "test/crash/halted-shim.test.ts", test: "does not read is asked no more" },
    },
  },
  "GET /v1/jobs/{id}/attach": {
    id: ended,
    lacking: "reader",
    own: {
      101: { file: "test/contract/v1-attach.test.ts", test: "is seen from its begin to its end" },
      426: () => get(`/v1/jobs/${ended()}/attach`),
      429: { file: "test/contract/v1-attach.test.ts", test: "not more than the limit" },
    },
  },
  "POST /v1/jobs/{id}/stop": {
    id: ended,
    options: jsonRequest("POST", {}),
    lacking: "reader",
    own: {
      200: () => get(`/v1/jobs/${ended()}/stop`, jsonRequest("POST", {})),
      409: async () => {
        const { id } = await startJob(stage.server, { command, mode: "detached" });
        return get(`/v1/jobs/${id}/stop`, jsonRequest("POST", {}));
      },
      413: () => get(`/v1/jobs/${ended()}/stop`, { ...jsonRequest("POST", ""), body: tooLarge }),
      422: () => get(`/v1/jobs/${ended()}/stop`, jsonRequest("POST", { graceSeconds: -1 })),
    },
  },
  "POST /v1/jobs/{id}/callback/resend": {
    id: () => stage.ids.called,
    options: { method: "POST" },
    lacking: "reader",
    own: { 200: () => get(`/v1/jobs/${stage.ids.called}/callback/resend`, { method: "POST" }) },
  },
  "GET /v1/info": { lacking: "runner", own: { 200: () => get("/v1/info") } },
  "GET /v1/events": {
    lacking: "runner",
    own: { 200: () => get("/v1/events"), 429: () => stage.small.request("/v1/events") },
  },
  "GET /v1/tokens": { lacking: "runner", own: { 200: () => get("/v1/tokens") } },
  "POST /v1/tokens": {
    options: jsonRequest("POST", { name: "more", scopes: ["read"] }),
    lacking: "runner",
    own: {
      201: () => get("/v1/tokens", jsonRequest("POST", { name: newName(), scopes: ["read"] })),
      413: () => get("/v1/tokens", { ...jsonRequest("POST", ""), body: tooLarge }),
      422: () => get("/v1/tokens", jsonRequest("POST", { name: "", scopes: [] })),
      429: {
        file: "test/contract/v1-tokens.test.ts",
        test: "at the limit no more are made, until one has gone",
      },
      507: { file: "src/store/tokens.test.ts", test: "storage-full" },
    },
  },
  "DELETE /v1/tokens/{id}": {
    id: () => "local",
    options: { method: "DELETE" },
    lacking: "runner",
    own: {
      204: async () => {
        const { id } = await makeToken(stage.server, ["read"]);
        return get(`/v1/tokens/${id}`, { method: "DELETE" });
      },
    },
  },
  "POST /v1/shutdown": {
    options: jsonRequest("POST", {}),
    lacking: "runner",
    own: { 202: () => stage.draining.request("/v1/shutdown", jsonRequest("POST", {})) },
  },
};

/** What is the same for every call. */
function common(call: string, { id, options, lacking }: Row): Record<number, Maker> {
  const [, path = ""] = call.split(" ");
  const at = (value: string) => path.replace("{id}", value);
  const right = () => at(id?.() ?? "");
  return {
    400: () => get(`${right()}?nope=1`, options),
    401: () => get(right(), { ...options, credential: false }),
    403: () => get(right(), { ...options, credential: stage[lacking] }),
    ...(id && { 404: () => get(at("1"), options) }),
  };
}

test("the table has every call, and every status of it", () => {
  const told = operationsOf(document).map(({ method, path, operation }): [string, string[]] => [
    `${method} ${path}`,
    Object.keys(operation.responses),
  ]);
  const known = Object.entries(table).map(([call, row]): [string, string[]] => [
    call,
    Object.keys({ ...common(call, row), ...row.own }).sort(),
  ]);
  expect(Object.fromEntries(known)).toEqual(Object.fromEntries(told));
});

for (const [call, row] of Object.entries(table)) {
  const makers = Object.entries({ ...common(call, row), ...row.own });
  test.each(makers.map(([status]) => [status]))(`${call} is answered with %s`, async (status) => {
    const maker = makers.find(([name]) => name === status)?.[1];
    if (typeof maker !== "function") {
      const text = readFileSync(join(projectRoot, maker?.file ?? ""), "utf8");
      expect(text).toContain(maker?.test ?? "");
      return;
    }
    const response = await maker();
    expect(response.status).toBe(Number(status));
    const [method = "", path = ""] = call.split(" ");
    const told = operationsOf(document).find((one) => one.method === method && one.path === path);
    const { content } = told?.operation.responses[status] ?? {};
    const type = response.headers.get("content-type")?.split(";")[0] ?? "";
    if (path === "/v1/events" && status === "200") {
      expect(Object.keys(content ?? {})).toContain(type);
      await response.body?.cancel();
      return;
    }
    const text = await response.text();
    if (content === undefined) {
      expect(text).toBe("");
      return;
    }
    expect(Object.keys(content)).toContain(type);
    const { schema } = content[type] ?? {};
    if (schema === undefined || !type.endsWith("json")) return;
    const values = type.endsWith("ndjson") ? text.trimEnd().split("\n") : [text];
    for (const value of values) expect(violations(JSON.parse(value), schema, document)).toEqual([]);
  });
}

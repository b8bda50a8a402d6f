// Contract v1: 2,000 requests made from the schemas of /openapi.json. Each is answered, with a status and a body that it
// tells of; none with 500.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Arbitrary, constant, constantFrom, oneof, record, sample, string, tuple } from "fast-check";
import { overConnections } from "../crash/support/keep-alive.ts";
import type { Answer } from "../support/answer.ts";
import type { RawRequest } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { nearlyValuesOf } from "./support/json-arbitrary.ts";
import { violations } from "./support/json-schema.ts";
import { type Document, documentSchema, type Operation, operationsOf } from "./support/openapi-document.ts";
import { runJob, startJob } from "./support/v1-start.ts";

const total = 2_000;
const connections = 4;
const budgetMilliseconds = 60_000;

let server: Server;
let document: Document;
let jobs: { ended: string; running: string };
beforeAll(async () => {
  // Nothing that it makes up may lead out of this machine: no address at all is called.
  server = await startServer({
    config: "[limits]\nwaitSeconds = 15\nretainSeconds = 60\nmaxRunningJobs = 200\n",
  });
  document = documentSchema.parse(await (await server.request("/openapi.json")).json());
  const ended = await runJob(server, { shell: "echo out; echo err >&2" });
  const running = await startJob(server, { command: ["cat"], stdin: "open" });
  jobs = { ended: ended.id, running: running.id };
});
afterAll(endEverything);

interface Fuzzed extends RawRequest {
  readonly operation: Operation;
  readonly call: string;
}

/** What is started is over at once, whatever else its spec says. */
const commands = constantFrom<object>(
  { command: ["true"] },
  { command: ["false"] },
  { command: ["/no/such/program"] },
  { shell: "exit 3" },
  { shell: "echo x; printf '\\377' >&2" },
  { command: [] },
  { command: ["true"], shell: "true" },
);
const aliases = constantFrom<object>({}, {}, { alias: "one" }, { alias: "two" });
const callbacks = constantFrom<object>(
  {},
  {},
  { callback: { url: "http://127.0.0.1:9/" } },
  { callback: { url: "x" } },
);

function specs(): Arbitrary<unknown> {
  const made = nearlyValuesOf({ $ref: "#/components/schemas/JobSpec" }, document);
  return tuple(made, commands, aliases, callbacks).map(([spec, command, alias, callback]) => {
    if (typeof spec !== "object" || spec === null || Array.isArray(spec)) return spec;
    const { command: _c, shell: _s, callback: _b, alias: _a, ...rest } = spec as Record<string, unknown>;
    return { ...rest, ...command, ...alias, ...callback };
  });
}

function bodies(call: string, { requestBody }: Operation): Arbitrary<string> {
  const schema = requestBody?.content["application/json"]?.schema;
  if (schema === undefined) return requestBody === undefined ? constant("") : string({ maxLength: 2_000 });
  const values = call === "POST /v1/jobs" ? specs() : nearlyValuesOf(schema, document);
  return oneof(
    { weight: 12, arbitrary: values.map((value) => JSON.stringify(value) ?? "") },
    { weight: 1, arbitrary: string() },
    { weight: 1, arbitrary: constantFrom("", "{", "[[", "\u0000", '{"a":1}{"b":2}') },
  );
}

/** Values that are sent in a query: most are of the kind that it takes. */
const queryValues = oneof(
  constantFrom("0", "0.1", "true", "false", "0-0", "4-4", "ended", "a", "a=b", "2026-01-01T00:00:00Z"),
  string({ maxLength: 12 }),
);

function queries({ parameters = [] }: Operation): Arbitrary<string> {
  const named = parameters.filter((one) => one.in === "query").map(({ name }) => name);
  const fields = Object.fromEntries([...named, "nope"].map((name) => [name, queryValues]));
  const chosen = record(fields, { requiredKeys: [] });
  const text = chosen.map((values) => new URLSearchParams(values as Record<string, string>).toString());
  return oneof({ weight: 3, arbitrary: constant("") }, { weight: 2, arbitrary: text });
}

const accepts = constantFrom(
  undefined,
  "*/*",
  "application/json",
  "text/event-stream",
  "application/x-ndjson",
  "application/octet-stream",
);
const keys = constantFrom(undefined, undefined, "key-1", "key-2", "bad key", "\u00e9");
const ranges = constantFrom(
  undefined,
  undefined,
  "bytes=0-1",
  "bytes=-2",
  "bytes=99-",
  "bytes=x",
  "bytes=3-",
);

function requests(): Arbitrary<Fuzzed> {
  const known = operationsOf(document).filter(({ path }) => path !== "/v1/shutdown" && path !== "/v1/events");
  // More than half of them start something, or ask for what was started.
  const weighted = known.map((one) => ({
    weight: one.path === "/v1/jobs" ? 4 : 1,
    arbitrary: constant(one),
  }));
  const others = constantFrom(jobs.ended, "1", "x", "9223372036854775807", "local");
  return oneof(...weighted).chain(({ method, path, operation }) =>
    record({
      // Who follows one that runs waits for its end, which would be for ever.
      id: /events|stdout|stderr/.test(path) ? others : oneof(constant(jobs.running), others),
      query: queries(operation),
      body: bodies(`${method} ${path}`, operation),
      accept: accepts,
      key: keys,
      range: ranges,
      type: constantFrom("application/json", "application/json", "application/json", "text/plain", undefined),
    }).map(({ id, query, body, accept, key, range, type }) => ({
      operation,
      call: `${method} ${path}`,
      method,
      path: `${path.replace("{id}", id)}${query === "" ? "" : `?${query}`}`,
      body,
      headers: {
        "content-type": type,
        accept,
        ...(path === "/v1/jobs" && { "idempotency-key": key && Buffer.from(key).toString("latin1") }),
        range,
        // A request without a body has no length.
        ...(body === "" && method !== "POST" && method !== "PUT" && { "content-length": undefined }),
      },
    })),
  );
}

/** What is wrong with an answer by the document; null when nothing is. */
function wrong({ operation, call }: Fuzzed, { status, headers, body, complete, cut }: Answer): string | null {
  const response = operation.responses[String(status)];
  if (response === undefined) return `${call}: ${status} is not described: ${body.toString().slice(0, 300)}`;
  const type = (headers["content-type"] ?? "").split(";")[0] ?? "";
  // A raw answer that is not whole is cut.
  if (!complete && !(cut && type === "application/octet-stream")) return `${call}: ${status} is not whole`;
  if (response.content === undefined) return body.length === 0 ? null : `${call}: a body with ${status}`;
  const schema = response.content[type]?.schema;
  if (schema === undefined) return `${call}: ${type} is not described for ${status}`;
  if (!type.endsWith("json")) return null;
  const lines = type.endsWith("ndjson") ? body.toString().trimEnd().split("\n") : [body.toString()];
  const found = lines.flatMap((line) => violations(JSON.parse(line), schema, document));
  return found.length === 0 ? null : `${call}: ${found.join("; ").slice(0, 500)}`;
}

test(
  `${total} requests over ${connections} connections are answered as the document says`,
  async () => {
    const fuzzed = sample(requests(), { numRuns: total, seed: 5 });
    const statuses = new Map<string, number>();
    const problems: string[] = [];
    await overConnections(server, { connections, total }, async (connection, index) => {
      const request = fuzzed[index] as Fuzzed;
      const answer = await connection.request(request);
      // As any client does: what the server has said to close is not used again.
      if (answer.cut || answer.headers.connection === "close") connection.close();
      const problem = wrong(request, answer);
      const { operation: _, ...sent } = request;
      if (problem !== null && problems.length < 5) problems.push(`${problem}; sent ${JSON.stringify(sent)}`);
      statuses.set(`${answer.status}`, (statuses.get(`${answer.status}`) ?? 0) + 1);
    });
    expect(problems).toEqual([]);
    // Not all of it is refused, and not all of it is taken.
    for (const status of ["200", "201", "204", "400", "404", "409", "422"])
      expect([status, statuses.get(status) ?? 0]).not.toEqual([status, 0]);
    expect((await server.request("/readyz")).status).toBe(200);
    expect(server.logLines().filter(({ msg }) => msg === "internal error")).toEqual([]);
  },
  budgetMilliseconds + 20_000,
);

import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Broker } from "../../core/broker.ts";
import { ErrandError, toErrandError } from "../../core/errors.ts";
import { isJobId } from "../../core/ids.ts";
import type { Job, JobId } from "../../core/job.ts";
import type { Limits } from "../../core/limits.ts";
import type { CallbackPolicy, Outbox } from "../../core/ports.ts";
import { jobListSchema, jobSchema, problemSchema, stopSchema } from "../../protocol/job.ts";
import { specSchema } from "../../protocol/spec.ts";
import { decodeSpec } from "./decodeSpec.ts";
import { encodeJob } from "./encodeJob.ts";
import { readJson } from "./json.ts";
import { isPlanned } from "./notAvailable.ts";
import { readListQuery, readNone, readWait } from "./parameters.ts";
import { encodeProblem } from "./problem.ts";

/** Who asks. */
interface Caller {
  readonly owner: string;
}

export interface RouteParts {
  readonly broker: Broker;
  readonly outbox: Pick<Outbox, "ofJob" | "resend">;
  readonly callbacks: CallbackPolicy;
  /** Callbacks are due again. */
  readonly onResend: () => void;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  readonly limits: Limits;
  readonly version: string;
  readonly onInternalError: (error: unknown) => void;
}

const json = <Schema>(schema: Schema, description: string) => ({
  description,
  content: { "application/json": { schema } },
});
const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
});
const problems = {
  400: problem("A parameter is not valid"),
  401: problem("No or no valid credential"),
  404: problem("No such job"),
};
const parameters = z.object({ id: z.string() });
const text = (description: string) => z.string().optional().openapi({ description });

const startRoute = createRoute({
  method: "post",
  path: "/v1/jobs",
  summary: "Start a job in the background, or detached",
  request: { body: { required: true, content: { "application/json": { schema: specSchema } } } },
  responses: {
    201: json(jobSchema, "The job; Location names it"),
    ...{
      400: problem("The body is no JSON"),
      401: problems[401],
      403: problem("The callback is not allowed"),
    },
    ...{ 409: problem("The alias is running"), 413: problem("The body is too large") },
    422: problem("The spec is not valid, names what is not available, or the command could not be started"),
    ...{ 429: problem("A limit is reached"), 501: problem("Not in this build yet") },
    ...{ 503: problem("The server is shutting down"), 507: problem("The data directory is full") },
  },
});

const raw = { description: "All that is kept by now", content: { "application/octet-stream": {} } };
const outputRoutes = (["stdout", "stderr"] as const).map((stream) =>
  createRoute({
    method: "get",
    path: `/v1/jobs/{id}/${stream}`,
    summary: `The kept ${stream}, byte for byte`,
    request: { params: parameters },
    responses: { 200: raw, ...problems, 501: problem("Not in this build yet") },
  }),
);

const forgetRoute = createRoute({
  method: "delete",
  path: "/v1/jobs/{id}",
  summary: "Forget an ended job, its output and its callbacks",
  request: { params: parameters },
  responses: { 204: { description: "Forgotten" }, ...problems, 409: problem("It has not ended") },
});

const resendRoute = createRoute({
  method: "post",
  path: "/v1/jobs/{id}/callback/resend",
  summary: "Tell the job's callbacks again, from the first try on",
  request: { params: parameters },
  responses: { 200: json(jobSchema, "The job; its callbacks are pending"), ...problems },
});

const listRoute = createRoute({
  method: "get",
  path: "/v1/jobs",
  summary: "List jobs, newest first",
  request: {
    query: z.object({
      state: text("States, parted by commas"),
      alias: text("Of this alias"),
      node: text("On this node"),
      since: text("Created at this RFC 3339 time or later"),
      cursor: text("The nextCursor of the page before"),
      limit: text("Most jobs in the page; 50 without it"),
    }),
  },
  responses: { 200: json(jobListSchema, "One page"), 400: problems[400], 401: problems[401] },
});

const getRoute = createRoute({
  method: "get",
  path: "/v1/jobs/{id}",
  summary: "One job; ?wait= answers when it has ended or the wait is over",
  request: { params: parameters, query: z.object({ wait: text("Seconds; never stops the job") }) },
  responses: { 200: json(jobSchema, "The job"), ...problems },
});

const stopRoute = createRoute({
  method: "post",
  path: "/v1/jobs/{id}/stop",
  summary: "Stop a job's whole tree; answers when it is gone",
  request: { params: parameters, body: { content: { "application/json": { schema: stopSchema } } } },
  responses: { 200: json(jobSchema, "The job, ended"), ...problems, 422: problem("The body is not valid") },
});

/** The calls of v1, with the document that describes them. */
export function makeRoutes(parts: RouteParts): OpenAPIHono<{ Bindings: Caller }> {
  const { broker, limits, version, outbox, callbacks, onInternalError } = parts;
  // Parameters are read by our own functions, which name the nearest valid one.
  const app = new OpenAPIHono<{ Bindings: Caller }>({ strict: true });
  const encode = (job: Job) => encodeJob(job, job.callback === null ? [] : outbox.ofJob(job.id));
  const queryOf = (url: string) => new URL(url).search.slice(1);

  app.use((context, next) => {
    const { method, path } = context.req;
    if (isPlanned(method, path))
      throw new ErrandError("not-available", `${method} ${path} is not in this build yet`);
    return next();
  });

  app.openAPIRegistry.registerPath(startRoute);
  app.post("/v1/jobs", async (context) => {
    const { req } = context;
    refusePlannedStart(queryOf(req.url), {
      accept: req.header("accept"),
      key: req.header("idempotency-key"),
    });
    const spec = decodeSpec(readJson(await req.arrayBuffer(), req.header("content-type")), limits);
    if (spec.callback !== null) callbacks.check(spec.callback.url);
    const origin = { owner: context.env.owner, door: "v1" };
    const job =
      spec.mode === "detached"
        ? broker.startDetached(spec, origin)
        : (await broker.startBackground(spec, origin)).job;
    return context.json(encode(job), 201, { Location: `/v1/jobs/${job.id}` });
  });

  app.openAPIRegistry.registerPath(forgetRoute);
  app.delete("/v1/jobs/:id", (context) => {
    readNone(queryOf(context.req.url));
    const id = readId(context.req.param("id"));
    known(broker.forget(id), id);
    return context.body(null, 204);
  });

  for (const route of outputRoutes) app.openAPIRegistry.registerPath(route);

  app.openAPIRegistry.registerPath(resendRoute);
  app.post("/v1/jobs/:id/callback/resend", (context) => {
    readNone(queryOf(context.req.url));
    const id = readId(context.req.param("id"));
    const job = known(broker.get(id), id);
    if (outbox.resend(id, parts.wall()) === 0)
      throw new ErrandError("not-found", `job ${id} has had no event to call back for`);
    parts.onResend();
    return context.json(encode(job));
  });

  app.openAPIRegistry.registerPath(listRoute);
  app.get("/v1/jobs", (context) => {
    const query = readListQuery(queryOf(context.req.url), limits.pageJobs);
    // One more than is shown tells whether there is a next page.
    const found = broker.list({ ...query, count: query.count + 1 });
    const jobs = found.slice(0, query.count);
    const nextCursor = found.length > jobs.length ? (jobs.at(-1)?.id ?? null) : null;
    return context.json({ jobs: jobs.map(encode), nextCursor });
  });

  app.openAPIRegistry.registerPath(getRoute);
  app.get("/v1/jobs/:id", async (context) => {
    const seconds = readWait(queryOf(context.req.url), limits.waitSeconds);
    const id = readId(context.req.param("id"));
    return context.json(encode(known(await broker.wait(id, seconds), id)));
  });

  app.openAPIRegistry.registerPath(stopRoute);
  app.post("/v1/jobs/:id/stop", async (context) => {
    readNone(queryOf(context.req.url));
    const id = readId(context.req.param("id"));
    const { graceSeconds } = readStop(await context.req.arrayBuffer(), context.req.header("content-type"));
    return context.json(encode(known(await broker.stop(id, graceSeconds ?? limits.stopGraceSeconds), id)));
  });

  app.doc31("/openapi.json", { openapi: "3.1.0", info: { title: "Errand", version } });
  const methods: Readonly<Record<string, string>> = {
    "/v1/jobs": "GET, POST",
    "/v1/jobs/:id": "GET, DELETE",
    "/v1/jobs/:id/stdout": "GET",
    "/v1/jobs/:id/stderr": "GET",
    "/v1/jobs/:id/stop": "POST",
    "/v1/jobs/:id/callback/resend": "POST",
    "/openapi.json": "GET",
  };
  for (const [path, allowed] of Object.entries(methods)) {
    app.all(path, () => {
      const refused = new ErrandError("method-not-allowed", `allowed here is ${allowed}`);
      const { status, headers, text: body } = encodeProblem(refused);
      return new Response(body, { status, headers: { ...headers, Allow: allowed } });
    });
  }
  app.notFound(() => {
    throw new ErrandError("not-found", "no such path in v1");
  });
  app.onError((error) => {
    if (!(error instanceof ErrandError)) onInternalError(error);
    const { status, headers, text: body } = encodeProblem(toErrandError(error));
    return new Response(body, { status, headers });
  });
  return app;
}

/** Ways to start that v1 will have: nothing of it may be taken for done. */
function refusePlannedStart(
  query: string,
  { accept, key }: { readonly accept: string | undefined; readonly key: string | undefined },
): void {
  if (new URLSearchParams(query).has("wait"))
    throw new ErrandError(
      "not-available",
      "?wait= of a start is not in this build yet: ask for the job with ?wait=",
    );
  readNone(query);
  if (key !== undefined) throw new ErrandError("not-available", "Idempotency-Key is not in this build yet");
  const streams = /text\/event-stream|application\/x-ndjson|application\/octet-stream/i;
  if (accept !== undefined && streams.test(accept))
    throw new ErrandError("not-available", `Accept: ${accept}: streams are not in this build yet`);
}

function readId(id: string): JobId {
  if (isJobId(id)) return id;
  throw new ErrandError("not-found", `no job ${JSON.stringify(id)}: an id is a decimal number`);
}

function known(job: Job | undefined, id: JobId): Job {
  if (job !== undefined) return job;
  throw new ErrandError("not-found", `no job ${id} is running or on record`);
}

function readStop(body: ArrayBuffer, type: string | undefined): z.infer<typeof stopSchema> {
  if (body.byteLength === 0) return {};
  const value = readJson(body, type);
  const parsed = stopSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ErrandError(
    "invalid-spec",
    `${issue?.path.join(".") || "body"}: ${issue?.message}; allowed is {"graceSeconds": 0 to 3600}`,
  );
}

import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { ErrandError, toErrandError } from "../../core/errors.ts";
import { isJobId } from "../../core/ids.ts";
import type { Job, JobId } from "../../core/job.ts";
import {
  infoSchema,
  jobListSchema,
  jobSchema,
  problemSchema,
  signalSchema,
  stopSchema,
} from "../../protocol/job.ts";
import { readJson } from "./json.ts";
import { isPlanned } from "./notAvailable.ts";
import { readListQuery, readNone, readWait } from "./parameters.ts";
import { encodeProblem } from "./problem.ts";
import type { RouteParts } from "./routeParts.ts";
import { allowedSignals, knownSignal, signalJob } from "./signal.ts";
import { streamRoutes } from "./streamRoutes.ts";
import { mountTerminals } from "./terminals.ts";
import { mountTokens, type TokenCaller } from "./tokens.ts";
import { readBody } from "./unknownField.ts";

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
  403: problem("The credential lacks the scope"),
  404: problem("No such job"),
};
const parameters = z.object({ id: z.string() });
const text = (description: string) => z.string().optional().openapi({ description });

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

const signalRoute = createRoute({
  method: "post",
  path: "/v1/jobs/{id}/signal",
  summary: "Send a signal to the job's whole group",
  request: {
    params: parameters,
    body: { required: true, content: { "application/json": { schema: signalSchema } } },
  },
  responses: {
    200: json(jobSchema, "The job"),
    ...problems,
    ...{ 409: problem("It does not run"), 413: problem("The body is too large") },
    ...{
      422: problem("The signal is not known"),
      429: problem("The job's shim does not read what it is asked"),
    },
  },
});

const infoRoute = createRoute({
  method: "get",
  path: "/v1/info",
  summary: "Version, node and limits of this server",
  responses: {
    200: json(infoSchema, "This server"),
    400: problems[400],
    401: problems[401],
    403: problems[403],
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/v1/jobs",
  summary: "List jobs, newest first",
  request: {
    query: z.object({
      state: text("States, parted by commas"),
      alias: text("Of this alias"),
      label: text("With this label: name or name=value"),
      node: text("On this node"),
      since: text("Created at this RFC 3339 time or later"),
      cursor: text("The nextCursor of the page before"),
      limit: text("Most jobs in the page; 50 without it"),
    }),
  },
  responses: {
    ...{ 200: json(jobListSchema, "One page"), 400: problems[400] },
    ...{ 401: problems[401], 403: problems[403] },
  },
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
  responses: {
    200: json(jobSchema, "The job, ended"),
    ...problems,
    ...{ 409: problem("It is detached"), 413: problem("The body is too large") },
    422: problem("The body is not valid"),
  },
});

/** The calls of v1, with the document that describes them. */
export function makeRoutes(parts: RouteParts): OpenAPIHono<{ Bindings: TokenCaller }> {
  const { broker, limits, version, outbox, encode, onInternalError } = parts;
  // Parameters are read by our own functions, which name the nearest valid one.
  const app = new OpenAPIHono<{ Bindings: TokenCaller }>({ strict: true });
  const queryOf = (url: string) => new URL(url).search.slice(1);

  app.use((context, next) => {
    const { method, path } = context.req;
    if (isPlanned(method, path))
      throw new ErrandError("not-available", `${method} ${path} is not in this build yet`);
    return next();
  });

  // Answered by `streams.ts`.
  for (const route of streamRoutes) app.openAPIRegistry.registerPath(route);

  app.openAPIRegistry.registerPath(forgetRoute);
  app.delete("/v1/jobs/:id", (context) => {
    readNone(queryOf(context.req.url));
    const id = readId(context.req.param("id"));
    known(broker.forget(id), id);
    return context.body(null, 204);
  });

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
    return context.json(encode(known(await broker.wait(id, seconds, context.env.gone()), id)));
  });

  app.openAPIRegistry.registerPath(signalRoute);
  app.post("/v1/jobs/:id/signal", async (context) => {
    readNone(queryOf(context.req.url));
    const id = readId(context.req.param("id"));
    const { signal } = readBody(
      readJson(await context.req.arrayBuffer(), context.req.header("content-type")),
      signalSchema,
      allowedSignals(),
    );
    const name = knownSignal(signal);
    known(broker.get(id), id);
    await broker.reach(id, context.env.gone());
    signalJob(broker, id, name);
    return context.json(encode(known(broker.get(id), id)));
  });

  mountTerminals(app, parts);

  app.openAPIRegistry.registerPath(infoRoute);
  app.get("/v1/info", (context) => {
    readNone(queryOf(context.req.url));
    const { releaseDate, node } = parts;
    const startedAt = new Date(parts.startedAt).toISOString();
    return context.json({ version, releaseDate, node, startedAt, runningJobs: broker.runningJobs, limits });
  });

  app.openAPIRegistry.registerPath(stopRoute);
  app.post("/v1/jobs/:id/stop", async (context) => {
    readNone(queryOf(context.req.url));
    const id = readId(context.req.param("id"));
    const { graceSeconds } = readStop(await context.req.arrayBuffer(), context.req.header("content-type"));
    return context.json(encode(known(await broker.stop(id, graceSeconds ?? limits.stopGraceSeconds), id)));
  });

  mountTokens(app, parts);
  const { openAPIRegistry: registry } = app;
  registry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  registry.registerComponent("securitySchemes", "basic", { type: "http", scheme: "basic" });
  const info = { title: "Errand", version };
  app.doc31("/openapi.json", { openapi: "3.1.0", info, security: [{ bearer: [] }, { basic: [] }] });
  const methods: Readonly<Record<string, string>> = {
    "/v1/jobs": "GET, POST",
    "/v1/jobs/:id": "GET, DELETE",
    "/v1/jobs/:id/stdout": "GET",
    "/v1/jobs/:id/stderr": "GET",
    "/v1/jobs/:id/events": "GET",
    "/v1/jobs/:id/stdin": "PUT",
    "/v1/jobs/:id/signal": "POST",
    "/v1/jobs/:id/stop": "POST",
    "/v1/jobs/:id/resize": "POST",
    "/v1/jobs/:id/attach": "GET",
    "/v1/info": "GET",
    "/v1/events": "GET",
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
  return readBody(readJson(body, type), stopSchema, '{"graceSeconds": 0 to 3600}');
}

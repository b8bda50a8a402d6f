import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Broker } from "../../core/broker.ts";
import { ErrandError, toErrandError } from "../../core/errors.ts";
import { isJobId } from "../../core/ids.ts";
import type { Job, JobId } from "../../core/job.ts";
import type { Limits } from "../../core/limits.ts";
import { jobListSchema, jobSchema, problemSchema, stopSchema } from "../../protocol/job.ts";
import { encodeJob } from "./encodeJob.ts";
import { isPlanned } from "./notAvailable.ts";
import { readListQuery, readNone, readWait } from "./parameters.ts";
import { encodeProblem } from "./problem.ts";

interface RouteParts {
  readonly broker: Broker;
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
export function makeRoutes({ broker, limits, version, onInternalError }: RouteParts): OpenAPIHono {
  // Parameters are read by our own functions, which name the nearest valid one.
  const app = new OpenAPIHono({ strict: true });
  const encode = (job: Job) => encodeJob(job, limits.retainSeconds);
  const queryOf = (url: string) => new URL(url).search.slice(1);

  app.use((context, next) => {
    const { method, path } = context.req;
    if (isPlanned(method, path))
      throw new ErrandError("not-available", `${method} ${path} is not in this build yet`);
    return next();
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
    const { graceSeconds } = readStop(await context.req.text(), context.req.header("content-type"));
    return context.json(encode(known(await broker.stop(id, graceSeconds ?? limits.stopGraceSeconds), id)));
  });

  app.doc31("/openapi.json", { openapi: "3.1.0", info: { title: "Errand", version } });
  const methods: Readonly<Record<string, string>> = {
    "/v1/jobs": "GET",
    "/v1/jobs/:id": "GET",
    "/v1/jobs/:id/stop": "POST",
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

function readStop(body: string, type: string | undefined): z.infer<typeof stopSchema> {
  if (body === "") return {};
  if (type?.split(";", 1)[0]?.trim().toLowerCase() !== "application/json") {
    throw new ErrandError("invalid-request", "the content type of the body must be application/json");
  }
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new ErrandError("invalid-request", "the body is no JSON");
  }
  const parsed = stopSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ErrandError(
    "invalid-spec",
    `${issue?.path.join(".") || "body"}: ${issue?.message}; allowed is {"graceSeconds": 0 to 3600}`,
  );
}

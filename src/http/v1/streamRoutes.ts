import { createRoute, z } from "@hono/zod-openapi";
import { eventSchema, lifecycleEventSchema } from "../../protocol/events.ts";
import { jobSchema, problemSchema } from "../../protocol/job.ts";
import { specSchema } from "../../protocol/spec.ts";

const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
});
const problems = {
  400: problem("A parameter is not valid"),
  401: problem("No or no valid credential"),
  403: problem("The credential lacks the scope"),
  404: problem("No such job"),
  429: problem("Too many streams are open"),
};
const parameters = z.object({ id: z.string() });
const text = (description: string) => z.string().optional().openapi({ description });
const bytes = z.string().openapi({ format: "binary" });

/** What came of a stream, in an answer that was waited for. */
const captured = z
  .object({
    text: z.string().optional().openapi({ description: "When all of it is UTF-8" }),
    base64: z.string().optional().openapi({ description: "When it is not" }),
    truncated: z.boolean(),
  })
  .nullable()
  .openapi("Captured", { description: "Null: nothing is kept" });

const startedJobSchema = jobSchema
  .extend({
    captured: z
      .object({ stdout: captured, stderr: captured })
      .nullable()
      .optional()
      .openapi({ description: "With ?wait= alone; null while it runs" }),
  })
  .openapi("StartedJob");

const startRoute = createRoute({
  method: "post",
  path: "/v1/jobs",
  summary: "Start a job",
  description:
    "Accept decides the answer: the job, its events as they happen (text/event-stream, application/x-ndjson), or its " +
    "stdout alone (application/octet-stream).",
  request: {
    headers: z.object({ "idempotency-key": text("The same key and body give the same job") }),
    query: z.object({ wait: text("Seconds to wait for the end; the answer then holds the output") }),
    body: { required: true, content: { "application/json": { schema: specSchema } } },
  },
  responses: {
    200: {
      description: "A stream; or the job, which had been started before",
      content: {
        "application/json": { schema: startedJobSchema },
        "text/event-stream": { schema: eventSchema },
        "application/x-ndjson": { schema: eventSchema },
        "application/octet-stream": { schema: bytes },
      },
    },
    201: {
      description: "The job; Location names it",
      content: { "application/json": { schema: startedJobSchema } },
    },
    ...{ 400: problem("The body is no JSON"), 401: problems[401] },
    403: problem("The credential lacks the scope, or the callback is not allowed"),
    ...{ 409: problem("The alias is running"), 413: problem("The body is too large") },
    422: problem(
      "The spec is not valid, the command could not be started, or the key belongs to another request",
    ),
    ...{ 429: problem("A limit is reached"), 501: problem("Not in this build yet") },
    ...{ 503: problem("The server is shutting down"), 507: problem("The data directory is full") },
  },
});

const eventsRoute = createRoute({
  method: "get",
  path: "/v1/jobs/{id}/events",
  summary: "What happens in a job, from the begin or from a cursor on",
  request: {
    params: parameters,
    query: z.object({
      cursor: text("Of the last event that was seen"),
      follow: text("false: what is there now"),
    }),
  },
  responses: {
    200: {
      description: "Events",
      content: {
        "text/event-stream": { schema: eventSchema },
        "application/x-ndjson": { schema: eventSchema },
      },
    },
    ...problems,
  },
});

const outputRoutes = (["stdout", "stderr"] as const).map((stream) =>
  createRoute({
    method: "get",
    path: `/v1/jobs/{id}/${stream}`,
    summary: `The kept ${stream}, byte for byte`,
    request: {
      params: parameters,
      headers: z.object({ range: text("bytes=first-last") }),
      query: z.object({ tail: text("The last bytes"), follow: text("true: until the job has ended") }),
    },
    responses: {
      200: { description: "Bytes", content: { "application/octet-stream": { schema: bytes } } },
      206: { description: "A part of them", content: { "application/octet-stream": { schema: bytes } } },
      ...problems,
      416: problem("There are no such bytes"),
    },
  }),
);

const stdinRoute = createRoute({
  method: "put",
  path: "/v1/jobs/{id}/stdin",
  summary: "Write to a job's stdin; answers when the command can take more",
  request: {
    params: parameters,
    query: z.object({
      offset: text("Of the first byte: a repeated write is harmless"),
      close: text("true: no more"),
    }),
    body: { content: { "application/octet-stream": { schema: bytes } } },
  },
  responses: {
    200: {
      description: "How much has been taken in all",
      content: { "application/json": { schema: z.object({ offset: z.int(), closed: z.boolean() }) } },
    },
    ...{ 400: problems[400], 401: problems[401], 403: problems[403], 404: problems[404] },
    ...{
      409: problem("stdin is closed, or bytes before these are missing"),
      413: problem("The body is too large"),
    },
  },
});

const lifecycleRoute = createRoute({
  method: "get",
  path: "/v1/events",
  summary: "What happens to all jobs from now on",
  responses: {
    200: {
      description: "Events",
      content: {
        "text/event-stream": { schema: lifecycleEventSchema },
        "application/x-ndjson": { schema: lifecycleEventSchema },
      },
    },
    ...{ 400: problems[400], 401: problems[401], 403: problems[403], 429: problems[429] },
  },
});

/** The calls that write their answers themselves. */
export const streamRoutes = [startRoute, eventsRoute, ...outputRoutes, stdinRoute, lifecycleRoute];

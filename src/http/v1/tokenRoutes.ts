import { createRoute, z } from "@hono/zod-openapi";
import { problemSchema } from "../../protocol/job.ts";
import { madeTokenSchema, tokenListSchema, tokenRequestSchema } from "../../protocol/tokens.ts";

const json = <Schema>(schema: Schema, description: string) => ({
  description,
  content: { "application/json": { schema } },
});
const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
});
const refused = {
  400: problem("A parameter or the body cannot be read"),
  401: problem("No or no valid credential"),
  403: problem("It needs the scope admin"),
};

/** The calls on tokens, as the document describes them. */
export const makeRoute = createRoute({
  method: "post",
  path: "/v1/tokens",
  summary: "Make a token; its secret is shown this once",
  request: { body: { required: true, content: { "application/json": { schema: tokenRequestSchema } } } },
  responses: {
    201: json(madeTokenSchema, "The token, which counts at once"),
    ...refused,
    422: problem("A field is not valid, or the name is taken"),
    ...{ 413: problem("The body is too large"), 429: problem("There are too many tokens") },
    507: problem("The disk is full"),
  },
});

export const listRoute = createRoute({
  method: "get",
  path: "/v1/tokens",
  summary: "List tokens, without their secrets",
  responses: { 200: json(tokenListSchema, "All of them"), ...refused },
});

export const revokeRoute = createRoute({
  method: "delete",
  path: "/v1/tokens/{id}",
  summary: "Revoke a token: the next request with it is refused",
  request: { params: z.object({ id: z.string() }) },
  responses: {
    204: { description: "Revoked" },
    ...refused,
    403: problem("It needs the scope admin, or the token does not come from the API"),
    404: problem("No such token"),
  },
});

export const shutdownRoute = createRoute({
  method: "post",
  path: "/v1/shutdown",
  summary: "Take no more jobs, let the running ones end, then end the server",
  responses: { 202: { description: "It has begun" }, ...refused },
});

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { ErrandError } from "../../core/errors.ts";
import { isJobId } from "../../core/ids.ts";
import { attachProtocol, attachReplays } from "../../protocol/attach.ts";
import { jobSchema, problemSchema } from "../../protocol/job.ts";
import { mostTerminalCells, terminalSizeSchema } from "../../protocol/terminal.ts";
import { tokenProtocol } from "../offeredToken.ts";
import { checkWish } from "./attach/wish.ts";
import { readJson } from "./json.ts";
import { readNone } from "./parameters.ts";
import { encodeProblem } from "./problem.ts";
import type { RouteParts } from "./routeParts.ts";
import type { TokenCaller } from "./tokens.ts";
import { readBody } from "./unknownField.ts";

const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
});
const problems = {
  400: problem("A parameter or the body cannot be read"),
  401: problem("No or no valid credential"),
  403: problem("The credential lacks the scope"),
  404: problem("No such job"),
};
const parameters = z.object({ id: z.string() });
const text = (description: string) => z.string().optional().openapi({ description });

const resizeRoute = createRoute({
  method: "post",
  path: "/v1/jobs/{id}/resize",
  summary: "Give a job's terminal another size",
  request: {
    params: parameters,
    body: { required: true, content: { "application/json": { schema: terminalSizeSchema } } },
  },
  responses: {
    200: { description: "The job", content: { "application/json": { schema: jobSchema } } },
    ...problems,
    ...{ 409: problem("It has no terminal, or does not run"), 413: problem("The body is too large") },
    ...{
      422: problem("The size is not valid"),
      429: problem("The job's shim does not read what it is asked"),
    },
  },
});

const attachRoute = createRoute({
  method: "get",
  path: "/v1/jobs/{id}/attach",
  summary: "A WebSocket to a job: what it writes, what it reads, signals and the size of its terminal",
  description:
    `The subprotocol is ${attachProtocol}; docs/protocol-websocket.md describes its frames. It takes the scope run, ` +
    "with readOnly=true the scope read. A client that can send no Authorization header, as a browser, offers a second " +
    `subprotocol: ${tokenProtocol} and the token as base64url without padding behind it.`,
  request: {
    params: parameters,
    headers: z.object({
      "sec-websocket-protocol": z.string().openapi({
        description: `${attachProtocol} must be among them; ${tokenProtocol}… may be, with the token`,
      }),
    }),
    query: z.object({
      cursor: text("Goes on behind what was seen up to there"),
      attacher: text("Goes on as this attacher, whose input is counted"),
      readOnly: text("true: nothing can be written, resized or signalled"),
      replay: text(`What comes of the output so far, without a cursor: ${attachReplays.join(", ")}`),
    }),
  },
  responses: {
    101: { description: "A WebSocket from here on" },
    ...problems,
    426: problem("No WebSocket was asked for"),
    429: problem("There are too many streams, or clients attached to the job"),
  },
});

const allowedSize = `{"cols": 1 to ${mostTerminalCells}, "rows": 1 to ${mostTerminalCells}}`;

/** Adds the calls for jobs at terminals, and for those who attach. */
export function mountTerminals(app: OpenAPIHono<{ Bindings: TokenCaller }>, parts: RouteParts): void {
  const { broker, encode } = parts;

  app.openAPIRegistry.registerPath(resizeRoute);
  app.post("/v1/jobs/:id/resize", async (context) => {
    const { req } = context;
    readNone(new URL(req.url).search.slice(1));
    const id = req.param("id");
    const body = readJson(await req.arrayBuffer(), req.header("content-type"));
    const size = readBody(body, terminalSizeSchema, allowedSize);
    await broker.reach(id, context.env.gone());
    const job = isJobId(id) ? broker.resize(id, size) : undefined;
    if (job !== undefined) return context.json(encode(job));
    throw new ErrandError("not-found", `no job ${JSON.stringify(id)} is running or on record`);
  });

  // A WebSocket never comes here.
  app.openAPIRegistry.registerPath(attachRoute);
  app.get("/v1/jobs/:id/attach", ({ req, env: { owner: name, scopes } }) => {
    checkWish(broker, {
      query: new URL(req.url).search.slice(1),
      id: req.param("id"),
      principal: { name, scopes },
    });
    const wanted = `a WebSocket with the subprotocol ${attachProtocol} is served here, nothing else`;
    const { status, headers, text: body } = encodeProblem(new ErrandError("upgrade-required", wanted));
    return new Response(body, { status, headers: { ...headers, Upgrade: "websocket" } });
  });
}

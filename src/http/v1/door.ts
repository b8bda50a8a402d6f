import type { IncomingMessage, ServerResponse } from "node:http";
import { ErrandError } from "../../core/errors.ts";
import { type Door, type Exchange, sendWhole } from "../exchange.ts";
import { outputOf, sendOutput } from "./output.ts";
import { encodeProblem } from "./problem.ts";
import type { RouteParts } from "./routes.ts";

const base = "http://localhost";

interface Routes {
  fetch(request: Request, caller: { owner: string }): Response | Promise<Response>;
}

/** Headers that a call may look at. */
const headerNames = ["content-type", "accept", "idempotency-key"] as const;

/** The door `v1`: Errand's own API. */
export class V1Door implements Door {
  readonly name = "v1";
  readonly #parts: RouteParts;
  #routes: Promise<Routes> | null = null;

  constructor(parts: RouteParts) {
    this.#parts = parts;
  }

  async handle({ request, response, path, query, principal, body }: Exchange): Promise<void> {
    // A URL would be resolved: only a path that is its own resolution may name anything.
    if (new URL(path, base).pathname !== path || path.includes("%")) {
      throw new ErrandError("not-found", "no such path in v1");
    }
    const output = outputOf(path);
    if (output !== null && (request.method === "GET" || request.method === "HEAD")) {
      await sendOutput(this.#parts.broker, { response, query, ...output });
      return;
    }
    // Loaded at the first call: the libraries take longer to load than the whole server takes to start.
    this.#routes ??= import("./routes.ts").then(({ makeRoutes }) => makeRoutes(this.#parts));
    // The answer to HEAD has the headers of GET; its body is left out when it is sent.
    const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
    const hasBody = method !== "GET";
    const routes = await this.#routes;
    const answer = await routes.fetch(
      new Request(`${base}${path}${query === "" ? "" : `?${query}`}`, {
        method,
        headers: headersOf(request),
        ...(hasBody ? { body: await body() } : {}),
      }),
      { owner: principal.name },
    );
    const headers = { "Cache-Control": "no-store", ...Object.fromEntries(answer.headers) };
    sendWhole(response, answer.status, await answer.text(), headers);
  }

  refuse(response: ServerResponse, error: ErrandError): void {
    const { status, headers, text } = encodeProblem(error);
    sendWhole(response, status, text, headers);
  }
}

function headersOf({ headers }: IncomingMessage): Headers {
  const found = new Headers();
  for (const name of headerNames) {
    const value = headers[name];
    if (typeof value === "string") found.set(name, value);
  }
  return found;
}

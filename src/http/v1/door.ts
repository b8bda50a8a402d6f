import type { ServerResponse } from "node:http";
import type { Broker } from "../../core/broker.ts";
import { ErrandError } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import { type Door, type Exchange, sendWhole } from "../exchange.ts";
import { encodeProblem } from "./problem.ts";

interface DoorParts {
  readonly broker: Broker;
  readonly limits: Limits;
  readonly version: string;
  readonly onInternalError: (error: unknown) => void;
}

const base = "http://localhost";

interface Routes {
  fetch(request: Request): Response | Promise<Response>;
}

/** The door `v1`: Errand's own API. */
export class V1Door implements Door {
  readonly name = "v1";
  readonly #parts: DoorParts;
  #routes: Promise<Routes> | null = null;

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  async handle({ request, response, path, query, body }: Exchange): Promise<void> {
    // A URL would be resolved: only a path that is its own resolution may name anything.
    if (new URL(path, base).pathname !== path || path.includes("%")) {
      throw new ErrandError("not-found", "no such path in v1");
    }
    // Loaded at the first call: the libraries take longer to load than the whole server takes to start.
    this.#routes ??= import("./routes.ts").then(({ makeRoutes }) => makeRoutes(this.#parts));
    const method = request.method ?? "GET";
    const hasBody = method !== "GET" && method !== "HEAD";
    const routes = await this.#routes;
    const answer = await routes.fetch(
      new Request(`${base}${path}${query === "" ? "" : `?${query}`}`, {
        method,
        headers: { "content-type": request.headers["content-type"] ?? "" },
        ...(hasBody ? { body: await body() } : {}),
      }),
    );
    const headers = { "Cache-Control": "no-store", ...Object.fromEntries(answer.headers) };
    sendWhole(response, answer.status, await answer.text(), headers);
  }

  refuse(response: ServerResponse, error: ErrandError): void {
    const { status, headers, text } = encodeProblem(error);
    sendWhole(response, status, text, headers);
  }
}

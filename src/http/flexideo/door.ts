import type { ServerResponse } from "node:http";
import type { Broker } from "../../core/broker.ts";
import { ErrandError, toErrandError } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import type { Operation } from "../../core/scopes.ts";
import { type Door, type Exchange, errorHeaders } from "../exchange.ts";
import { Answer, sendError } from "./answer.ts";
import { checkContentType } from "./contentType.ts";
import type { RequestElement } from "./element.ts";
import { flexideoErrors } from "./errors.ts";
import { shown } from "./invalid.ts";
import type { PageNumbers } from "./pages.ts";
import type { readRequest } from "./request.ts";
import type { Shells } from "./shells.ts";
import { type Attributes, emptyTag, errorBody } from "./tags.ts";

interface FlexideoParts {
  readonly broker: Broker;
  readonly limits: Limits;
  readonly pages: PageNumbers;
  /** A defect: the client is told that there is one, the log what it is. */
  readonly onInternalError: (error: unknown) => void;
}

/** What XML and code pages need: a tenth of what the server's start takes. */
interface Loaded {
  readonly readRequest: typeof readRequest;
  readonly shells: Shells;
}

const method = "POST";

/**
 * The door `flexideo`: `POST /solve` carries out what an XML envelope holds, one element after the other. A client that
 * goes away stops nothing: neither what runs, nor what is still to come.
 */
export class FlexideoDoor implements Door {
  readonly name = "flexideo";
  readonly #parts: FlexideoParts;
  #loaded: Promise<Loaded> | null = null;

  constructor(parts: FlexideoParts) {
    this.#parts = parts;
  }

  async preload(): Promise<void> {
    await this.#load();
  }

  operation(requestMethod: string): Operation | null {
    return requestMethod === method ? "jobs.start" : null;
  }

  async handle({ request, response, principal, body }: Exchange): Promise<void> {
    if (request.method !== method) {
      throw new ErrandError("method-not-allowed", `${request.method} is not allowed here, ${method} is`);
    }
    checkContentType(request);
    const { readRequest, shells } = await this.#load();
    const elements = await readRequest(await body(), this.#parts.limits);
    const answer = new Answer(response);
    await answer.write("<response>");
    for (const [index, element] of elements.entries()) {
      // Each answer goes out as soon as the next one has to be waited for.
      if (index > 0) await answer.flush();
      await this.#carryOut(shells, element, { owner: principal.name, answer });
    }
    await answer.write("</response>");
    answer.end();
  }

  refuse(response: ServerResponse, error: ErrandError): void {
    const more = { ...errorHeaders(error), ...(error.code === "method-not-allowed" && { Allow: method }) };
    sendError(response, { status: flexideoErrors[error.code].status, body: errorBody(error), more });
  }

  #load(): Promise<Loaded> {
    this.#loaded ??= load(this.#parts);
    return this.#loaded;
  }

  /** Whatever is wrong with an element is told in its own answer. */
  async #carryOut(
    shells: Shells,
    element: RequestElement,
    { owner, answer }: { readonly owner: string; readonly answer: Answer },
  ): Promise<void> {
    try {
      if (element.name !== "shell") throw unknownElement(element);
      await shells.carryOut(element, { owner, door: this.name, answer });
    } catch (error) {
      if (!(error instanceof ErrandError)) this.#parts.onInternalError(error);
      const { message } = toErrandError(error);
      const command = element.name === "shell" ? element.attributes.get("command") : null;
      await answer.write(
        emptyTag(element.name, { ...binding(element), status: "error", command, detail: message }),
      );
    }
  }
}

async function load({ broker, limits, pages }: FlexideoParts): Promise<Loaded> {
  const [{ readRequest }, { Shells }, { Pages }] = await Promise.all([
    import("./request.ts"),
    import("./shells.ts"),
    import("./pages.ts"),
  ]);
  return { readRequest, shells: new Shells({ broker, limits, pages: new Pages(pages) }) };
}

function unknownElement({ name }: RequestElement): ErrandError {
  return new ErrandError("invalid-request", `the element ${shown(name)} is not known here, <shell> is`);
}

/** What binds the prefix of an element's name. */
function binding({ name, namespace }: RequestElement): Attributes {
  const prefix = name.split(":", 1)[0];
  return namespace === null || prefix === "xml" ? {} : { [`xmlns:${prefix}`]: namespace };
}

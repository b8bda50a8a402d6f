import { type ErrandError, errorTable } from "../../core/errors.ts";
import { errorHeaders } from "../exchange.ts";

/** The error as RFC 9457 problem details: status, headers and body. */
export function encodeProblem(error: ErrandError): {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly text: string;
} {
  const { title, ...row } = errorTable[error.code];
  const { field } = error;
  // A field that is to come makes the spec wrong, not the call.
  const status = field === undefined ? row.status : errorTable["invalid-spec"].status;
  const problem = {
    ...{ type: "about:blank", title, status, detail: error.message, code: error.code },
    ...(field === undefined ? {} : { field }),
  };
  return {
    status,
    headers: { ...errorHeaders(error), "Content-Type": "application/problem+json" },
    text: JSON.stringify(problem),
  };
}

import { type ErrandError, errorTable } from "../../core/errors.ts";
import { errorHeaders } from "../exchange.ts";

/** The error as RFC 9457 problem details: status, headers and body. */
export function encodeProblem(error: ErrandError): {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly text: string;
} {
  const { status, title } = errorTable[error.code];
  const problem = { type: "about:blank", title, status, detail: error.message, code: error.code };
  return {
    status,
    headers: { ...errorHeaders(error), "Content-Type": "application/problem+json" },
    text: JSON.stringify(problem),
  };
}

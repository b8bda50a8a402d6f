import type { Answer } from "./answer.ts";

/** An error answer of the rexec door, taken apart. */
export interface RexecError {
  status: number;
  /** The media type without parameters. */
  type: string;
  code: string;
  /** What stands between the quotes. */
  text: string;
  retryAfter: string | null;
}

/** Reads `[Rexec] <Code> : "<why>"`; any other body fails the test that asked. */
export async function errorOf(response: Response): Promise<RexecError> {
  const headers = (name: string) => response.headers.get(name);
  return parse(response.status, await response.text(), headers);
}

/** The same for an answer over a raw connection. */
export function errorOfAnswer(answer: Answer): RexecError {
  return parse(answer.status, answer.body.toString("utf8"), (name) => answer.headers[name] ?? null);
}

function parse(status: number, body: string, header: (name: string) => string | null): RexecError {
  const match = /^\[Rexec\] (\w+) : "(.*)"$/s.exec(body);
  if (!match) throw new Error(`${status}, not an error of rexec: ${body.slice(0, 500)}`);
  const [, code = "", text = ""] = match;
  const type = (header("content-type") ?? "").split(";")[0]?.trim() ?? "";
  return { status, type, code, text, retryAfter: header("retry-after") };
}

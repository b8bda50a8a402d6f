import { fieldsOf } from "./bytes.ts";
import { ConnectionError, ErrandError } from "./errors.ts";

/** Of an answer that refuses; a proxy's page may be long. */
const mostProblemBytes = 64 * 1024;
const shownCharacters = 200;

/** The error that an answer tells; `ConnectionError` when it is none of an Errand server. */
export async function errorOf(response: Response): Promise<ErrandError | ConnectionError> {
  const { status } = response;
  const text = await readStart(response);
  const problem = parse(text);
  const { code, detail, field } = problem;
  if (typeof code !== "string" || typeof detail !== "string") {
    const shown = text.slice(0, shownCharacters).trim();
    return new ConnectionError(`${status}, but no answer of Errand${shown === "" ? "" : `: ${shown}`}`);
  }
  const retryAfterSeconds = secondsOf(response.headers.get("retry-after"));
  return new ErrandError({
    ...{ code, status, detail, retryAfterSeconds },
    field: typeof field === "string" ? field : null,
  });
}

function secondsOf(text: string | null): number | null {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return fieldsOf(JSON.parse(text)) ?? {};
  } catch {
    return {};
  }
}

/** The first bytes as text. What is cut is told by what has come. */
async function readStart({ body }: Response): Promise<string> {
  if (body === null) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (let bytes = 0; bytes < mostProblemBytes; ) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    // The status alone says enough.
  }
  await reader.cancel().catch(() => undefined);
  return text;
}

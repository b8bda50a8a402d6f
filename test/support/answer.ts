/** One HTTP/1.1 answer as far as its bytes have come. */
export interface Answer {
  /** Whether the whole head is there; the fields below are empty before. */
  head: boolean;
  status: number;
  reason: string;
  /** Names in lower case; values of a repeated name are joined by ", ". */
  headers: Record<string, string>;
  chunked: boolean;
  /** What has come of the content, without the marks of the chunks. */
  body: Buffer;
  /** The last chunk was seen, or all of the announced length, or the end of an answer that only the end ends. */
  complete: boolean;
  /** The connection has ended before the answer was complete. */
  cut: boolean;
  /** What came after a complete answer. */
  rest: Buffer;
}

/** Decodes the bytes of a connection; `closed` says that no more will come. */
export function decodeAnswer(bytes: Buffer, closed: boolean): Answer {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return { ...empty, cut: closed };
  const lines = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const [, status = "0", reason = ""] = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(lines.shift() ?? "") ?? [];
  const headers = decodeHeaders(lines);
  const chunked = headers["transfer-encoding"]?.toLowerCase() === "chunked";
  const content = decodeContent(bytes.subarray(end + 4), {
    chunked,
    length: headers["content-length"],
    closed,
  });
  const cut = closed && !content.complete;
  return { head: true, status: Number(status), reason, headers, chunked, cut, ...content };
}

const nothing = Buffer.alloc(0);
const empty: Answer = {
  head: false,
  status: 0,
  reason: "",
  headers: {},
  chunked: false,
  body: nothing,
  complete: false,
  cut: false,
  rest: nothing,
};

function decodeHeaders(lines: string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}

type Content = Pick<Answer, "body" | "complete" | "rest">;

interface Framing {
  chunked: boolean;
  length: string | undefined;
  closed: boolean;
}

function decodeContent(bytes: Buffer, framing: Framing): Content {
  if (framing.chunked) return decodeChunks(bytes);
  if (framing.length === undefined) return { body: bytes, complete: framing.closed, rest: nothing };
  const length = Number(framing.length);
  const complete = bytes.length >= length;
  return { body: bytes.subarray(0, length), complete, rest: bytes.subarray(length) };
}

/** Reads chunk after chunk; an unfinished one gives what has come of it. */
function decodeChunks(bytes: Buffer): Content {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) break;
    const line = bytes.subarray(at, lineEnd).toString("latin1");
    const size = /^[0-9a-fA-F]+$/.exec(line) ? Number.parseInt(line, 16) : Number.NaN;
    if (Number.isNaN(size)) throw new Error(`not a chunk: ${JSON.stringify(line.slice(0, 80))}`);
    const start = lineEnd + 2;
    if (size === 0) return decodeTrailer(bytes, start, Buffer.concat(parts));
    parts.push(bytes.subarray(start, start + size));
    if (bytes.length < start + size + 2) break;
    at = start + size + 2;
  }
  return { body: Buffer.concat(parts), complete: false, rest: nothing };
}

function decodeTrailer(bytes: Buffer, start: number, body: Buffer): Content {
  if (bytes.subarray(start, start + 2).toString("latin1") === "\r\n") {
    return { body, complete: true, rest: bytes.subarray(start + 2) };
  }
  const end = bytes.indexOf("\r\n\r\n", start);
  if (end < 0) return { body, complete: false, rest: nothing };
  return { body, complete: true, rest: bytes.subarray(end + 4) };
}

/**
 * Every error that a client can be told, by its stable code. `status` is what v1 answers;
 * the other doors map codes in a table of their own. docs/errors.md explains each one.
 */
export const errorTable = {
  "invalid-request": { status: 400, title: "The request cannot be read" },
  "invalid-host": { status: 400, title: "There is not exactly one Host header" },
  "invalid-parameter": { status: 400, title: "A parameter of the request is not valid" },
  "invalid-spec": { status: 422, title: "The description of the job is not valid" },
  unauthorized: { status: 401, title: "No or no valid credential" },
  forbidden: { status: 403, title: "Refused by policy" },
  "not-found": { status: 404, title: "No such thing here" },
  "method-not-allowed": { status: 405, title: "The path does not know this method" },
  "still-running": { status: 409, title: "The job has not ended yet" },
  "already-running": { status: 409, title: "The alias is running" },
  "not-running": { status: 409, title: "The job is not running" },
  "stdin-closed": { status: 409, title: "The command takes no more input" },
  "no-terminal": { status: 409, title: "The job has no terminal" },
  "stdin-gap": { status: 409, title: "Input is missing before this" },
  "key-reused": { status: 422, title: "The idempotency key belongs to another request" },
  "upgrade-required": { status: 426, title: "Only a WebSocket is served here" },
  "invalid-range": { status: 416, title: "There are no such bytes" },
  "too-large": { status: 413, title: "The request is larger than allowed" },
  "start-failed": { status: 422, title: "The command could not be started" },
  "too-many-jobs": { status: 429, title: "A limit on jobs, processes or descriptors is reached" },
  "too-many-requests": { status: 429, title: "Too many requests are being received" },
  internal: { status: 500, title: "An error inside the server" },
  "not-available": { status: 501, title: "This build does not have it yet" },
  "storage-full": { status: 507, title: "The data directory is full" },
  "shutting-down": { status: 503, title: "The server is shutting down" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errorTable;

/** An error with a stable code. `message` says what was wrong and what is allowed; it is shown to the client. */
export class ErrandError extends Error {
  override readonly name = "ErrandError";
  readonly code: ErrorCode;
  /** When trying again makes sense: after how many seconds. */
  readonly retryAfterSeconds: number | undefined;
  /** The field of a job's description that is not available yet, when it is not the whole call. */
  readonly field: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    retryAfterSeconds?: number,
    { field }: { readonly field?: string } = {},
  ) {
    super(message);
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
    this.field = field;
  }
}

/** The same error when it is one of ours, else `internal` without details that only the log should hold. */
export function toErrandError(error: unknown): ErrandError {
  if (error instanceof ErrandError) return error;
  return new ErrandError("internal", "unexpected error; the log of the server says more");
}

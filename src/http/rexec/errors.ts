import type { ErrandError, ErrorCode } from "../../core/errors.ts";

/** How each error is told at this door: status and the code that its clients know. */
const rexecErrors: Readonly<Record<ErrorCode, { readonly status: number; readonly code: string }>> = {
  "invalid-request": { status: 500, code: "InvalidCreateProcessRequest" },
  "invalid-host": { status: 400, code: "InvalidHost" },
  "invalid-parameter": { status: 500, code: "InvalidCreateProcessRequest" },
  "invalid-spec": { status: 500, code: "InvalidCreateProcessRequest" },
  unauthorized: { status: 401, code: "Unauthorized" },
  forbidden: { status: 403, code: "Forbidden" },
  "not-found": { status: 404, code: "NotFound" },
  "method-not-allowed": { status: 501, code: "NotImplemented" },
  "still-running": { status: 409, code: "AlreadyRunning" },
  "already-running": { status: 409, code: "AlreadyRunning" },
  "not-running": { status: 409, code: "NotRunning" },
  "stdin-closed": { status: 409, code: "StdinClosed" },
  "stdin-gap": { status: 409, code: "StdinGap" },
  "no-terminal": { status: 409, code: "NoTerminal" },
  "upgrade-required": { status: 426, code: "UpgradeRequired" },
  "key-reused": { status: 422, code: "KeyReused" },
  "invalid-range": { status: 416, code: "InvalidRange" },
  "too-large": { status: 413, code: "TooLarge" },
  "start-failed": { status: 404, code: "FailedToExecuteProcess" },
  "too-many-jobs": { status: 429, code: "TooManyJobs" },
  "too-many-requests": { status: 429, code: "TooManyJobs" },
  internal: { status: 500, code: "Internal" },
  "not-available": { status: 501, code: "NotImplemented" },
  "storage-full": { status: 507, code: "StorageFull" },
  "shutting-down": { status: 503, code: "ShuttingDown" },
};

/** Status and body. `detail` stands in the quotes instead of the error's own words, where the protocol fixes it. */
export function encodeError(error: ErrandError, detail = error.message): { status: number; text: string } {
  const { status, code } = rexecErrors[error.code];
  return { status, text: `[Rexec] ${code} : "${detail}"` };
}

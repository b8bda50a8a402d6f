import type { ErrorCode } from "../../core/errors.ts";

/** Status of an answer that is an error as a whole, and the number that its element carries. Numbers never change. */
export const flexideoErrors: Readonly<
  Record<ErrorCode, { readonly status: number; readonly number: number }>
> = {
  "invalid-request": { status: 400, number: 1 },
  "invalid-host": { status: 400, number: 2 },
  "invalid-parameter": { status: 400, number: 3 },
  "invalid-spec": { status: 400, number: 4 },
  unauthorized: { status: 401, number: 5 },
  forbidden: { status: 403, number: 6 },
  "not-found": { status: 404, number: 7 },
  "method-not-allowed": { status: 405, number: 8 },
  "already-running": { status: 409, number: 9 },
  "still-running": { status: 409, number: 10 },
  "too-large": { status: 413, number: 11 },
  "start-failed": { status: 400, number: 12 },
  "too-many-jobs": { status: 429, number: 13 },
  "too-many-requests": { status: 429, number: 14 },
  internal: { status: 500, number: 15 },
  "not-available": { status: 501, number: 16 },
  "storage-full": { status: 507, number: 17 },
  "shutting-down": { status: 503, number: 18 },
  "not-running": { status: 409, number: 19 },
  "stdin-closed": { status: 409, number: 20 },
  "stdin-gap": { status: 409, number: 21 },
  "key-reused": { status: 422, number: 22 },
  "invalid-range": { status: 416, number: 23 },
  "no-terminal": { status: 409, number: 24 },
  "upgrade-required": { status: 426, number: 25 },
};

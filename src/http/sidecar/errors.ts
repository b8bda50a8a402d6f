import type { ErrorCode } from "../../core/errors.ts";

/** The status of each error at this door. Its clients take every status from 400 on for a failure. */
export const sidecarStatuses: Readonly<Record<ErrorCode, number>> = {
  "invalid-request": 400,
  "invalid-host": 400,
  "invalid-parameter": 400,
  "invalid-spec": 400,
  unauthorized: 401,
  forbidden: 403,
  "not-found": 404,
  "method-not-allowed": 405,
  "still-running": 400,
  "already-running": 400,
  "not-running": 400,
  "stdin-closed": 400,
  "stdin-gap": 400,
  "key-reused": 400,
  "invalid-range": 400,
  "too-large": 413,
  "start-failed": 400,
  "too-many-jobs": 429,
  "too-many-requests": 429,
  internal: 500,
  "not-available": 500,
  "storage-full": 503,
  "shutting-down": 503,
};

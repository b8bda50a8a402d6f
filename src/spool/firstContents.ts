import { emptyRecord } from "./fixedRecord.ts";
import type { FileName } from "./layout.ts";
import { exitRecordBytes, startedRecordBytes } from "./records.ts";

/** What stands in a job's files from the start. Real bytes: a disk that is full later has room for these records all the same. */
export const firstContents: { readonly [name in FileName]?: Uint8Array } = {
  started: emptyRecord(startedRecordBytes),
  exit: emptyRecord(exitRecordBytes),
};

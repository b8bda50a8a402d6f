/** Where the output of a command comes from: a pipe, or a terminal. One reader reads it. */
export interface OutputSource {
  /** The next bytes; null when all writers are gone, after `interrupt`, or when it cannot be read any more. */
  read(): Promise<Uint8Array | null>;
  /** Makes a waiting `read` answer null; `read` may be called again. */
  interrupt(): void;
  /** At most so many bytes may have been written and not been handed out yet. */
  unreadBytes(): number;
  /** Ends it: who still writes hears of it. */
  close(): void;
}

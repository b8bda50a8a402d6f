import type { JobId } from "../../core/job.ts";

/** Lines that are remembered take at most so much together, in characters. */
const mostCharacters = 8 * 1024 * 1024;

/** An argument that a shell takes as it is. */
const plain = /^[\w@%+=:,./-]+$/;

/** A line that is split into these arguments. */
export function joinCommandLine(command: readonly string[]): string {
  return command
    .map((argument) => (plain.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`))
    .join(" ");
}

/**
 * Command lines as they were requested, for answers that come later. A job's record has the arguments alone, so that of
 * the oldest ones, and of all from before the start of the server, a line of the same meaning is told.
 */
export class CommandLines {
  readonly #lines = new Map<JobId, string>();
  #characters = 0;

  /** Notes the line of a job whose arguments do not tell it. */
  remember(id: JobId, line: string, command: readonly string[]): void {
    if (joinCommandLine(command) === line) return;
    this.#lines.set(id, line);
    this.#characters += line.length;
    for (const [oldest, { length }] of this.#lines) {
      if (this.#characters <= mostCharacters) break;
      this.#lines.delete(oldest);
      this.#characters -= length;
    }
  }

  /** The line of a job with these arguments. */
  of(id: JobId, command: readonly string[]): string {
    return this.#lines.get(id) ?? joinCommandLine(command);
  }
}

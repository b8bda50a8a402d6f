import { CommandLineError } from "./errors.ts";

/** stub */
export function splitCommandLine(text: string): string[] {
  throw new CommandLineError(text, 0);
}

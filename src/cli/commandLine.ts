import { version } from "../core/version.ts";
import { exitCodes } from "./exitCodes.ts";
import { helpText } from "./help.ts";
import type { Surroundings } from "./surroundings.ts";
import { findVerb, verbs } from "./verbs.ts";

/** Does what the arguments say, and gives the exit code. Only what is asked for is loaded. */
export async function commandLine(
  [first, ...rest]: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { stdout, stderr } = surroundings;
  if (first === undefined) return await say(stderr, helpText(), exitCodes.usage);
  if (first === "help" && rest[0] !== undefined && rest[0] !== "--help")
    return await commandLine([rest[0], "--help"], surroundings);
  if (["help", "--help", "-h"].includes(first)) return await say(stdout, helpText(), exitCodes.done);
  if (["--version", "-V"].includes(first)) return await say(stdout, `${version}\n`, exitCodes.done);
  const verb = findVerb(first);
  if (verb === undefined) return await say(stderr, unknown(first, surroundings), exitCodes.usage);
  const { runVerb } = await import("./runVerb.ts");
  return await runVerb(verb, rest, surroundings);
}

/** Who looks at the first lines alone, as `head` does, has seen enough. */
async function say(output: Surroundings["stdout"], text: string, exitCode: number): Promise<number> {
  await output.write(text).catch(() => {});
  return exitCode;
}

function unknown(typed: string, { nearest }: Surroundings): string {
  const isFlag = typed.startsWith("-");
  const names = isFlag ? ["--help", "--version"] : verbs.map(({ name }) => name);
  const meant = nearest(typed, names);
  const hint = meant === undefined ? "" : `\n(Did you mean ${meant}?)`;
  const behind = isFlag ? "; options of a verb stand behind it" : "";
  return `errand: unknown ${isFlag ? "option" : "verb"} '${typed}'${behind}${hint}\n(errand --help names all)\n`;
}

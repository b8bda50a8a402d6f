import { Command } from "commander";
import { exitCodes } from "./exitCodes.ts";
import { type Failure, failureOf } from "./failure.ts";
import type { Surroundings } from "./surroundings.ts";
import { visible } from "./text.ts";
import { type Verb, verbs } from "./verbs.ts";

/** As wide as help is where it goes to no terminal. */
const helpColumns = 110;

/** Does what the arguments say that stand behind a verb, and gives the exit code. */
export async function runVerb(
  verb: Verb,
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  let exitCode: number = exitCodes.done;
  const endWith = (code: number) => {
    exitCode = code;
  };
  const build = await verb.load();
  const abouts = new Map(verbs.map(({ name, about }) => [name, about]));
  const allCommands = () => Promise.all(verbs.map(async ({ load }) => (await load())(surroundings, asked)));
  const asked = { endWith, allCommands, abouts };
  const command = build(surroundings, asked);
  const said = listenTo(command, surroundings);
  // The parent is in the usage line, and lets what follows a command's first word be the command's.
  const program = new Command("errand").enablePositionalOptions().exitOverride().helpCommand(false);
  program.addCommand(command);
  try {
    await program.parseAsync([verb.name, ...args], { from: "user" });
    return exitCode;
  } catch (error) {
    await surroundings.stdout.write(said.out.join("")).catch(() => {});
    await surroundings.stderr.write(said.err.join("")).catch(() => {});
    const { exitCode: code, message, advice } = failureOf(error);
    const isOwn = verb.endsAsCommand && ownFailures.has(code);
    return await tell({ exitCode: isOwn ? exitCodes.ownFailure : code, message, advice }, surroundings);
  }
}

/** What a verb that ends as its command does must not be taken for. */
const ownFailures: ReadonlySet<number> = new Set([
  exitCodes.refused,
  exitCodes.usage,
  exitCodes.unavailable,
  exitCodes.software,
  exitCodes.noPermission,
  exitCodes.config,
]);

/** Collects what the parser says of this verb and of those below it. */
function listenTo(command: Command, surroundings: Surroundings): { out: string[]; err: string[] } {
  const said: { out: string[]; err: string[] } = { out: [], err: [] };
  const configure = (one: Command) => {
    one.exitOverride().showHelpAfterError("(--help says how it is used)");
    one.configureOutput({
      writeOut: (text) => said.out.push(text),
      writeErr: (text) => said.err.push(text),
      outputError: (text, write) =>
        write(withNearestFlag(text.replace(/^error:/, "errand:"), one, surroundings)),
      getOutHelpWidth: () => surroundings.columns() ?? helpColumns,
      getErrHelpWidth: () => surroundings.columns() ?? helpColumns,
    });
    one.commands.forEach(configure);
  };
  configure(command);
  return said;
}

/** The parser knows flags that were mistyped; this one also those that were cut short. */
function withNearestFlag(message: string, { options }: Command, { nearest }: Surroundings): string {
  const typed = /unknown option '(--[^']+)'/.exec(message)?.[1];
  if (typed === undefined || message.includes("Did you mean")) return message;
  const meant = nearest(
    typed,
    options.flatMap(({ long }) => long ?? []),
  );
  return meant === undefined ? message : `${message.trimEnd()}\n(Did you mean ${meant}?)\n`;
}

async function tell({ exitCode, message, advice }: Failure, { stderr }: Surroundings): Promise<number> {
  // What a server says may hold anything.
  const said = message === null ? [] : `errand: ${message}`.split("\n").map(visible);
  const lines = [...said, advice ?? []].flat();
  // Nobody may be left to read it.
  if (lines.length > 0) await stderr.write(`${lines.join("\n  ")}\n`).catch(() => {});
  return exitCode;
}

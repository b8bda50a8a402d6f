import { Command } from "commander";
import { version } from "../core/version.ts";
import { exitCodes } from "./exitCodes.ts";
import { type Failure, failureOf } from "./failure.ts";
import { helpText } from "./help.ts";
import type { Surroundings } from "./surroundings.ts";
import { findVerb, type Verb, verbs } from "./verbs.ts";

/** As wide as help is where it goes to no terminal. */
const helpColumns = 110;

/** Does what the arguments say, and gives the exit code. Only the verb that is asked for is loaded. */
export async function commandLine(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    return await dispatch(args, surroundings);
  } catch (error) {
    return await tell(failureOf(error), surroundings);
  }
}

async function dispatch([first, ...rest]: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr } = surroundings;
  if (first === undefined) {
    await stderr.write(helpText());
    return exitCodes.usage;
  }
  if (first === "help" && rest[0] !== undefined && rest[0] !== "--help") return await dispatch([rest[0], "--help"], surroundings);
  if (["help", "--help", "-h"].includes(first)) {
    await stdout.write(helpText());
    return exitCodes.done;
  }
  if (["--version", "-V"].includes(first)) {
    await stdout.write(`${version}\n`);
    return exitCodes.done;
  }
  const verb = findVerb(first);
  if (verb !== undefined) return await runVerb(verb, rest, surroundings);
  await stderr.write(unknown(first, surroundings));
  return exitCodes.usage;
}

function unknown(typed: string, { nearest }: Surroundings): string {
  const isFlag = typed.startsWith("-");
  const names = isFlag ? ["--help", "--version"] : verbs.map(({ name }) => name);
  const meant = nearest(typed, names);
  const hint = meant === undefined ? "" : `\n(Did you mean ${meant}?)`;
  const behind = isFlag ? "; options of a verb stand behind it" : "";
  return `error: unknown ${isFlag ? "option" : "verb"} '${typed}'${behind}${hint}\n(errand --help names all)\n`;
}

async function runVerb(verb: Verb, args: readonly string[], surroundings: Surroundings): Promise<number> {
  let exitCode: number = exitCodes.done;
  const build = await verb.load();
  const command = build(surroundings, (code) => {
    exitCode = code;
  });
  const said = listenTo(command, surroundings);
  // The parent is in the usage line, and lets what follows a command's first word be the command's.
  const program = new Command("errand").enablePositionalOptions().exitOverride().helpCommand(false);
  program.addCommand(command);
  try {
    await program.parseAsync([verb.name, ...args], { from: "user" });
    return exitCode;
  } catch (error) {
    await surroundings.stdout.write(said.out.join(""));
    await surroundings.stderr.write(said.err.join(""));
    const failure = failureOf(error);
    const isOwn = verb.endsAsCommand && ownFailures.has(failure.exitCode);
    return await tell(isOwn ? { ...failure, exitCode: exitCodes.ownFailure } : failure, surroundings);
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
      outputError: (text, write) => write(withNearestFlag(text, one, surroundings)),
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
  const lines = [message === null ? [] : `errand: ${message}`, advice ?? []].flat();
  // Nobody may be left to read it.
  if (lines.length > 0) await stderr.write(`${lines.join("\n  ")}\n`).catch(() => {});
  return exitCode;
}

import type { Argument, Command, Option } from "commander";

/** What may stand in a place of the command line. */
export type Kind =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "file" | "folder" | "context" | "jobs" | "live jobs" | "command" | "free" };

/** One option of a verb. */
export interface CompletedOption {
  readonly short: string | null;
  readonly long: string;
  readonly about: string;
  readonly repeats: boolean;
  /** Null: it takes no value. */
  readonly value: Kind | null;
}

/** One verb, or one below another (`token create`). */
export interface CompletedVerb {
  readonly path: readonly string[];
  readonly about: string;
  readonly options: readonly CompletedOption[];
  /** One for each argument; the last one stands for all that follow it when `repeats` is true. */
  readonly places: readonly Kind[];
  readonly repeats: boolean;
  readonly below: readonly CompletedVerb[];
}

/** Verbs that have no use for a job that has ended. */
const forLiveJobs: ReadonlySet<string> = new Set(["attach", "stop", "signal", "wait"]);

const helpOption: CompletedOption = {
  short: "-h",
  long: "--help",
  about: "say how it is used",
  repeats: false,
  value: null,
};

/** Reads what the parser knows of the verbs. `abouts` are the words of the help for each. */
export function describeVerbs(
  commands: readonly Command[],
  abouts: ReadonlyMap<string, string>,
): readonly CompletedVerb[] {
  return commands.map((command) => describe(command, [], abouts.get(command.name())));
}

function describe(command: Command, above: readonly string[], about?: string): CompletedVerb {
  const path = [...above, command.name()];
  const options = command.options.filter(({ hidden }) => !hidden).map(describeOption);
  return {
    path,
    about: about ?? command.description(),
    options: [...options, helpOption],
    places: command.registeredArguments.map((argument) => kindOf(argument, path)),
    repeats: command.registeredArguments.some(({ variadic }) => variadic),
    below: command.commands.map((one) => describe(one, path)),
  };
}

function describeOption(option: Option): CompletedOption {
  const takesValue = option.required || option.optional;
  const placeholder = /[<[]([^>\]]+?)(?:\.\.\.)?[>\]]/.exec(option.flags)?.[1] ?? "";
  return {
    short: option.short ?? null,
    long: option.long ?? "",
    about: option.description,
    repeats: /may be repeated/.test(option.description),
    value: takesValue ? valueKind(placeholder, option.argChoices) : null,
  };
}

function kindOf(argument: Argument, path: readonly string[]): Kind {
  const name = argument.name();
  if (name === "id") return { kind: forLiveJobs.has(path.join(" ")) ? "live jobs" : "jobs" };
  if (name === "command") return { kind: "command" };
  return valueKind(name, argument.argChoices);
}

function valueKind(placeholder: string, choices: readonly string[] | undefined): Kind {
  if (choices !== undefined) return { kind: "words", words: choices };
  if (placeholder === "file" || placeholder === "context") return { kind: placeholder };
  return { kind: placeholder === "directory" ? "folder" : "free" };
}

/** Every verb with those below it. */
export function flat(verbs: readonly CompletedVerb[]): CompletedVerb[] {
  return verbs.flatMap((verb) => [verb, ...flat(verb.below)]);
}

import type { CompletedOption, CompletedVerb, Kind } from "./model.ts";

/** The completions for zsh. */
export function zshScript(verbs: readonly CompletedVerb[]): string {
  return `#compdef errand
# Completions of errand for zsh. Put this into a file _errand in a folder of $fpath:  errand completion zsh

_errand_jobs() { local -a ids; ids=(\${(f)"$(errand ps --all --ids -n 100 --within 2 2>/dev/null </dev/null)"}); compadd -a ids }
_errand_live_jobs() { local -a ids; ids=(\${(f)"$(errand ps --ids --within 2 2>/dev/null </dev/null)"}); compadd -a ids }
_errand_contexts() { local -a names; names=(\${(f)"$(errand context list --names 2>/dev/null </dev/null)"}); compadd -a names }

${verbs.map((verb) => verbFunction(verb)).join("\n\n")}

_errand_help() {
  (( CURRENT == 2 )) && compadd ${verbs.map(({ path }) => path[0]).join(" ")}
}

_errand() {
${chooser(verbs, "_errand", ["'help:say how a verb is used'"])}
}

_errand "$@"
`;
}

function verbFunction(verb: CompletedVerb): string {
  const name = functionName(verb);
  if (verb.below.length === 0)
    return `${name}() {\n  _arguments -s -S \\\n    ${specs(verb).join(" \\\n    ")}\n}`;
  const below = verb.below.map(verbFunction).join("\n\n");
  return `${below}\n\n${name}() {\n${chooser(verb.below, name, [])}\n}`;
}

/** Completes the name of a verb, then hands what follows it to the function of that verb. */
function chooser(verbs: readonly CompletedVerb[], name: string, more: readonly string[]): string {
  const names = verbs.map(({ path, about }) => quote(`${path.at(-1)}:${about}`));
  return `  local -a verbs
  verbs=(${[...names, ...more].join(" ")})
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  local called=${name}_\${words[2]}
  (( $+functions[$called] )) || return 1
  shift words
  (( CURRENT-- ))
  $called`;
}

function functionName({ path }: CompletedVerb): string {
  return `_errand_${path.join("_")}`;
}

function specs(verb: CompletedVerb): string[] {
  const places = verb.places.map((place, index) => {
    const isLast = index === verb.places.length - 1;
    if (place.kind === "command") return "'*::command:_normal'";
    return quote(`${verb.repeats && isLast ? "*" : index + 1}:${place.kind}:${action(place)}`);
  });
  return [...verb.options.flatMap(optionSpecs), ...places];
}

function optionSpecs({ long, short, about, repeats, value }: CompletedOption): string[] {
  const names = short === null ? [long] : [short, long];
  const tail = `[${about.replace(/[[\]\\]/g, "\\$&")}]${value === null ? "" : `:${value.kind}:${action(value)}`}`;
  return names.map((name) => {
    const others = names.length > 1 && !repeats ? `(${names.join(" ")})` : "";
    return quote(`${others}${repeats ? "*" : ""}${name}${tail}`);
  });
}

function action(value: Kind): string {
  switch (value.kind) {
    case "words":
      return `(${value.words.join(" ")})`;
    case "file":
      return "_files";
    case "folder":
      return "_files -/";
    case "context":
      return "_errand_contexts";
    case "jobs":
      return "_errand_jobs";
    case "live jobs":
      return "_errand_live_jobs";
    case "command":
      return "_normal";
    case "free":
      return " ";
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

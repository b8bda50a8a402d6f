import type { CompletedOption, CompletedVerb, Kind } from "./model.ts";
import { flat } from "./model.ts";

/** The completions for fish. */
export function fishScript(verbs: readonly CompletedVerb[]): string {
  const lines = [
    ...verbs.map(
      ({ path, about }) => `complete -c errand -n '__errand_at 1' -a ${path[0]} -d ${quote(about)}`,
    ),
    "complete -c errand -n '__errand_at 1' -a help -d 'say how a verb is used'",
    `complete -c errand -n '__errand_verb help; and __errand_at 2' -a ${quote(verbs.map(({ path }) => path[0]).join(" "))}`,
    "complete -c errand -n '__errand_at 1' -s V -l version -d 'print the version'",
    ...flat(verbs).flatMap(verbLines),
  ];
  return `# Completions of errand for fish:  errand completion fish >~/.config/fish/completions/errand.fish

# True when so many words stand before the one that is typed.
function __errand_at
    test (count (commandline -opc)) -eq $argv[1]
end

# True behind the words of a verb.
function __errand_verb
    set -l typed (commandline -opc)
    set -l last (math 1 + (count $argv))
    test (count $typed) -ge $last; and test "$typed[2..$last]" = "$argv"
end

function __errand_jobs
    errand ps --all --ids -n 100 --within 2 2>/dev/null </dev/null
end

function __errand_live_jobs
    errand ps --ids --within 2 2>/dev/null </dev/null
end

function __errand_contexts
    errand context list --names 2>/dev/null </dev/null
end

complete -c errand -f
${lines.join("\n")}
`;
}

function verbLines(verb: CompletedVerb): string[] {
  const words = verb.path.join(" ");
  const begin = `complete -c errand -n '__errand_verb ${words}'`;
  const below = verb.below.map(
    (one) =>
      `complete -c errand -n '__errand_verb ${words}; and __errand_at ${verb.path.length + 1}' -a ${one.path.at(-1)} -d ${quote(one.about)}`,
  );
  if (verb.below.length > 0) return below;
  const places = [...new Set(verb.places.map(placeOf))].filter((place) => place !== "");
  return [
    ...verb.options.map((option) => `${begin} ${optionOf(option)}`),
    ...places.map((place) => `${begin} ${place}`),
  ];
}

function optionOf({ short, long, about, value }: CompletedOption): string {
  const names = [short === null ? [] : [`-s ${short.slice(1)}`], `-l ${long.slice(2)}`].flat().join(" ");
  return `${names}${value === null ? "" : ` ${valueWords(value)}`} -d ${quote(about)}`;
}

function valueWords(value: Kind): string {
  switch (value.kind) {
    case "words":
      return `-x -a ${quote(value.words.join(" "))}`;
    case "file":
      return "-r -F";
    case "folder":
      return "-x -a '(__fish_complete_directories)'";
    case "context":
      return "-x -a '(__errand_contexts)'";
    case "jobs":
    case "live jobs":
    case "command":
    case "free":
      return "-x";
  }
}

function placeOf(place: Kind): string {
  switch (place.kind) {
    case "words":
      return `-a ${quote(place.words.join(" "))}`;
    case "file":
      return "-F";
    case "folder":
      return "-a '(__fish_complete_directories)'";
    case "context":
      return "-a '(__errand_contexts)'";
    case "jobs":
      return "-a '(__errand_jobs)'";
    case "live jobs":
      return "-a '(__errand_live_jobs)'";
    case "command":
      return "-a '(__fish_complete_subcommand)'";
    case "free":
      return "";
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

import type { CompletedOption, CompletedVerb, Kind } from "./model.ts";
import { flat } from "./model.ts";

/** The completions for bash. Verbs and options are written into the script; jobs and contexts are asked for. */
export function bashScript(verbs: readonly CompletedVerb[]): string {
  const all = flat(verbs);
  const parents = all.filter(({ below }) => below.length > 0);
  return `# Completions of errand for bash. Put this into ~/.bashrc:  source <(errand completion bash)

_errand_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word"); }
_errand_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$word"); }
_errand_folders() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$word"); }
_errand_ask() { _errand_words "$("\${COMP_WORDS[0]}" "$@" 2>/dev/null </dev/null)"; }

# Options of a verb that are followed by a value.
_errand_takes_value() {
  case "$1 $2" in
${cases(all, ({ value }) => (value === null ? null : ""), "    ").join("\n")}
    *) return 1 ;;
  esac
}

# Completes the value of the option $2 of the verb $1.
_errand_value() {
  case "$1 $2" in
${cases(all, ({ value }) => (value === null ? null : action(value)), "    ").join("\n")}
  esac
}

# Words of the verb $1 that are no options; $2 says how many stand before this one.
_errand_place() {
  case "$1 $2" in
${all.flatMap(placeCases).join("\n")}
  esac
}

_errand_options() {
  case $1 in
${all.map((verb) => `    "${verb.path.join(" ")}") _errand_words "${optionWords(verb)}" ;;`).join("\n")}
  esac
}

_errand() {
  local word=\${COMP_WORDS[COMP_CWORD]} verb=\${COMP_WORDS[1]-} at=2 places=0 rest=0
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _errand_words "${verbs.map(({ path }) => path[0]).join(" ")} help --help --version"
    return
  fi
  if [[ $verb == help ]]; then
    ((COMP_CWORD > 2)) || _errand_words "${verbs.map(({ path }) => path[0]).join(" ")}"
    return
  fi
  case $verb in
${parents.map(parentCase).join("\n")}
  esac
  while ((at < COMP_CWORD)); do
    local one=\${COMP_WORDS[at]}
    if ((rest == 0)) && [[ $one == -- ]]; then
      rest=1
    elif ((rest == 0)) && [[ $one == -* ]]; then
      if _errand_takes_value "$verb" "$one"; then
        if ((at + 1 == COMP_CWORD)); then
          _errand_value "$verb" "$one"
          return
        fi
        at=$((at + 1))
      fi
    else
      # The first word of a command ends the options.
      case $verb in ${commandVerbs(all)}) rest=1 ;; esac
      places=$((places + 1))
    fi
    at=$((at + 1))
  done
  if ((rest == 0)) && [[ $word == -* ]]; then
    _errand_options "$verb"
  else
    _errand_place "$verb" "$places"
  fi
}

complete -F _errand errand
`;
}

function parentCase({ path, below }: CompletedVerb): string {
  return `    ${path.join(" ")})
      if ((COMP_CWORD == 2)); then
        _errand_words "${below.map((verb) => verb.path.at(-1)).join(" ")} --help"
        return
      fi
      verb="$verb \${COMP_WORDS[2]}"
      at=3
      ;;`;
}

function commandVerbs(all: readonly CompletedVerb[]): string {
  const names = all
    .filter(({ places }) => places.some(({ kind }) => kind === "command"))
    .map(({ path }) => path.join(" "));
  return names.length === 0 ? "''" : names.join(" | ");
}

/** One line for each option of which \`text\` says something: \`"run --env" | "run -e") … ;;\`. */
function cases(
  all: readonly CompletedVerb[],
  text: (option: CompletedOption) => string | null,
  indent: string,
): string[] {
  return all.flatMap(({ path, options }) =>
    options.flatMap((option) => {
      const what = text(option);
      if (what === null || (what === "" && option.value === null)) return [];
      const names = [option.long, option.short].flatMap((name) =>
        name === null ? [] : [`"${path.join(" ")} ${name}"`],
      );
      return [`${indent}${names.join(" | ")}) ${what} ;;`];
    }),
  );
}

function placeCases({ path, places, repeats }: CompletedVerb): string[] {
  return places.map((place, index) => {
    const number = repeats && index === places.length - 1 ? "*" : String(index);
    const what = place.kind === "command" ? commandPlace : action(place);
    return `    "${path.join(" ")} "${number}) ${what} ;;`;
  });
}

const commandPlace =
  '[[ $2 == 0 ]] && mapfile -t COMPREPLY < <(compgen -c -- "$word"); [[ $2 != 0 || $word == */* ]] && _errand_files';

function optionWords({ options }: CompletedVerb): string {
  return options.flatMap(({ long, short }) => (short === null ? [long] : [long, short])).join(" ");
}

function action(value: Kind): string {
  switch (value.kind) {
    case "words":
      return `_errand_words "${value.words.join(" ")}"`;
    case "file":
      return "_errand_files";
    case "folder":
      return "_errand_folders";
    case "context":
      return "_errand_ask context list --names";
    case "jobs":
      return "_errand_ask ps --all --ids -n 100";
    case "live jobs":
      return "_errand_ask ps --ids";
    case "command":
    case "free":
      return ":";
  }
}

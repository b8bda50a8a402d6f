import type { CompletedOption, CompletedVerb, Kind } from "./model.ts";
import { flat } from "./model.ts";

/** The completions for bash. Verbs and options are written into the script; jobs and contexts are asked for. */
export function bashScript(verbs: readonly CompletedVerb[]): string {
  const all = flat(verbs);
  const names = verbs.map(({ path }) => path[0]).join(" ");
  const parents = all.filter(({ below }) => below.length > 0);
  return `# Completions of errand for bash. Put this into ~/.bashrc:  source <(errand completion bash)

_errand_words() {
  local one
  for one in "$@"; do
    if [[ $one == "$word"* ]]; then COMPREPLY+=("$one"); fi
  done
}
_errand_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$word"); }
_errand_folders() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$word"); }

# What a server answers is taken when it is a plain word, and never expanded.
_errand_ask() {
  local one
  while read -r one; do
    if [[ $one =~ ^[A-Za-z0-9._@-]+$ ]]; then _errand_words "$one"; fi
  done < <("\${COMP_WORDS[0]}" "$@" 2>/dev/null </dev/null)
}

# Options of the verb $1 that are followed by a value; $2 is one of them or not.
_errand_takes_value() {
  local all=
  case $1 in
${all.map(valueCase).join("\n")}
  esac
  [[ " $all " == *" $2 "* ]]
}

# Completes the value of the option $2 of the verb $1.
_errand_value() {
  case "$1 $2" in
${all.flatMap(optionCases).join("\n")}
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
${all.map((verb) => `    "${verb.path.join(" ")}") _errand_words ${optionWords(verb)} ;;`).join("\n")}
  esac
}

_errand() {
  local word=\${COMP_WORDS[COMP_CWORD]} verb=\${COMP_WORDS[1]-} at=2 places=0 rest=0
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _errand_words ${names} help --help --version
    return
  fi
  if [[ $verb == help ]]; then
    ((COMP_CWORD > 2)) || _errand_words ${names}
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
        _errand_words ${below.map((verb) => verb.path.at(-1)).join(" ")} --help
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

/** The options of a verb that are followed by a value. */
function valueCase({ path, options }: CompletedVerb): string {
  const names = options.flatMap((option) => (option.value === null ? [] : namesOf(option)));
  return `    "${path.join(" ")}") all="${names.join(" ")}" ;;`;
}

/** How each value is completed, where there is anything to complete it with. */
function optionCases({ path, options }: CompletedVerb): string[] {
  return options.flatMap((option) => {
    if (option.value === null || option.value.kind === "free") return [];
    const names = namesOf(option).map((name) => `"${path.join(" ")} ${name}"`);
    return [`    ${names.join(" | ")}) ${action(option.value)} ;;`];
  });
}

function namesOf({ long, short }: CompletedOption): string[] {
  return short === null ? [long] : [long, short];
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
  return options.flatMap(namesOf).join(" ");
}

function action(value: Kind): string {
  switch (value.kind) {
    case "words":
      return `_errand_words ${value.words.join(" ")}`;
    case "file":
      return "_errand_files";
    case "folder":
      return "_errand_folders";
    case "context":
      return "_errand_ask context list --names";
    case "jobs":
      return "_errand_ask ps --all --ids -n 100 --within 2";
    case "live jobs":
      return "_errand_ask ps --ids --within 2";
    case "command":
    case "free":
      return ":";
  }
}

import { verbs } from "./verbs.ts";

/** What `errand --help` says. */
export function helpText(): string {
  const width = Math.max(...verbs.map(({ name }) => name.length));
  const groups = [...new Set(verbs.map(({ group }) => group))].map((group) => {
    const lines = verbs.flatMap((verb) =>
      verb.group === group ? [`  ${verb.name.padEnd(width)}  ${verb.about}`] : [],
    );
    return [`${group}:`, ...lines, ""].join("\n");
  });
  return `Usage: errand <verb> [options] [arguments]

Runs commands over HTTP, streams their output and tells the truth about how they ended.

${groups.join("\n")}
Options:
  -V, --version  print the version
  -h, --help     print this; errand <verb> --help says how a verb is used

Examples:
  errand serve                                 run a server on this machine
  errand run -- make test                      run a command there, with its output and exit code here
  errand run --cwd /srv -e MODE=fast -- ./build.sh <input.tar
  id=$(errand start -- ./nightly.sh); errand logs -f "$id"; errand wait "$id"
  errand ps --all --json | jq -r '.jobs[].id'
  errand context set build --url https://build.example --token-file ~/.build-token

Exit codes:
  run, start, attach and wait end as the command does: its own code; 128 + n for signal n; 127 and 126 for what is not
  found or cannot be executed; 125 for every failure of Errand itself.
  The other verbs: 0 done; 1 refused; 64 usage; 69 no server answers; 70 a defect; 77 the token is not known or lacks
  the right; 78 a file of settings cannot be used. doctor ends with 1 when a promise of the server cannot be kept.
  All of them: 141 when whoever reads the output has gone.
`;
}

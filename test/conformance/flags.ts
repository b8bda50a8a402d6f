/** What a way in may be able to do, or does in its own manner. The suite asks for nothing that is not here. */
export const knownFlags = {
  argv: "starts a program with its arguments, and refuses one that cannot be started; else a line for the shell",
  exactBytes: "hands output out byte for byte; else as UTF-8 text with replacement characters",
  anyText: "hands out every character of UTF-8; else only those that its answers can hold",
  cwd: "takes a working directory",
  env: "takes variables",
  stderr: "hands stderr out, apart from stdout",
  ending: "tells exit code and signal with the answer",
  reason: "tells the reason of the end with the answer",
  errorCodes: "tells kinds of errors apart; else by their words alone",
  stopsWithClient: "stops the command when its client goes away; else it runs on",
  alias: "takes an alias, under which one job runs at a time",
  stdin: "takes what the command is to read",
  mergeOutput: "puts stderr into stdout, in the order of writing",
  discardOutput: "throws all output away",
  leftoversStop: "stops descendants that outlive the command",
  successExitCodes: "takes codes that count as success",
  runTimeout: "takes a longest run",
  idleTimeout: "takes a longest silence",
  outputLimit: "takes a most of output, with which the job is stopped",
  keptOutput: "keeps output for later",
  background: "answers when the command has been started, too",
  survives: "what it starts so goes on without its server; else it ends with it",
  detached: "starts a command and lets it go",
  callback: "takes a URL that hears of the end",
} as const satisfies Record<string, string>;

export type Flag = keyof typeof knownFlags;

/** Of every flag `true`, or the reason why it is off. This is all that keeps a behaviour from being tried. */
export type FlagTable = Readonly<Record<Flag, true | string>>;

/** What is wrong with a table, as sentences: an adapter must not switch off what the suite does not know. */
export function flagFaults(table: Readonly<Record<string, unknown>>): string[] {
  const unknown = Object.keys(table).filter((name) => !Object.hasOwn(knownFlags, name));
  const missing = Object.keys(knownFlags).filter((name) => !Object.hasOwn(table, name));
  const unexplained = Object.entries(table).filter(
    ([, value]) => value !== true && (typeof value !== "string" || value === ""),
  );
  return [
    ...unknown.map((name) => `${name}: no flag of that name is known`),
    ...missing.map((name) => `${name}: the table says nothing of it`),
    ...unexplained.map(([name]) => `${name}: it is on (true), or off with a reason`),
  ];
}

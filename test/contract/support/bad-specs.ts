/** Values that a field of a spec may not have. */
export interface BadValues {
  /** The spec that is right but for them. */
  rest: Readonly<Record<string, unknown>>;
  field: string;
  /** Each value, and what the refusal must say beside the name of the field: what is allowed. */
  values: readonly (readonly [unknown, string | RegExp])[];
}

const command = { rest: {}, field: "command" };
const rest = { command: ["true"] };
const seconds = (field: string): BadValues => ({
  ...{ rest, field },
  values: [
    [0, ">0"],
    [-1, ">0"],
    ["5", "number"],
    [null, "number"],
    [true, "number"],
    [[5], "number"],
    [{ seconds: 5 }, "number"],
    [315_360_001, "<=315360000"],
    [1e300, "<=315360000"],
  ],
});
const flag = (field: string): BadValues => ({
  ...{ rest, field },
  values: ["true", 1, 0, null, [], {}].map((value) => [value, "boolean"] as const),
});
const oneOf = (field: string, ...allowed: readonly string[]): BadValues => ({
  ...{ rest, field },
  values: [
    "",
    "other",
    (allowed[0] ?? "").toUpperCase(),
    ` ${allowed[0]}`,
    null,
    5,
    true,
    [],
    [allowed[0]],
    {},
  ].map((value) => [value, allowed.join("|")] as const),
});

/** At least four of each field. */
export const badValues: readonly BadValues[] = [
  {
    ...command,
    values: [
      [[], /first element|>=1/],
      [[""], "first element"],
      [["", "true"], "first element"],
      ["true", "array"],
      [{ 0: "true" }, "array"],
      [null, "array"],
      [[1], "string"],
      [["true", null], "string"],
      [["true", ["-v"]], "string"],
      [["true", { value: "x" }], "string"],
    ],
  },
  {
    ...{ rest: {}, field: "shell" },
    values: [
      ["", ">=1"],
      [["true"], "string"],
      [5, "string"],
      [null, "string"],
      [{}, "string"],
    ],
  },
  {
    ...{ rest, field: "cwd" },
    values: [
      ["", ">=1"],
      [5, "string"],
      [null, "string"],
      [["/"], "string"],
      [{}, "string"],
    ],
  },
  {
    ...{ rest, field: "env" },
    values: [
      ["A=1", "record"],
      [["A=1"], "record"],
      [null, "record"],
      [5, "record"],
      [{ A: 1 }, "string"],
      [{ A: null }, "string"],
      [{ A: ["1"] }, "string"],
      [{ A: "1", B: true }, "string"],
    ],
  },
  {
    ...{ rest, field: "stdin" },
    values: [
      ["text", /text.*base64/],
      [null, /text.*base64/],
      [5, /text.*base64/],
      [[], /text.*base64/],
      [{}, /text.*base64/],
      [{ text: 5 }, "string"],
      [{ text: null }, "string"],
      [{ base64: 5 }, "string"],
      [{ base64: "YQ" }, "base64"],
      [{ base64: "YQ=" }, "base64"],
      [{ base64: "Y!==" }, "base64"],
      [{ base64: "AP-_" }, "base64"],
      [{ base64: "YWJj\n" }, "base64"],
    ],
  },
  oneOf("mode", `"background"`, `"detached"`),
  {
    ...{ rest, field: "alias" },
    values: [
      ["", ">=1"],
      ["x".repeat(1_025), "1024"],
      ["\u00e9".repeat(513), "1024"],
      [5, "string"],
      [null, "string"],
      [["a"], "string"],
    ],
  },
  {
    ...{ rest, field: "aliasPolicy" },
    values: ["", "Reject", "wait", null, true, ["reject"]].map((value) => [value, `"reject"`] as const),
  },
  flag("survive"),
  flag("mergeOutput"),
  flag("discardOutput"),
  {
    ...{ rest, field: "successExitCodes" },
    values: [
      [[], ">=1"],
      [0, "array"],
      [null, "array"],
      [["0"], "number"],
      [[null], "number"],
      [[-1], ">=0"],
      [[256], "<=255"],
      [[1.5], "int"],
      [[0, 1, 300], "<=255"],
      [Array.from({ length: 257 }, () => 0), "<=256"],
    ],
  },
  oneOf("leftovers", `"leave"`, `"stop"`),
  seconds("runTimeoutSeconds"),
  seconds("idleTimeoutSeconds"),
  seconds("retainSeconds"),
  {
    ...{ rest, field: "stopGraceSeconds" },
    values: [
      [-0.1, ">=0"],
      [3_600.1, "<=3600"],
      ["5", "number"],
      [null, "number"],
      [[], "number"],
    ],
  },
  {
    ...{ rest, field: "limits" },
    values: [
      [null, "object"],
      [5, "object"],
      [[], "object"],
      ["outputBytes", "object"],
      [{ outputBytes: -1 }, ">=0"],
      [{ outputBytes: 1.5 }, "int"],
      [{ outputBytes: "1" }, "number"],
      [{ outputBytes: null }, "number"],
      [{ outputBytes: 2 ** 53 }, /int|<=9007199254740991/],
    ],
  },
  {
    ...{ rest, field: "callback" },
    values: [
      [null, "object"],
      ["http://example.com/", "object"],
      [[], "object"],
      [{}, "url"],
      [{ url: 5 }, "string"],
      [{ url: "" }, ">=1"],
      [{ url: "/path" }, "http"],
      [{ url: "ftp://example.com/" }, "http"],
      [{ url: "example.com" }, "http"],
      [{ url: "http://example.com/", events: [] }, ">=1"],
      [{ url: "http://example.com/", events: "job.ended" }, "array"],
      [{ url: "http://example.com/", events: ["job.stopped"] }, `"job.ended"`],
      [{ url: "http://example.com/", events: ["job.ended", null] }, `"job.ended"`],
      [{ url: "http://example.com/", events: Array.from({ length: 3 }, () => "job.ended") }, "<=2"],
    ],
  },
];

/** Fields that nobody knows, and the one that was meant. */
export const unknownFields: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
  ["comand", { ...rest, comand: ["true"] }, "command"],
  ["Command", { ...rest, Command: ["true"] }, "command"],
  ["Shell", { Shell: "true" }, "shell"],
  ["cmd", { ...rest, cmd: "true" }, "cwd"],
  ["envs", { ...rest, envs: {} }, "env"],
  ["runTimeout", { ...rest, runTimeout: 5 }, "runTimeoutSeconds"],
  ["run_timeout_seconds", { ...rest, run_timeout_seconds: 5 }, "runTimeoutSeconds"],
  ["idleTimeoutSecond", { ...rest, idleTimeoutSecond: 5 }, "idleTimeoutSeconds"],
  ["successExitCode", { ...rest, successExitCode: 5 }, "successExitCodes"],
  ["discardOutputs", { ...rest, discardOutputs: true }, "discardOutput"],
  ["callbacks", { ...rest, callbacks: {} }, "callback"],
  ["label", { ...rest, label: "a" }, "labels"],
  ["limits.outputByte", { ...rest, limits: { outputByte: 5 } }, "outputBytes"],
  ["limits.outputBites", { ...rest, limits: { outputBytes: 5, outputBites: 5 } }, "outputBytes"],
  ["callback.urls", { ...rest, callback: { urls: "http://example.com/" } }, "url"],
  ["callback.event", { ...rest, callback: { url: "http://example.com/", event: [] } }, "events"],
  ["stdin.txt", { ...rest, stdin: { txt: "a" } }, "text"],
  ["stdin.base46", { ...rest, stdin: { base46: "YQ==" } }, "base64"],
  ["stdin.texts", { ...rest, stdin: { text: "a", texts: "b" } }, "text"],
];

/** Specs whose fields do not go together, and the field that the refusal names. */
export const contradictions: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
  [{}, "command"],
  [{ cwd: "/" }, "shell"],
  [{ command: ["true"], shell: "true" }, "command"],
  [{ ...rest, stdin: { text: "a", base64: "YQ==" } }, "stdin"],
  ...[
    { alias: "a" },
    { callback: { url: "http://example.com/" } },
    { mergeOutput: true },
    { discardOutput: true },
    { leftovers: "stop" },
    { successExitCodes: [0] },
    { runTimeoutSeconds: 5 },
    { idleTimeoutSeconds: 5 },
    { stopGraceSeconds: 5 },
    { limits: { outputBytes: 5 } },
  ].map((more) => [{ ...rest, mode: "detached", ...more }, Object.keys(more)[0] ?? ""] as const),
  ...[{ idleTimeoutSeconds: 5 }, { limits: { outputBytes: 5 } }, { mergeOutput: true }].map(
    (more) => [{ ...rest, discardOutput: true, ...more }, Object.keys(more)[0] ?? ""] as const,
  ),
];

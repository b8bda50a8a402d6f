// What a client sends cannot forge a line of the log, nor drive the terminal that shows it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { postProcess } from "../support/jobs.ts";
import { endEverything, type Server } from "../support/server.ts";
import { missingTool } from "../support/tools.ts";
import { loggedServer } from "./support/logged.ts";

afterAll(endEverything);

const forged = "FORGED";
const line = `{"level":30,"job":"1","msg":"${forged}"}`;

/** NUL is left out: no argument can hold it. */
function between(first: number, last: number): string[] {
  const codes = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return codes.map((code) => `c${code.toString(16)}-${String.fromCharCode(code)}x`);
}

const ascii = [
  ...between(0x01, 0x1f),
  `\n${line}`,
  `\r\n${line}\r\n`,
  `"}\n${line}\n{"a":"`,
  `\u001b[2J\u001b[1;1H${forged}`,
  `\u001b]0;${forged}\u0007`,
  `\u001b]52;c;${btoa(forged)}\u001b\\`,
  `\u001bP${forged}\u001b\\`,
];
const others = [...between(0x7f, 0x9f), `\u009b31m${forged}`, `\u009d0;${forged}\u009c`, `\u0085${line}`];
const texts = [...ascii, ...others];

/** Runs a command that ends well and ones that cannot be started, all named by the text. */
async function leaveTraces(server: Server, text: string): Promise<void> {
  const specs = [
    { alias: text, cmd: "true", args: [text] },
    { alias: text, cmd: `/not/there/${text}` },
    { alias: text, cmd: "true", cwd: `/not/there/${text}` },
  ];
  for (const spec of specs) await (await postProcess(server, spec)).text();
}

/** The control characters in a text, but the ends of its lines, as numbers. */
function controlsIn(text: string): number[] {
  const found = new Set([...text].map((character) => character.codePointAt(0) ?? 0));
  return [...found].filter((code) => (code < 0x20 && code !== 0x0a) || (code >= 0x7f && code <= 0x9f));
}

describe("the log in JSON", () => {
  let log = "";
  beforeAll(async () => {
    const { server, end } = await loggedServer("file");
    for (const text of texts) await leaveTraces(server, text);
    log = await end();
  });

  test("has a line for each event, and none that a client wrote", () => {
    const lines = log.trimEnd().split("\n");
    const events = lines.map((text) => JSON.parse(text) as { alias?: string; msg: string });
    const ends = events.filter(({ msg }) => /^job (?:ended|failed to start)$/.test(msg));
    expect(ends.map(({ alias }) => alias ?? "")).toEqual(texts.flatMap((text) => [text, text, text]));
    expect(events.filter(({ msg }) => msg === forged)).toEqual([]);
  });

  test("holds no control character of ASCII", () => {
    expect(controlsIn(log).filter((code) => code < 0x7f)).toEqual([]);
  });

  test("holds neither DEL nor one of C1, which terminals obey as well", () => {
    expect(controlsIn(log).filter((code) => code >= 0x7f)).toEqual([]);
  });
});

describe.skipIf(missingTool("script") !== undefined)("the log on a terminal", () => {
  let log = "";
  beforeAll(async () => {
    const { server, end } = await loggedServer("terminal");
    for (const text of texts) await leaveTraces(server, text);
    log = await end();
  });

  test("is for people, and has a line for each event", () => {
    expect(log).toContain("listening");
    expect(log).not.toStartWith("{");
    const ends = log.split("\n").filter((text) => /job (?:ended|failed to start)/.test(text));
    expect(ends).toHaveLength(3 * texts.length);
    expect(log.split("\n").filter((text) => text.trimStart().startsWith("{"))).toEqual([]);
  });

  test("holds no control character but its own line ends and colours", () => {
    const colours = new RegExp(`${String.fromCharCode(0x1b)}\\[[\\d;]*m`, "g");
    expect(controlsIn(log.replace(colours, "").replaceAll("\r\n", "\n"))).toEqual([]);
    // A colour that a client wrote would be taken for the log's own.
    expect(log).not.toContain(`\u001b[31m${forged}`);
  });
});

// Old output that is shown again must not make the terminal type into a job.
import { afterAll, describe, expect, test } from "bun:test";
import { Terminal } from "@xterm/headless";
import { Errand } from "../../src/sdk/errand.ts";
import type { AttachOptions } from "../../src/sdk/options.ts";
import { TerminalQueryFilter } from "../../src/sdk/terminalQueries.ts";
import { endEverything, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { randomOf } from "./support/cut-stream.ts";
import { harmless, queries } from "./support/queries.ts";

afterAll(endEverything);

const seen = new Map<string, string>();

/** What a terminal says to these bytes. */
async function answersTo(pieces: readonly Uint8Array[]): Promise<string> {
  const text = Buffer.concat([...pieces]).toString("latin1");
  const said = seen.get(text) ?? (await askTerminal(Buffer.from(text, "latin1")));
  seen.set(text, said);
  return said;
}

async function askTerminal(bytes: Uint8Array): Promise<string> {
  const terminal = new Terminal({
    allowProposedApi: true,
    logLevel: "off",
    windowOptions: {
      getWinSizePixels: true,
      getCellSizePixels: true,
      getWinSizeChars: true,
      getWinState: true,
      getWinPosition: true,
      getScreenSizeChars: true,
      getIconTitle: true,
      getWinTitle: true,
    },
  });
  let said = "";
  terminal.onData((data) => {
    said += data;
  });
  terminal.onBinary((data) => {
    said += data;
  });
  await new Promise<void>((resolve) => terminal.write(bytes, resolve));
  terminal.dispose();
  return said;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (pieces: readonly Uint8Array[]) => Buffer.concat([...pieces]).toString();

/** The bytes in two pieces, at every place. */
function splits(bytes: Uint8Array): (readonly [Uint8Array, Uint8Array])[] {
  return Array.from(bytes, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)] as const);
}

function dropped(pieces: readonly Uint8Array[]): Uint8Array[] {
  const filter = new TerminalQueryFilter();
  return [...pieces.map((piece) => filter.drop(piece)), filter.pass(new Uint8Array())];
}

test("there are sixty questions, each another one", () => {
  expect(new Set(queries.map(({ bytes }) => bytes)).size).toBe(60);
  expect(queries.filter(({ isAnswered }) => isAnswered).length).toBeGreaterThan(24);
});

describe.each(queries.map((query) => [query.name, query] as const))("%s", (_, { bytes, isAnswered }) => {
  const whole = bytesOf(`before${bytes}after`);

  test("is a question, and is taken out wherever it is cut", async () => {
    expect((await answersTo([whole])) !== "").toBe(isAnswered);
    for (const pieces of splits(whole)) {
      const shown = dropped(pieces);
      expect(textOf(shown)).toMatch(/^before[\s\S]*after$/);
      expect(textOf(shown)).not.toContain(bytes);
      expect(await answersTo(shown)).toBe("");
    }
    expect(await answersTo(dropped(Array.from(whole, (byte) => Uint8Array.of(byte))))).toBe("");
  });

  test("is asked no more when its beginning was shown live", async () => {
    for (const [first, second] of splits(whole)) {
      const filter = new TerminalQueryFilter();
      const live = filter.pass(first);
      expect(textOf([live])).toBe(textOf([first]));
      const shown = [live, filter.drop(second), filter.pass(new Uint8Array())];
      // What was asked live may be answered.
      expect(await answersTo(shown)).toBe(await answersTo([live]));
    }
  });
});

test("what asks nothing comes through as it is, wherever it is cut", () => {
  for (const text of [...harmless, harmless.join("")]) {
    for (const pieces of splits(bytesOf(text))) expect(textOf(dropped(pieces))).toBe(text);
  }
});

test("what is live comes through as it is, questions too", () => {
  const filter = new TerminalQueryFilter();
  const text = queries.map(({ bytes }) => bytes).join("live");
  expect(textOf([filter.drop(bytesOf("old\x1b[")), filter.pass(bytesOf(text))])).toBe(`old\x1b[${text}`);
});

test("modes that are told at once are not set again, those beside them are", () => {
  const shown = textOf(dropped([bytesOf("\x1b[?1000;1004;2048;1006h\x1b[?1004h\x1b[?2031h.")]));
  expect(shown).toBe("\x1b[?1000;1006h.");
});

test("what is long is judged by its beginning", () => {
  const long = "x".repeat(10_000);
  expect(textOf(dropped([bytesOf(`a\x1b]52;c;${long}\x07b`)]))).toBe("ab");
  expect(textOf(dropped([bytesOf(`a\x1b]4;${"1;rgb:1/1/1;".repeat(900)}2;?\x07b`)]))).toBe("ab");
  const picture = `a\x1bPq${long}\x1b\\b\x1b]0;${long}\x07`;
  expect(textOf(dropped([bytesOf(picture)]))).toBe(picture);
});

test("bytes without sense make no answer, and are not lost when they are no sequences", async () => {
  const random = randomOf(17);
  const alphabet = [
    "\x1b",
    "[",
    "]",
    "P",
    "\\",
    "6",
    "?",
    ";",
    ">",
    "$",
    "n",
    "c",
    "p",
    "q",
    "\x07",
    "\x9b",
    "é",
  ];
  for (let round = 0; round < 300; round += 1) {
    const text = Array.from({ length: 40 }, () => alphabet[random(alphabet.length)]).join("");
    expect([encodeURI(text), await answersTo(dropped([bytesOf(text)]))]).toEqual([encodeURI(text), ""]);
  }
});

test("all sixty, shown again to a terminal in front of their job, type nothing into it", async () => {
  const server = await startServer();
  const errand = new Errand({ url: server.url, token: server.token });
  const asked = queries.map(({ bytes }) => bytes).join("");
  // Whatever is typed is shown behind a mark, as the command reads it.
  const job = await errand.start({
    shell: 'stty raw -echo; printf %s "$ASKED"; printf MARK; exec cat',
    env: { ASKED: asked },
    tty: { cols: 80, rows: 24 },
  });
  const written = () => new Response(job.stdout({ follow: false })).text();
  await until(async () => (await written()).includes("MARK"), { describe: "the questions" });
  const typed = async (options: AttachOptions, end: string) => {
    const attachment = await job.attach(options);
    const terminal = new Terminal({ allowProposedApi: true, logLevel: "off" });
    const writer = attachment.stdin.getWriter();
    terminal.onData((data) => void writer.write(data).catch(() => undefined));
    const reader = attachment.stdout.getReader();
    let shown = "";
    while (!shown.includes("MARK")) {
      const { value } = await reader.read();
      shown += Buffer.from(value ?? []).toString();
      await new Promise<void>((resolve) => terminal.write(value ?? "", resolve));
    }
    await writer.write(end);
    await until(async () => (await written()).endsWith(end), { describe: end });
    attachment.detach();
    terminal.dispose();
    return (await written()).split("MARK")[1];
  };
  expect(await typed({ dropQueries: "replayed" }, "<all>")).toBe("<all>");
  expect(await typed({ replay: "screen" }, "<screen>")).toBe("<all><screen>");
  // It is the questions that make the difference.
  expect(await typed({}, "<asked>")).toMatch(/^<all><screen>.*\[\?[\d;]+c.*<asked>$/s);
  await job.stop();
});

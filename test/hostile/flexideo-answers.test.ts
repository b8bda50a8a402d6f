// Door flexideo: whatever a program writes, a client asks for or a command is called, the answer is well-formed XML.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { command } from "../support/command.ts";
import { type Attributes, parseXml, postXml, shellTag } from "../support/flexideo.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { missingTool } from "../support/tools.ts";

const cases = 1_000;
const perRequest = 5;
const seed = Number(process.env.FLEXIDEO_SEED ?? Date.now() % 1_000_000);

let server: Server;
beforeAll(async () => {
  server = await startServer({ config: "[limits]\nwholeTextBytes = 1000\nkeptOutputBytes = 3000\n" });
});
afterAll(endEverything);

/** Numbers that look random and come again with the same seed. */
function generator(start: number) {
  let state = start >>> 0;
  const below = (count: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
  return { below, pick: <T>(items: readonly T[]): T => items[below(items.length)] as T };
}

type Random = ReturnType<typeof generator>;

const fragments = [
  ...[
    "<a>",
    "</a>",
    "<a/>",
    "<b c='d'>",
    "</b>",
    '<x:y xmlns:x="urn:x">',
    "</x:y>",
    "<x:y/>",
    "<a x:b='c'/>",
  ],
  ...[
    "&amp;",
    "&",
    "&lt;",
    "&#65;",
    "&#0;",
    "&nbsp;",
    "]]>",
    "]]",
    "]",
    ">",
    "<![CDATA[",
    "<!--",
    "-->",
    "--",
  ],
  ...[
    "<?xml version='1.0'?>",
    '<?xml version="1.1" encoding="x"?>',
    "<?a b?>",
    "<?xml?>",
    "<!DOCTYPE a>",
    "<?a?b?>",
  ],
  ...[
    "\r",
    "\r\n",
    "\n",
    "\t",
    " ",
    "\0",
    "\x01",
    "\x1b[1m",
    "\x7f",
    "\x85",
    "\u2028",
    "\ufffe",
    "\uffff",
    "\ufeff",
  ],
  ...[
    "a",
    "žluť",
    "😀",
    "\ud83d",
    "\u0300",
    "'",
    '"',
    "$",
    "\\",
    "</output>",
    "</shell></response>",
    "<1/>",
    "<:a/>",
  ],
  ...["<jsn:root xmlns:jsn='http://www.flexideo.com/actions/json' type='array'>", "</jsn:root>"],
] as const;

function text(random: Random, most: number): string {
  return Array.from({ length: random.below(most) + 1 }, () => random.pick(fragments)).join("");
}

/** What a program writes: fragments, bytes at random, or much of one. */
function bytes(random: Random): Buffer {
  switch (random.below(4)) {
    case 0:
      return Buffer.from(Array.from({ length: random.below(60) }, () => random.below(256)));
    case 1:
      return Buffer.from(random.pick(fragments).repeat(random.below(400)));
    default:
      return Buffer.from(text(random, 8), random.pick(["utf8", "utf8", "utf16le", "latin1"] as const));
  }
}

/** Only what a request can hold: the rest is for the programs. */
const holdable = (all: string) => all.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, "");
const pages = [
  null,
  null,
  "utf8",
  "utf16",
  "acp",
  "437",
  "852",
  "1250",
  "932",
  "54936",
  "65000",
  "1201",
  "nonsense",
];

function shellOf(random: Random): string {
  const content = bytes(random).toString("base64");
  const common: Attributes = {
    encode: random.pick(["raw", "raw", "raw", "xml", "json", "hex", "url", "base64", null, "wrong"]),
    codepage: random.pick(pages),
    "join-output": random.pick([null, "true"]),
    "no-output": random.pick([null, null, null, "true"]),
    "exit-code": random.pick([null, 0, 1]),
  };
  switch (random.below(8)) {
    case 0:
      return shellTag({ command: holdable(text(random, 6)), ...common });
    case 1:
      return shellTag({ command: `printf %s '${holdable(text(random, 6)).replaceAll("'", "")}'`, ...common });
    case 2:
      return shellTag({
        ...common,
        [random.pick(["x", "ž", "a.b", "id", "timeout"])]: holdable(text(random, 3)),
      });
    case 3:
      return random.pick([
        "<x:a xmlns:x='urn:x'/>",
        "<ž/>",
        "<a.b-c><d/></a.b-c>",
        "<error/>",
        "<y xmlns='urn:y'/>",
      ]);
    default:
      return shellTag({ command: "tee /dev/stderr", "input-encoding": "base64", ...common }, content);
  }
}

describe(`${cases} requests at random (seed ${seed})`, () => {
  const folder = temporaryDirectory("answers");
  const names = Array.from({ length: cases / perRequest }, (_, number) => join(folder, `${number}.xml`));

  test("are answered, and a strict parser takes every answer", async () => {
    const random = generator(seed);
    const bodies = names.map((name) => ({
      name,
      elements: Array.from({ length: perRequest }, () => shellOf(random)),
    }));
    const waiting = bodies.values();
    const statuses = new Map<string, number>();
    const send = async () => {
      for (const { name, elements } of waiting) {
        const body = `<request>${elements.join("")}</request>`;
        const response = await postXml(server, body);
        const answer = await response.text();
        if (response.status !== 200) throw new Error(`${response.status}: ${answer} to ${body}`);
        writeFileSync(name, answer);
        const { children } = parseXml(answer);
        expect(children).toHaveLength(perRequest);
        for (const { attributes } of children)
          statuses.set(attributes.status ?? "", (statuses.get(attributes.status ?? "") ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 4 }, send));
    console.log(`seed ${seed}: ${[...statuses].map(([status, count]) => `${status} ${count}`).join(", ")}`);
    for (const status of ["ok", "error", "fail"])
      expect(statuses.get(status) ?? 0).toBeGreaterThan(cases / 50);
    expect([...statuses.keys()].sort()).not.toContain("");
  }, 60_000);

  test.skipIf(missingTool("xmllint") !== undefined)(
    "and xmllint, without a word (skipped where it is missing)",
    async () => {
      const { code, stderr } = await command(["xmllint", "--noout", "--nonet", ...names], {
        timeoutMilliseconds: 30_000,
      });
      expect([code, stderr]).toEqual([0, ""]);
    },
    60_000,
  );
});

import { describe, expect, test } from "bun:test";
import { drawn } from "./drawing.ts";

const size = { cols: 20, rows: 5 };

async function screenOf(text: string): Promise<string> {
  const { screen, bytes } = await drawn(Buffer.from(text), size);
  expect(bytes).toBe(Buffer.byteLength(text));
  return screen.toString();
}

/** What a terminal would do about the picture, and nothing else, brings the same picture. */
async function expectSame(text: string): Promise<string> {
  const picture = await screenOf(text);
  expect(await screenOf(picture)).toBe(picture);
  return picture;
}

test("the last screenful, with its colours and where the cursor stands", async () => {
  const lines = Array.from({ length: 50 }, (_, index) => `\x1b[3${index % 8}mline ${index}\x1b[0m`);
  const picture = await expectSame(`${lines.join("\r\n")}\x1b[2;3H`);
  expect(picture).toContain("line 45");
  expect(picture).not.toContain("line 44");
});

test("modes, the other screen, and a hidden cursor", async () => {
  const picture = await expectSame("shell\r\n\x1b[?1049h\x1b[?1h\x1b[?2004h\x1b[?25l\x1b[Hfull");
  for (const mode of ["\x1b[?1049h", "\x1b[?1h", "\x1b[?2004h", "\x1b[?25l"]) expect(picture).toContain(mode);
  expect(await screenOf("\x1b[?25lx\x1b[?25h")).not.toContain("?25");
  expect(await screenOf("\x1b[?25lx\x1bc")).not.toContain("?25");
});

/** What makes a terminal answer: whose picture holds any of it would be answered again. */
const questions = [
  "\x1b[c",
  "\x1b[>c",
  "\x1b[=c",
  "\x1b[5n",
  "\x1b[6n",
  "\x1b[?6n",
  "\x1b[?996n",
  "\x1b[>q",
  "\x1b[18t",
  "\x1b[21t",
  "\x1b[?25$p",
  "\x1b[4$p",
  "\x1b[x",
  "\x1b]4;1;?\x07",
  "\x1b]10;?\x07",
  "\x1b]11;?\x1b\\",
  "\x1b]12;?\x07",
  "\x1b]52;c;?\x07",
  "\x1bP$qm\x1b\\",
  "\x1bP+q544e\x1b\\",
  "\x1bZ",
  "\x05",
  "\x1b[?u",
  "\x1b[1;1;1;1;1;1*y",
];

test.each(questions)("a picture asks nothing: %j", async (question) => {
  expect(await screenOf(`before${question}after`)).toBe("beforeafter");
});

describe("what would take for ever is left out, in a moment:", () => {
  test.each(["S", "T", "L", "M", "I", "Z", "b", "@", "P", "X", "A", "d", "G"])(
    "CSI 2147483647 %s",
    async (final) => {
      const began = performance.now();
      await screenOf(`a\x1b[2147483647${final}\u009b2147483647${final}`);
      expect(performance.now() - began).toBeLessThan(1_000);
    },
  );
});

test("what takes too long is drawn in part, while others have their turn", async () => {
  const slow = Buffer.from("\x1b[1000S".repeat(600_000));
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  const began = performance.now();
  const { bytes } = await drawn(slow, { cols: 200, rows: 100 });
  clearInterval(timer);
  expect(bytes).toBeLessThan(slow.byteLength);
  expect(performance.now() - began).toBeLessThan(15_000);
  expect(longest).toBeLessThan(2_000);
}, 20_000);

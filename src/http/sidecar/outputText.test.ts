import { describe, expect, test } from "bun:test";
import type { Broker } from "../../core/broker.ts";
import type { Job } from "../../core/job.ts";
import { readText } from "./outputText.ts";

/** What a job wrote, as far as it was kept; `written` when more of it came. */
function output(kept: Uint8Array | null, written = kept?.byteLength ?? 0) {
  const asked: number[] = [];
  const broker = {
    outputBytes: () => kept?.byteLength ?? null,
    readOutput: async (_id: string, _stream: string, offset: number, length: number) => {
      asked.push(length);
      return kept?.subarray(offset, offset + length) ?? new Uint8Array(0);
    },
  };
  const summary = { bytes: written, keptFrom: 0, truncated: written > (kept?.byteLength ?? 0) };
  const job = { id: "1", state: "ended", output: { stdout: summary, stderr: summary } };
  const read = (mostBytes: number) =>
    readText(broker as unknown as Broker, job as unknown as Job, { stream: "stdout", mostBytes });
  return { read, asked };
}

const bytes = (text: string) => new TextEncoder().encode(text);

describe("readText", () => {
  test("all of it", async () => {
    expect(await output(bytes("äöü\n")).read(100)).toEqual({ text: "äöü\n", truncated: false });
    expect(await output(bytes("äöü\n")).read(7)).toEqual({ text: "äöü\n", truncated: false });
    expect(await output(bytes("")).read(100)).toEqual({ text: "", truncated: false });
  });

  test("no more is read than is told", async () => {
    const { read, asked } = output(bytes("x".repeat(1_000)));
    expect(await read(10)).toEqual({ text: "x".repeat(10), truncated: true });
    expect(asked).toEqual([10]);
  });

  test("nothing is read for nothing", async () => {
    const { read, asked } = output(bytes("abc"));
    expect(await read(0)).toEqual({ text: "", truncated: true });
    expect(asked).toEqual([]);
  });

  test.each(["é", "€", "😀", "\u{10ffff}"])(
    "a cut before the end of %p leaves it out whole",
    async (character) => {
      const text = `ab${character}cd`;
      const length = bytes(character).byteLength;
      for (let cut = 0; cut < length; cut += 1) {
        expect(await output(bytes(text)).read(2 + cut)).toEqual({ text: "ab", truncated: true });
      }
      expect(await output(bytes(text)).read(2 + length)).toEqual({ text: `ab${character}`, truncated: true });
    },
  );

  test("an unfinished character at the end of all is replaced", async () => {
    expect(await output(bytes("ab€").subarray(0, 4)).read(100)).toEqual({
      text: "ab\ufffd",
      truncated: false,
    });
  });

  test("bytes that are no UTF-8 are replaced, and a cut among them is one", async () => {
    const noise = Uint8Array.of(0xff, 0x41, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0x42);
    const all = await output(noise).read(100);
    expect(all).toEqual({ text: new TextDecoder().decode(noise), truncated: false });
    expect(await output(noise).read(2)).toEqual({ text: "\ufffdA", truncated: true });
  });

  test("a byte order mark is kept", async () => {
    expect(await output(bytes("\ufeffa")).read(100)).toEqual({ text: "\ufeffa", truncated: false });
  });

  test("what is removed meanwhile to make room is told as missing, another failure as one", async () => {
    const read = (left: number | null) => {
      const sizes = [3, left];
      const broker = {
        outputBytes: () => sizes.shift(),
        readOutput: () => Promise.reject(new Error("no such file")),
      };
      const job = { id: "1", state: "running" };
      const asked = { stream: "stdout", mostBytes: 10 } as const;
      return readText(broker as unknown as Broker, job as unknown as Job, asked);
    };
    expect(await read(null)).toEqual({ text: "", truncated: true });
    await expect(read(3)).rejects.toThrow("no such file");
  });

  test("what was not kept is told", async () => {
    expect(await output(bytes("abc"), 4).read(100)).toEqual({ text: "abc", truncated: true });
    expect(await output(null, 4).read(100)).toEqual({ text: "", truncated: true });
    expect(await output(null, 0).read(100)).toEqual({ text: "", truncated: false });
  });
});

import { expect } from "bun:test";
import { program } from "../support/programs.ts";
import { allValues, bytesOf, expectBytes, numbered, textOf } from "./bytes.ts";
import type { Stage } from "./stage.ts";

/** What a command can read. */
export function stdin(stage: Stage): void {
  stage.behaviour("is empty and at its end when nothing is given", [], async () => {
    for (const command of [
      program("echo-stdin"),
      "printf '['; cat /dev/stdin; printf ']'",
      "printf '['; head -c 1; printf ']'",
      "printf '['; cat /proc/self/fd/0; printf ']'",
      "printf '['; while read line; do echo never; done; printf ']'",
    ]) {
      expect(textOf((await stage.run({ command })).told.stdout)).toBe("[]");
    }
  });

  stage.behaviour("is no terminal", [], async () => {
    const { told } = await stage.run({ command: "if [ -t 0 ]; then echo terminal; else echo none; fi" });
    expect(textOf(told.stdout)).toBe("none\n");
  });

  stage.behaviour("is what is given, byte for byte", ["stdin"], async () => {
    for (const given of [bytesOf(""), bytesOf("a"), bytesOf("no newline\nat the end"), allValues]) {
      expectBytes(stage, (await stage.run({ command: ["cat"], stdin: given })).told.stdout, given);
    }
  });

  stage.behaviour("can be opened by its names", ["stdin"], async () => {
    for (const name of ["/dev/stdin", "/proc/self/fd/0"]) {
      const { told } = await stage.run({ command: ["cat", name], stdin: allValues });
      expectBytes(stage, told.stdout, allValues);
    }
  });

  stage.behaviour("may be larger than any pipe", ["stdin"], async () => {
    const given = numbered(4 * 1024 * 1024);
    expectBytes(stage, (await stage.run({ command: ["cat"], stdin: given })).told.stdout, given);
  });

  stage.behaviour("that nobody reads does no harm", ["stdin"], async () => {
    const given = new Uint8Array(1024 * 1024);
    const { job } = await stage.run({ command: ["true"], stdin: given });
    expect(job.outcome).toMatchObject({ reason: "exited", code: 0 });
    const { told } = await stage.run({ command: "head -c 3; exit 0", stdin: bytesOf("abcdef") });
    expect(textOf(told.stdout)).toBe("abc");
  });

  stage.behaviour("is shared by the programs of a command, one after the other", ["stdin"], async () => {
    const { told } = await stage.run({
      command: 'read first; read second; echo "$second $first"; cat',
      stdin: bytesOf("one\ntwo\nthree\n"),
    });
    expect(textOf(told.stdout)).toBe("two one\nthree\n");
  });

  stage.behaviour("is each command's own", ["stdin"], async () => {
    const texts = Array.from({ length: 10 }, (_, index) => `input ${index}\n`.repeat(1_000));
    const runs = texts.map((text) => stage.run({ command: ["cat"], stdin: bytesOf(text) }));
    expect((await Promise.all(runs)).map(({ told }) => textOf(told.stdout))).toEqual(texts);
  });
}

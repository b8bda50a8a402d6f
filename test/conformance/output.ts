import { expect } from "bun:test";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { allValues, bytesOf, expectBytes, fileWith, numbered, textOf } from "./bytes.ts";
import { jobOf, type Stage } from "./stage.ts";

const mebibyte = 1024 * 1024;
/** Around what a pipe, a chunk and a block hold. */
const sizes = [
  ...[1, 15, 16, 17, 1_023, 4_095, 4_096, 4_097, 8_192, 16_383],
  ...[
    32_768,
    65_535,
    65_536,
    65_537,
    131_071,
    131_072,
    131_073,
    262_145,
    mebibyte - 1,
    mebibyte,
    mebibyte + 1,
  ],
];

/** What a command writes arrives whole and as it was written. */
export function output(stage: Stage): void {
  stage.behaviour("all 256 values arrive", [], async () => {
    const { told } = await stage.run({ command: ["cat", fileWith(stage, "values", allValues)] });
    expectBytes(stage, told.stdout, allValues);
    expect(told.whole).toBe(true);
  });

  stage.behaviour("all 256 values arrive on stderr", ["stderr"], async () => {
    const path = fileWith(stage, "values", allValues);
    const { told } = await stage.run({ command: ["sh", "-c", `cat "$0" >&2`, path] });
    expectBytes(stage, told.stderr, allValues);
    expect(told.stdout).toHaveLength(0);
  });

  stage.behaviour("characters of several bytes stay whole, wherever a chunk ends", [], async () => {
    const text = bytesOf("aé€😀".repeat(20_000));
    const { told } = await stage.run({ command: ["cat", fileWith(stage, "text", text)] });
    expectBytes(stage, told.stdout, text);
  });

  for (const ending of ["", "\n", "\r\n", "\n\n\n", "\r", " "]) {
    stage.behaviour(`an end of ${JSON.stringify(ending)} stays as it is`, [], async () => {
      const { told } = await stage.run({ command: ["printf", "%s", `first\nlast${ending}`] });
      expect(textOf(told.stdout)).toBe(`first\nlast${ending}`);
    });
  }

  stage.behaviour("nothing at all is nothing", [], async () => {
    const { told } = await stage.run({ command: ["true"] });
    expect([told.stdout.byteLength, told.stderr?.byteLength ?? 0, told.whole]).toEqual([0, 0, true]);
  });

  stage.behaviour(`the last bytes of a fast program arrive, of ${sizes.length} sizes`, [], async () => {
    const expected = numbered(mebibyte + 1);
    const path = fileWith(stage, "numbered", expected);
    for (const size of sizes) {
      const { told } = await stage.run({ command: ["head", "-c", String(size), path] });
      expectBytes(stage, told.stdout, expected.subarray(0, size));
    }
  });

  stage.behaviour("the last words of a second program arrive behind those of the first", [], async () => {
    const expected = numbered(100_000);
    const path = fileWith(stage, "two", expected);
    for (let turn = 0; turn < 10; turn += 1) {
      const { told } = await stage.run({ command: ["sh", "-c", `cat "$0"; printf end`, path] });
      expectBytes(stage, told.stdout, Buffer.concat([expected, bytesOf("end")]));
    }
  });

  stage.behaviour("8 MiB arrive", [], async () => {
    const { told } = await stage.run({ command: [program("print-bytes"), String(8 * mebibyte)] });
    expectBytes(stage, told.stdout, numbered(8 * mebibyte));
    expect(told.whole).toBe(true);
  });

  stage.behaviour("a grandchild that holds the pipe does not hang the answer, and lives on", [], async () => {
    const token = newToken();
    const { told } = await stage.run({ command: [program("hold-pipe"), token] });
    expect([textOf(told.stdout), told.whole]).toEqual(["done\n", true]);
    await untilLiving(token, 1);
  });

  stage.behaviour("a command that closes its output is waited for", [], async () => {
    const token = newToken();
    const gate = `${stage.home}/gate-${token}`;
    const { ended } = await stage.begin({ command: [program("close-output"), token, gate] });
    const { id } = await stage.running(token);
    fileWith(stage, `gate-${token}`, "");
    expect(textOf((await ended).stdout)).toBe("before\n");
    await untilGone(token);
    expect((await jobOf(stage.server, id)).outcome).toMatchObject({ reason: "exited", code: 7 });
  });
}

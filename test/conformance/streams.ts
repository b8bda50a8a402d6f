import { expect } from "bun:test";
import { expectBytes, fileWith, numbered, textOf } from "./bytes.ts";
import { jobOf, type Stage } from "./stage.ts";

const mebibyte = 1024 * 1024;
const pairs = 1_000;
/** Writes to both streams in turn; each write is one call, so the order is known. */
const alternate = `i=0; while [ "$i" -lt ${pairs} ]; do echo "out $i"; echo "err $i" >&2; i=$((i + 1)); done`;
const alternating = Array.from({ length: pairs }, (_, index) => `out ${index}\nerr ${index}\n`).join("");
const onlyOf = (word: string) => Array.from({ length: pairs }, (_, index) => `${word} ${index}\n`).join("");

/** stdout and stderr of a command: what they are, and what becomes of them. */
export function streams(stage: Stage): void {
  stage.behaviour("can be opened by their names", [], async () => {
    const command =
      "echo one > /dev/stdout; echo two >&2; echo three > /proc/self/fd/1; echo four >> /dev/stdout";
    const { told } = await stage.run({ command });
    expect(textOf(told.stdout)).toBe("one\nthree\nfour\n");
    if (stage.has("stderr")) expect(textOf(told.stderr)).toBe("two\n");
  });

  stage.behaviour("stderr can be opened by its name", [], async () => {
    const { told, job } = await stage.run({ command: "echo one > /dev/stderr; echo two > /proc/self/fd/2" });
    expect([told.stdout.byteLength, job.stderrTail]).toEqual([0, "one\ntwo\n"]);
  });

  stage.behaviour("are neither sockets nor a terminal, and nothing else is open", [], async () => {
    const command = "for n in 0 1 2; do [ -S /proc/$$/fd/$n ] || [ -t $n ] || echo $n; done; ls /proc/$$/fd";
    // The shell's own descriptors begin at 10.
    const { told } = await stage.run({ command: ["sh", "-c", command] });
    const open = textOf(told.stdout).trim().split("\n");
    expect(open.filter((number) => Number(number) < 10)).toEqual(["0", "1", "2", "0", "1", "2"]);
  });

  stage.behaviour("come apart", ["stderr"], async () => {
    const { told } = await stage.run({ command: alternate });
    expect([textOf(told.stdout), textOf(told.stderr)]).toEqual([onlyOf("out"), onlyOf("err")]);
  });

  stage.behaviour("8 MiB of stderr do not hold the command back", [], async () => {
    const { told, job } = await stage.run({ command: `head -c ${8 * mebibyte} /dev/zero >&2; echo done` });
    expect([textOf(told.stdout), job.stderr.bytes]).toEqual(["done\n", 8 * mebibyte]);
    if (stage.has("stderr")) expect(told.stderr).toHaveLength(8 * mebibyte);
  });

  stage.behaviour("merged by the shell keep the order of writing", [], async () => {
    const { told } = await stage.run({ command: `exec 2>&1; ${alternate}` });
    expect(textOf(told.stdout)).toBe(alternating);
  });

  stage.behaviour("merged by the server keep the order of writing", ["mergeOutput"], async () => {
    const { told, job } = await stage.run({ command: alternate, mergeOutput: true });
    expect(textOf(told.stdout)).toBe(alternating);
    expect([told.stderr?.byteLength ?? 0, job.stderr.bytes]).toEqual([0, 0]);
  });

  stage.behaviour("thrown away neither block nor count", ["discardOutput"], async () => {
    const command = `head -c ${8 * mebibyte} /dev/zero; head -c ${8 * mebibyte} /dev/zero >&2; exit 5`;
    const { told, job } = await stage.run({ command, discardOutput: true });
    expect([told.stdout.byteLength, told.stderr?.byteLength ?? 0]).toEqual([0, 0]);
    expect(job).toMatchObject({ outcome: { code: 5 }, stdout: { bytes: null }, stderr: { bytes: null } });
  });

  stage.behaviour("a reader that comes late misses nothing", [], async () => {
    const { jobId, ended } = await stage.begin({ command: `printf '%s' "$(seq 1 5000)"` });
    if (jobId !== null) await jobOf(stage.server, jobId);
    const expected = Array.from({ length: 5_000 }, (_, index) => String(index + 1)).join("\n");
    expect(textOf((await ended).stdout)).toBe(expected);
  });

  stage.behaviour("of two writers both arrive whole", [], async () => {
    const command = `{ seq -f 'a%06.0f' 1 9000 & seq -f 'b%06.0f' 1 9000 >&2; wait; }`;
    const { told, job } = await stage.run({ command });
    const lines = (letter: string) =>
      Array.from({ length: 9_000 }, (_, index) => `${letter}${String(index + 1).padStart(6, "0")}\n`).join(
        "",
      );
    expect(textOf(told.stdout)).toBe(lines("a"));
    expect(job.stderr.bytes).toBe(lines("b").length);
    if (stage.has("stderr")) expect(textOf(told.stderr)).toBe(lines("b"));
  });

  stage.behaviour("written in pieces, with pauses between, arrive whole", [], async () => {
    const expected = numbered(100_000);
    const path = fileWith(stage, "pieces", expected);
    const piece = `dd if="$0" bs=20000 skip="$i" count=1 2>/dev/null`;
    const command = `for i in 0 1 2 3 4; do ${piece}; sleep 0.02; done`;
    const { told } = await stage.run({ command: ["sh", "-c", command, path] });
    expectBytes(stage, told.stdout, expected);
  });
}

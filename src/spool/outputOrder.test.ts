import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ErrandError } from "../core/errors.ts";
import { fileNames } from "./layout.ts";
import { SharedOrder } from "./outputOrder.ts";

let folder: string;
let unused: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "errand-order-"));
  unused = 0;
  for (const name of ["stdout", "stderr", "timeline"] as const)
    writeFileSync(join(folder, fileNames[name]), "");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const order = () =>
  new SharedOrder(folder, {
    onUnused: () => {
      unused += 1;
    },
  });
const openFiles = () => readdirSync("/proc/self/fd").length;

function write(stream: "stdout" | "stderr", text: string): void {
  appendFileSync(join(folder, fileNames[stream]), text);
}

/** Notes bytes in the timeline; `torn` leaves out the record's last byte. */
function note(stream: "stdout" | "stderr", bytes: number, torn = false): void {
  const record = new BigUint64Array([0n, ((stream === "stdout" ? 1n : 2n) << 56n) | BigInt(bytes)]);
  const whole = new Uint8Array(record.buffer);
  appendFileSync(join(folder, fileNames.timeline), torn ? whole.subarray(0, 15) : whole);
}

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof ErrandError) return error.code;
    throw error;
  }
  return "none";
}

const begin = { stdout: 0, stderr: 0 };

describe("a reader", () => {
  test("sees what is noted, then what is not noted yet", () => {
    const reader = order().open();
    expect(reader.at(begin)).toBeNull();
    write("stdout", "abc");
    expect(reader.at(begin)).toEqual({ stream: "stdout", bytes: 3, complete: false });
    note("stdout", 3);
    write("stderr", "de");
    expect(reader.at(begin)).toEqual({ stream: "stdout", bytes: 3, complete: true });
    expect(reader.at({ stdout: 1, stderr: 0 })).toEqual({ stream: "stdout", bytes: 2, complete: true });
    expect(reader.at({ stdout: 3, stderr: 0 })).toEqual({ stream: "stderr", bytes: 2, complete: false });
    expect(reader.at({ stdout: 3, stderr: 2 })).toBeNull();
    write("stderr", "f");
    expect(reader.at({ stdout: 3, stderr: 2 })?.bytes).toBe(1);
    reader.close();
  });

  test("sees bytes that were never noted: first those of stdout", () => {
    write("stdout", "aaXX");
    write("stderr", "bYYY");
    note("stdout", 2);
    note("stderr", 1);
    note("stdout", 9, true);
    const reader = order().open();
    expect(reader.at({ stdout: 2, stderr: 1 })).toEqual({ stream: "stdout", bytes: 2, complete: false });
    expect(reader.at({ stdout: 4, stderr: 1 })).toEqual({ stream: "stderr", bytes: 3, complete: false });
    expect(reader.at({ stdout: 4, stderr: 4 })).toBeNull();
    // Any place among them may be one where somebody stopped while they came.
    expect(reader.at({ stdout: 2, stderr: 4 })).toEqual({ stream: "stdout", bytes: 2, complete: false });
    reader.close();
  });

  test.each([
    { stdout: 0, stderr: 1 },
    { stdout: 5, stderr: 0 },
    { stdout: 3, stderr: 3 },
    { stdout: 4, stderr: 2 },
    { stdout: 1e14, stderr: 1e14 },
  ])("refuses a place where the output never was: %p", (position) => {
    write("stdout", "abc");
    write("stderr", "de");
    note("stdout", 3);
    note("stderr", 2);
    const reader = order().open();
    expect(codeOf(() => reader.at(position))).toBe("invalid-parameter");
    reader.close();
  });

  test("reads bytes, fewer at the end", async () => {
    write("stdout", "0123456789");
    const reader = order().open();
    const read = async (offset: number, length: number) =>
      Buffer.from(await reader.read("stdout", offset, length)).toString();
    expect([await read(0, 4), await read(8, 4), await read(10, 4)]).toEqual(["0123", "89", ""]);
    reader.close();
  });

  test("shares a piece with those who read the same", async () => {
    write("stdout", "0123456789");
    const shared = order();
    const [one, two] = [shared.open(), shared.open()];
    const pieces = await Promise.all([one.read("stdout", 0, 5), two.read("stdout", 0, 5)]);
    expect(pieces[0]).toBe(pieces[1] as Uint8Array);
    expect(await two.read("stdout", 1, 5)).not.toBe(pieces[0] as Uint8Array);
    for (const reader of [one, two]) reader.close();
  });
});

describe("its files", () => {
  test("are open while somebody follows, and closed once", () => {
    const before = openFiles();
    const shared = order();
    const [one, two] = [shared.open(), shared.open()];
    expect(openFiles()).toBe(before + 3);
    one.close();
    one.close();
    expect([openFiles(), unused]).toEqual([before + 3, 0]);
    two.close();
    expect([openFiles(), unused]).toEqual([before, 1]);
  });

  test("are not left open when one is missing", () => {
    unlinkSync(join(folder, fileNames.timeline));
    const before = openFiles();
    expect(order).toThrow(expect.objectContaining({ code: "ENOENT" }));
    expect(openFiles()).toBe(before);
  });

  test("can be read to their end when they have been removed meanwhile", async () => {
    write("stdout", "abc");
    const reader = order().open();
    rmSync(folder, { recursive: true });
    expect(reader.at(begin)?.bytes).toBe(3);
    expect(Buffer.from(await reader.read("stdout", 0, 3)).toString()).toBe("abc");
    reader.close();
  });
});

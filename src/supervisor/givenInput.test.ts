import { afterEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { openGiven } from "./givenInput.ts";

const opened: number[] = [];
afterEach(() => {
  for (const descriptor of opened.splice(0)) closeSync(descriptor);
});

function open(bytes: Uint8Array): number {
  const descriptor = openGiven(bytes);
  opened.push(descriptor);
  return descriptor;
}

/** Reads from where the descriptor stands, as a program does. */
function readAll(descriptor: number): Buffer {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.alloc(64 * 1024);
    const count = readSync(descriptor, chunk);
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, count));
  }
}

describe("given input", () => {
  test.each([0, 1, 4_096, 4_097, 8_000_000])("of %d bytes is read from its start to its end", (length) => {
    const bytes = randomBytes(length);
    const descriptor = open(bytes);
    expect(fstatSync(descriptor).size).toBe(length);
    expect(readAll(descriptor).equals(bytes)).toBe(true);
    expect(readSync(descriptor, Buffer.alloc(1))).toBe(0);
  });

  test("that is part of a larger buffer is that part alone", () => {
    const bytes = Buffer.from("0123456789");
    expect(readAll(open(bytes.subarray(3, 6))).toString()).toBe("345");
  });

  test("is read by a child, also by name", async () => {
    const bytes = randomBytes(100_000);
    for (const command of [["cat"], ["cat", "/dev/stdin"], ["cat", "/proc/self/fd/0"]]) {
      const child = Bun.spawn(command, { stdin: open(bytes), stdout: "pipe" });
      expect(Buffer.from(await child.stdout.bytes()).equals(bytes)).toBe(true);
      expect(await child.exited).toBe(0);
    }
  });

  test("has no name that anybody could open", () => {
    expect(readlinkSync(`/proc/self/fd/${open(Buffer.from("secret"))}`)).toEndWith("(deleted)");
  });

  test("of many is each its own", () => {
    const descriptors = Array.from({ length: 50 }, (_, index) => open(Buffer.from(`number ${index}`)));
    const said = descriptors.map((descriptor) => readAll(descriptor).toString());
    expect(said).toEqual(descriptors.map((_, index) => `number ${index}`));
  });

  test("takes one descriptor, which is closed on execution unless it is handed on", () => {
    const before = readdirSync("/proc/self/fd").length;
    const descriptor = open(Buffer.from("x"));
    expect(readdirSync("/proc/self/fd").length).toBe(before + 1);
    const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"))?.[1];
    const closeOnExec = 0o2000000;
    expect(Number.parseInt(flags ?? "0", 8) & closeOnExec).toBe(closeOnExec);
  });
});

import { afterAll, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Output } from "./output.ts";

const folder = mkdtempSync(join(tmpdir(), "errand-output-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("what is written at once comes in its order, whole", async () => {
  const path = join(folder, "file");
  const descriptor = openSync(path, "w");
  const output = new Output(descriptor);
  const pieces = Array.from({ length: 200 }, (_, index) => `${index} ${"x".repeat(index * 100)}\n`);
  await Promise.all(pieces.map((piece) => output.write(piece)));
  await output.write(Uint8Array.of(0, 255, 128));
  closeSync(descriptor);
  expect(
    readFileSync(path).equals(Buffer.concat([Buffer.from(pieces.join("")), Buffer.from([0, 255, 128])])),
  ).toBe(true);
});

test("a failure is told to who wrote, and the next one tries for himself", async () => {
  const output = new Output(openSync("/dev/full", "w"));
  await expect(output.write("x")).rejects.toThrow("ENOSPC");
  await expect(output.write("x")).rejects.toThrow("ENOSPC");
});

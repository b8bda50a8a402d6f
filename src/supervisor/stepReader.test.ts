import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeSync } from "node:fs";
import { OutputPipe } from "./outputPipe.ts";

let pipe: OutputPipe;
beforeEach(() => {
  pipe = new OutputPipe(7);
});
afterEach(() => pipe.close());

const text = (chunk: Uint8Array | null) => (chunk === null ? null : Buffer.from(chunk).toString());

test("no read brings more than its size, and all comes", async () => {
  const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, index) => index & 0xff));
  writeSync(pipe.writeEnd, bytes);
  pipe.closeWriteEnd();
  const chunks: Uint8Array[] = [];
  for (let chunk = await pipe.read(); chunk !== null; chunk = await pipe.read()) chunks.push(chunk);
  expect(Buffer.concat(chunks)).toEqual(bytes);
  expect([chunks.length, Math.max(...chunks.map(({ byteLength }) => byteLength))]).toEqual([143, 7]);
  expect(pipe.bytes).toBe(1_000);
});

test("an empty pipe is waited for", async () => {
  const reading = pipe.read();
  await Bun.sleep(30);
  writeSync(pipe.writeEnd, "late");
  expect(text(await reading)).toBe("late");
});

test("an interrupt ends the waiting, and the pipe can be read again", async () => {
  const reading = pipe.read();
  pipe.interrupt();
  expect(await reading).toBeNull();
  writeSync(pipe.writeEnd, "more");
  expect(text(await pipe.read())).toBe("more");
});

test("what is collected at once comes in the same steps", () => {
  writeSync(pipe.writeEnd, "0123456789");
  expect([text(pipe.collect().chunk), text(pipe.collect().chunk)]).toEqual(["0123456", "789"]);
});

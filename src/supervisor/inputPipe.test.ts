import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, readSync } from "node:fs";
import { until, within } from "../../test/support/wait.ts";
import { ErrandError } from "../core/errors.ts";
import { InputPipe } from "./inputPipe.ts";

const mebibyte = 1024 * 1024;
const children: Bun.Subprocess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
});

/** A command that reads from the pipe. */
function feed(pipe: InputPipe, script: string) {
  const child = Bun.spawn(["sh", "-c", script], { stdin: pipe.readEnd, stdout: "pipe" });
  children.push(child);
  pipe.closeReadEnd();
  return child;
}

async function codeOf(promise: Promise<void>): Promise<string> {
  try {
    await within(promise);
  } catch (error) {
    if (error instanceof ErrandError) return error.code;
    throw error;
  }
  return "none";
}

const openFiles = () => readdirSync("/proc/self/fd").length;

describe("what is written", () => {
  test("comes to the command, in order, and its close is the end", async () => {
    const pipe = new InputPipe();
    const child = feed(pipe, "cat");
    await pipe.write(Buffer.from("one "));
    await pipe.write(Buffer.from("two"));
    expect([pipe.bytes, pipe.closed]).toEqual([7, false]);
    pipe.close();
    expect([await within(child.stdout.text()), pipe.closed]).toEqual(["one two", true]);
  });

  test("is more than the pipe holds, and nothing of it is lost", async () => {
    const pipe = new InputPipe();
    const child = feed(pipe, "sleep 0.1; wc -c");
    const bytes = new Uint8Array(5 * mebibyte);
    await within(pipe.write(bytes));
    expect(pipe.bytes).toBe(bytes.length);
    pipe.close();
    expect(Number(await within(child.stdout.text()))).toBe(bytes.length);
  });

  test("may be closed at once behind it", async () => {
    const pipe = new InputPipe();
    const child = feed(pipe, "cat");
    await pipe.write(new Uint8Array(60_000));
    pipe.close();
    expect((await within(child.stdout.bytes())).length).toBe(60_000);
  });
});

describe("a command that does not read", () => {
  test("holds the writer back until it does", async () => {
    const pipe = new InputPipe();
    let written = false;
    const writing = pipe.write(new Uint8Array(mebibyte)).then(() => {
      written = true;
    });
    const sink = new Uint8Array(64 * 1024);
    let read = readSync(pipe.readEnd, sink);
    expect([written, pipe.bytes]).toEqual([false, 0]);
    while (read < mebibyte) {
      await Bun.sleep(0);
      read += readSync(pipe.readEnd, sink);
    }
    await within(writing);
    expect([written, pipe.bytes]).toEqual([true, mebibyte]);
    pipe.close();
  });

  test("and ends: who writes is told, at once", async () => {
    const pipe = new InputPipe();
    const child = feed(pipe, "sleep 0.05");
    expect(await codeOf(pipe.write(new Uint8Array(mebibyte)))).toBe("stdin-closed");
    expect(pipe.closed).toBe(true);
    await child.exited;
  });

  test("and is closed meanwhile from here: who writes is told", async () => {
    const pipe = new InputPipe();
    const writing = codeOf(pipe.write(new Uint8Array(mebibyte)));
    pipe.close();
    expect(await writing).toBe("stdin-closed");
  });
});

describe("a closed pipe", () => {
  test("takes nothing, and can be closed again", async () => {
    const pipe = new InputPipe();
    pipe.close();
    pipe.close();
    expect(await codeOf(pipe.write(Buffer.from("x")))).toBe("stdin-closed");
    expect(pipe.bytes).toBe(0);
  });

  test("of a command that has closed its end tells so at the next write", async () => {
    const pipe = new InputPipe();
    const child = feed(pipe, "exec <&-; echo closed; sleep 10");
    const reader = child.stdout.getReader();
    await within(reader.read());
    expect([await codeOf(pipe.write(Buffer.from("x"))), pipe.closed]).toEqual(["stdin-closed", true]);
  });

  test("leaves nothing open", async () => {
    const warm = new InputPipe();
    warm.close();
    const before = openFiles();
    for (let turn = 0; turn < 20; turn += 1) {
      const pipe = new InputPipe();
      if (turn % 2 === 0) await pipe.write(Buffer.from("x"));
      pipe.close();
    }
    await until(() => openFiles() <= before, { describe: "all descriptors to be closed" });
  });
});

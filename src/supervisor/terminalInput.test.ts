import { afterEach, describe, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { JobTerminal } from "./terminal.ts";
import { openTerminalSide } from "./terminalSide.ts";

const open: { terminal: JobTerminal; child: Bun.Subprocess }[] = [];
afterEach(async () => {
  for (const { terminal, child } of open.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
    terminal.close();
  }
});

/** A command at a terminal that changes nothing of what is typed; it has said `ready`. */
async function at(script: string): Promise<JobTerminal> {
  const lowest = openSync("/dev/null", "r");
  closeSync(lowest);
  const terminal = new JobTerminal();
  const cmd = ["/bin/sh", "-c", `stty raw -echo; echo ready; ${script}`];
  const child = Bun.spawn({ cmd, detached: true, terminal: terminal.options({ cols: 80, rows: 24 }) });
  if (child.terminal === undefined) throw new Error("no terminal");
  const side = openTerminalSide(child.pid, lowest);
  expect(side).not.toBeNull();
  terminal.bind(child.terminal, side);
  open.push({ terminal, child });
  expect(Buffer.from((await terminal.read()) ?? []).toString()).toBe("ready\n");
  return terminal;
}

async function all(terminal: JobTerminal): Promise<string> {
  let said = "";
  for (let chunk = await terminal.read(); chunk !== null; chunk = await terminal.read())
    said += Buffer.from(chunk).toString();
  return said;
}

describe("a write resolves when the terminal has taken it:", () => {
  // Around what the kernel takes at once, the runtime's own word for it does not always come.
  test.each([1, 4_095, 4_096, 5_000, 8_192, 10_000, 16_384, 65_536, 300_000])("%d bytes", async (bytes) => {
    const terminal = await at(`head -c ${bytes} | wc -c`);
    await terminal.input.write(Buffer.alloc(bytes, "a"), "me");
    expect([terminal.input.bytes, terminal.input.bytesFrom("me")]).toEqual([bytes, bytes]);
    expect((await all(terminal)).trim()).toBe(String(bytes));
  });
});

test("writes come one after the other, whatever their size", async () => {
  const terminal = await at("head -c 60030 | md5sum");
  const parts = [20_000, 10, 30_000, 20, 10_000].map((size, index) => Buffer.alloc(size, `${index}`));
  await Promise.all(parts.map((part) => terminal.input.write(part)));
  const digest = new Bun.CryptoHasher("md5").update(Buffer.concat(parts)).digest("hex");
  expect(await all(terminal)).toBe(`${digest}  -\n`);
});

test("one that nobody takes waits, without holding up the rest, and fails at the end", async () => {
  const terminal = await at("exec sleep 60");
  const writing = terminal.input.write(Buffer.alloc(200_000), "me");
  expect(await Promise.race([writing.then(() => "taken"), Bun.sleep(100).then(() => "waits")])).toBe("waits");
  const taken = terminal.input.bytesFrom("me");
  expect(taken).toBeGreaterThan(0);
  expect(taken).toBeLessThan(100_000);
  terminal.input.end();
  await expect(writing).rejects.toMatchObject({ code: "stdin-closed" });
  await expect(terminal.input.write(Buffer.of(1))).rejects.toMatchObject({ code: "stdin-closed" });
});

test("ends that nobody takes do not pile up", async () => {
  const terminal = await at("head -c 302000 | tr -d a | wc -c");
  const first = terminal.input.write(Buffer.alloc(300_000, "a"));
  for (let number = 0; number < 10_000; number += 1) terminal.input.close();
  await Promise.all([first, terminal.input.write(Buffer.alloc(1_000, "a"))]);
  expect((await all(terminal)).trim()).toBe("1000");
});

test("its end is the end of file, and more may follow", async () => {
  const terminal = await at("stty icanon; echo set; cat; echo between; cat");
  expect(Buffer.from((await terminal.read()) ?? []).toString()).toBe("set\n");
  await terminal.input.write(Buffer.from("one\n"));
  terminal.input.close();
  await terminal.input.write(Buffer.from("two\n"));
  terminal.input.close();
  expect(await all(terminal)).toBe("one\nbetween\ntwo\n");
  expect(terminal.input.bytes).toBe(8);
});

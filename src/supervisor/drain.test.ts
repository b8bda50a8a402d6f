import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeSync } from "node:fs";
import { DrainedPipe } from "./drain.ts";
import { OutputPipe } from "./outputPipe.ts";

let pipe: OutputPipe;
beforeEach(() => {
  pipe = new OutputPipe();
});
afterEach(() => pipe.close());

const text = (chunk: Uint8Array | null) => (chunk === null ? null : Buffer.from(chunk).toString());

/** Reads to the end; what came, and after how many milliseconds. */
async function readAll(drained: DrainedPipe): Promise<{ said: string; milliseconds: number }> {
  const before = performance.now();
  let said = "";
  for (let chunk = await drained.read(); chunk !== null; chunk = await drained.read()) said += text(chunk);
  return { said, milliseconds: performance.now() - before };
}

describe("before the leader's exit", () => {
  test("a silent pipe is waited for, however long", async () => {
    const drained = new DrainedPipe(pipe, { drainIdleSeconds: 0.01, drainMaxSeconds: 0.02 });
    const reading = drained.read();
    // Longer than both times together: they must not have begun.
    await Bun.sleep(80);
    writeSync(pipe.writeEnd, "late");
    expect([text(await reading), drained.held]).toEqual(["late", false]);
  });

  test("the end is the writers' end", async () => {
    const drained = new DrainedPipe(pipe, { drainIdleSeconds: 5, drainMaxSeconds: 5 });
    writeSync(pipe.writeEnd, "all");
    pipe.closeWriteEnd();
    expect(await readAll(drained)).toMatchObject({ said: "all" });
    expect(drained.held).toBe(false);
  });
});

describe("after the leader's exit", () => {
  test("a pipe that nobody holds gives all and ends", async () => {
    const drained = new DrainedPipe(pipe, { drainIdleSeconds: 5, drainMaxSeconds: 5 });
    writeSync(pipe.writeEnd, "all");
    pipe.closeWriteEnd();
    drained.leaderExited();
    expect(await readAll(drained)).toMatchObject({ said: "all" });
    expect(drained.held).toBe(false);
  });

  test("a pipe that is held and silent ends after the idle time, with all that was in it", async () => {
    const drained = new DrainedPipe(pipe, { drainIdleSeconds: 0.05, drainMaxSeconds: 5 });
    writeSync(pipe.writeEnd, "before");
    drained.leaderExited();
    const { said, milliseconds } = await readAll(drained);
    expect([said, drained.held]).toEqual(["before", true]);
    expect(milliseconds).toBeGreaterThanOrEqual(49);
    expect(milliseconds).toBeLessThan(4_000);
  });

  test("a read that already waits is ended, too", async () => {
    const drained = new DrainedPipe(pipe, { drainIdleSeconds: 0.02, drainMaxSeconds: 5 });
    const reading = drained.read();
    drained.leaderExited();
    expect([await reading, drained.held]).toEqual([null, true]);
    expect(await drained.read()).toBeNull();
  });

  test("a pipe that is written to for ever ends after the longest time", async () => {
    const drained = new DrainedPipe(pipe, { drainIdleSeconds: 1, drainMaxSeconds: 0.2 });
    const writer = setInterval(() => writeSync(pipe.writeEnd, "."), 2);
    try {
      drained.leaderExited();
      const { said, milliseconds } = await readAll(drained);
      expect([said.length > 0, drained.held]).toEqual([true, true]);
      expect(milliseconds).toBeGreaterThanOrEqual(199);
      expect(milliseconds).toBeLessThan(5_000);
    } finally {
      clearInterval(writer);
    }
  });

  test("time in which nobody reads does not count, so a slow reader loses nothing", async () => {
    const drained = new DrainedPipe(pipe, { drainIdleSeconds: 0.02, drainMaxSeconds: 0.05 });
    const all = "0123456789abcdef".repeat(4_000);
    writeSync(pipe.writeEnd, all);
    drained.leaderExited();
    let said = "";
    for (let turn = 0; said.length < all.length; turn += 1) {
      // The first readings are late by more than the whole drain time.
      if (turn < 2) await Bun.sleep(100);
      const chunk = await drained.read();
      if (chunk === null) break;
      said += text(chunk);
    }
    expect(said === all).toBe(true);
    expect([await drained.read(), drained.held]).toEqual([null, true]);
  });
});

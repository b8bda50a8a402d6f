import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../test/support/wait.ts";
import { firstContents } from "./firstContents.ts";
import { type FileName, fileNames } from "./layout.ts";
import { ReadyDirectories } from "./readyDirectories.ts";

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "errand-ready-"));
  mkdirSync(join(data, "jobs"));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

const place = () => join(data, "ready");
const job = (name: string) => join(data, "jobs", name);
const whole = () =>
  readdirSync(place()).filter(
    (name) => readdirSync(join(place(), name)).length === Object.keys(fileNames).length,
  );
const untilReady = (count: number) =>
  until(() => whole().length === count && readdirSync(place()).length === count, {
    describe: `${count} ready ones`,
  });

describe("ready directories", () => {
  test("are made after the first one was asked for, and again for each that is taken", async () => {
    const ready = new ReadyDirectories(place());
    expect([ready.take(job("a")), existsSync(job("a"))]).toEqual([false, false]);
    await untilReady(4);
    expect(ready.take(job("b"))).toBe(true);
    await untilReady(4);
  });

  test("have the files of a job, for nobody else to read", async () => {
    const ready = new ReadyDirectories(place());
    ready.take(job("a"));
    await untilReady(4);
    ready.take(job("b"));
    expect(readdirSync(job("b")).sort()).toEqual(Object.values<string>(fileNames).sort());
    expect(statSync(job("b")).mode & 0o777).toBe(0o700);
    for (const name of Object.keys(fileNames) as FileName[]) {
      const path = join(job("b"), fileNames[name]);
      expect(readFileSync(path).equals(firstContents[name] ?? Buffer.alloc(0))).toBe(true);
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }
  });

  test("run out in a burst, which makes its own", async () => {
    const ready = new ReadyDirectories(place());
    ready.take(job("first"));
    await untilReady(4);
    const taken = Array.from({ length: 10 }, (_, index) => ready.take(job(String(index))));
    // The last file of the fourth one can be seen before its maker hears of it.
    const found = Math.max(3, taken.indexOf(false));
    expect(found).toBeLessThanOrEqual(4);
    expect(taken).toEqual(taken.map((_, index) => index < found));
  });

  test("of an earlier server are removed", async () => {
    new ReadyDirectories(place()).take(job("a"));
    await untilReady(4);
    const next = new ReadyDirectories(place());
    expect([readdirSync(place()), next.take(job("b"))]).toEqual([[], false]);
  });

  test("that have gone are not given out", async () => {
    const ready = new ReadyDirectories(place());
    ready.take(job("a"));
    await untilReady(4);
    for (const name of readdirSync(place())) rmSync(join(place(), name), { recursive: true });
    expect([ready.take(job("b")), existsSync(job("b"))]).toEqual([false, false]);
  });
});

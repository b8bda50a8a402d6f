import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identify, isAlive } from "./identity.ts";
import { abandonJob, claimJob, noteFailure, readShimRecord } from "./shimRecord.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "errand-shim-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const mark = 2n ** 61n + 12_345n;

describe("a job", () => {
  test("is claimed by one alone, with who that is and its mark", () => {
    expect(readShimRecord(directory)).toBeNull();
    expect(claimJob(directory, mark)).toBe(true);
    expect(claimJob(directory, mark + 1n)).toBe(false);
    expect(abandonJob(directory)).toBe(false);
    expect(readShimRecord(directory)).toEqual({
      version: 1,
      state: "claimed",
      mark: mark.toString(),
      shim: identify(process.pid),
    });
    expect([readdirSync(directory), statSync(join(directory, "shim.json")).mode & 0o777]).toEqual([
      ["shim.json"],
      0o600,
    ]);
  });

  test("that was given up cannot be claimed", () => {
    expect(abandonJob(directory)).toBe(true);
    expect(claimJob(directory, mark)).toBe(false);
    expect(readShimRecord(directory)).toMatchObject({ state: "abandoned" });
  });

  test("that could not be started says why", () => {
    claimJob(directory, mark);
    noteFailure(directory, "no such program");
    expect(readShimRecord(directory)).toMatchObject({ state: "failed", failure: "no such program" });
    expect(readdirSync(directory)).toEqual(["shim.json"]);
  });

  test.each(["", "{", '{"version":2,"state":"claimed"}', "null"])("with the record %j has none", (text) => {
    writeFileSync(join(directory, "shim.json"), text);
    expect(readShimRecord(directory)).toBeNull();
  });
});

test("a process is alive while it is itself", () => {
  const identity = identify(process.pid);
  expect(isAlive(identity)).toBe(true);
  // Somebody else of that number, or of another boot.
  expect(isAlive({ ...identity, startTicks: (identity.startTicks ?? 0) + 1 })).toBe(false);
  expect(isAlive({ ...identity, bootId: "another" })).toBe(false);
  // No number is as large.
  expect(isAlive({ ...identity, pid: 2 ** 31 - 2 })).toBe(false);
  expect(isAlive({ ...identify(2 ** 31 - 2) })).toBe(false);
});

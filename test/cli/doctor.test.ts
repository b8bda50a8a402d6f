// What a host offers, without a server.

import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { startCommand } from "../support/command.ts";
import { endEverything, errandProgram } from "../support/server.ts";
import { startCli } from "./support/cli.ts";

afterAll(endEverything);

interface Report {
  ok: boolean;
  host: { name: string; verdict: string; found: string; means: string | null }[];
  promises: { promise: string; kept: string; because: string[] }[];
}

async function doctor(...args: string[]) {
  const { code, stdout, stderr } = await startCli(["doctor", "--json", ...args]).ended;
  const report: Report = JSON.parse(stdout);
  const find = (name: string) => report.host.find((one) => one.name === name);
  return { code, stderr, report, find };
}

test("tells all that it has looked at, and what it means for each promise", async () => {
  const { code, stderr, report } = await doctor();
  expect([code, stderr, report.ok]).toEqual([0, "", true]);
  const names = report.host.map(({ name }) => name);
  expect(names.slice(0, 4)).toEqual(["system", "user", "marks", "process table"]);
  expect(names).toEqual(
    expect.arrayContaining(["control groups", "open files", "processes", "file system", "free space"]),
  );
  for (const { verdict } of report.host) expect(["good", "note", "weak", "bad"]).toContain(verdict);
  expect(report.promises.length).toBeGreaterThan(5);
});

test("is a table for people", async () => {
  const { code, stdout } = await startCli(["doctor"]).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/^This host$/m);
  expect(stdout).toMatch(/^ {2}ok +marks/m);
  expect(stdout).toMatch(/^ {2}kept +a stop ends the whole tree$/m);
  expect(stdout).not.toContain("\t");
});

describe("says what is wrong:", () => {
  test("others can write to the data directory", async () => {
    const data = join(temporaryDirectory(), "data");
    mkdirSync(data);
    chmodSync(data, 0o777);
    const { code, report, find } = await doctor("--data", data);
    expect([code, report.ok]).toEqual([1, false]);
    expect(find("data directory")).toMatchObject({
      verdict: "bad",
      found: data,
      means: expect.stringContaining("chmod go-w"),
    });
    expect(report.promises.find(({ promise }) => promise === "a server starts")?.kept).toBe("no");
  });

  test("the data directory is a link or a file", async () => {
    const folder = temporaryDirectory();
    symlinkSync("/", join(folder, "link"));
    writeFileSync(join(folder, "file"), "");
    for (const name of ["link", "file", "file/below"]) {
      const { code, find } = await doctor("--data", join(folder, name));
      expect([code, find("data directory")?.verdict]).toEqual([1, "bad"]);
    }
  });

  test("the configuration cannot be used", async () => {
    const file = join(temporaryDirectory(), "errand.toml");
    writeFileSync(file, "[sever]\n");
    const { code, find } = await doctor("--config", file);
    expect([code, find("settings")?.verdict]).toEqual([1, "bad"]);
    expect(find("settings")?.found).toContain('"server"');
  });

  test("there is less room than the settings want", async () => {
    const file = join(temporaryDirectory(), "errand.toml");
    writeFileSync(file, "[limits]\ndataBytes = 1125899906842624\n");
    const { code, find } = await doctor("--config", file);
    expect([code, find("free space")?.verdict]).toEqual([0, "weak"]);
  });

  test("marks cannot be set, descriptors are few", async () => {
    const limited = ["prlimit", "--rttime=5000000:5000000", "--nofile=256:256"];
    const { result } = startCommand([...limited, errandProgram, "doctor", "--json"]);
    const { code, stdout } = await result;
    const { host, promises }: Report = JSON.parse(stdout);
    const weak = host.filter(({ verdict }) => verdict === "weak").map(({ name }) => name);
    expect([code, weak]).toEqual([0, expect.arrayContaining(["marks", "open files"])]);
    const tree = promises.find(({ promise }) => promise === "a stop ends the whole tree");
    expect([tree?.kept, tree?.because[0]]).toEqual(["partly", expect.stringContaining("setsid")]);
  });
});

test("leaves nothing behind", async () => {
  const data = join(temporaryDirectory(), "not", "there");
  const { find } = await doctor("--data", data);
  expect(find("data directory")?.found).toContain("to be made in");
  expect(await Bun.file(data).exists()).toBe(false);
});

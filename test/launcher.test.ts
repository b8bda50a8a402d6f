// bin/errand, started in every way that people start it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import manifest from "../package.json" with { type: "json" };

const checkout = join(import.meta.dir, "..");
const launcher = join(checkout, "bin/errand");
const version = { code: 0, stdout: expect.stringContaining(manifest.version), stderr: "" };

// The space in its name is part of every test.
let folder = "";
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "errand launcher ")));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Start {
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

async function start(program: string, { args = ["--version"], cwd = folder, env = {} }: Start = {}) {
  const child = Bun.spawn([program, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
    stdin: "ignore",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr, pid: child.pid };
}

/** Makes a link, and the folders that lead to it. */
function link(path: string, target: string): string {
  const place = join(folder, path);
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(target, place);
  return place;
}

/** Makes every dependency of the checkout reachable from the folder, as an installation has them. */
function linkDependencies(place: string): void {
  for (const name of readdirSync(join(checkout, "node_modules"))) {
    if (!name.startsWith(".")) link(join(place, "node_modules", name), join(checkout, "node_modules", name));
  }
}

/** Copies the launcher, with a program in place of the server that shows what reaches it. */
async function copyWithProbe(name: string): Promise<string> {
  for (const part of ["bin", "scripts"])
    cpSync(join(checkout, part), join(folder, name, part), { recursive: true });
  const program =
    "console.log(JSON.stringify({ args: process.argv.slice(2), env: process.env, pid: process.pid }));";
  await Bun.write(
    join(folder, name, "src/main.ts"),
    `${program}\nprocess.exit(Number(process.env.CODE ?? 0));`,
  );
  return join(folder, name, "bin/errand");
}

describe("errand --version", () => {
  test("from the checkout", async () => {
    expect(await start("bin/errand", { cwd: checkout })).toMatchObject(version);
  });

  test("from another folder", async () => {
    expect(await start(launcher)).toMatchObject(version);
    expect(await start(relative(folder, launcher))).toMatchObject(version);
  });

  test("through an absolute and a relative link", async () => {
    expect(await start(link("absolute", launcher))).toMatchObject(version);
    link("links/relative", relative(join(folder, "links"), launcher));
    expect(await start("links/relative")).toMatchObject(version);
    expect(await start("./relative", { cwd: join(folder, "links") })).toMatchObject(version);
  });

  test("through a chain of links, one of them a folder", async () => {
    link("chain/last", launcher);
    link("chain/folder", ".");
    link("chain/middle", "folder/last");
    const first = link("other/first", "../chain/middle");
    expect(await start(first)).toMatchObject(version);
  });

  test("by name, found in PATH", async () => {
    link("path/errand", launcher);
    const env = { PATH: `${join(folder, "path")}:${process.env.PATH}` };
    expect(await start("/bin/sh", { args: ["-c", "errand --version"], env })).toMatchObject(version);
  });

  test("from an installed package, which has the packed files only", async () => {
    // The list is npm's own; nothing is asked of the network.
    const pack = Bun.spawnSync(["npm", "pack", "--dry-run", "--json", "--ignore-scripts", "--offline"], {
      cwd: checkout,
      stderr: "ignore",
    });
    const packed: [{ files: { path: string }[] }] = JSON.parse(pack.stdout.toString());
    const files = packed[0].files.map(({ path }) => path);
    expect(files).toContain("bin/errand");
    for (const path of files) cpSync(join(checkout, path), join(folder, "app/node_modules/errand", path));
    linkDependencies("app");
    const command = link("app/node_modules/.bin/errand", "../errand/bin/errand");
    expect(await start(command)).toMatchObject(version);
    expect(await start("node_modules/.bin/errand", { cwd: join(folder, "app") })).toMatchObject(version);
  }, 30_000);
});

describe("the launcher", () => {
  let probe = "";
  beforeAll(async () => {
    probe = await copyWithProbe("probe");
    linkDependencies("probe");
  });

  test("passes arguments as they are, and the exit code; no process stands between", async () => {
    const args = ["serve", "a b", "", "*", "$HOME", "--config=x", "--", "-e", "é\n"];
    const { code, stdout, pid } = await start(probe, { args, env: { CODE: "42" } });
    expect(code).toBe(42);
    expect(JSON.parse(stdout)).toMatchObject({ args, pid });
  });

  test("ignores what lies in the current folder and in the home folder", async () => {
    const hostile = join(folder, "hostile");
    const main = join(dirname(probe), "../src/main.ts");
    await Bun.write(join(hostile, "evil.ts"), 'console.log("evil");');
    const settings = `preload = [${JSON.stringify(join(hostile, "evil.ts"))}]\n`;
    for (const name of ["bunfig.toml", ".bunfig.toml"]) await Bun.write(join(hostile, name), settings);
    for (const name of [".env", ".env.local", ".env.development", ".env.production"]) {
      await Bun.write(join(hostile, name), "EVIL=1\nCODE=66\n");
    }
    const hosts = { HOME: hostile, XDG_CONFIG_HOME: hostile };
    // Without the launcher these files do their harm.
    const harmed = await start(process.execPath, { args: [main], cwd: hostile, env: hosts });
    expect(harmed).toMatchObject({ code: 66, stdout: expect.stringMatching(/^evil\n.*"EVIL":"1"/) });
    const { code, stdout } = await start(probe, { cwd: hostile, env: hosts });
    expect(code).toBe(0);
    expect(JSON.parse(stdout).env).not.toHaveProperty("EVIL");
    expect(await start(launcher, { cwd: hostile, env: hosts })).toMatchObject(version);
  });

  test("ignores variables that would change the runtime", async () => {
    const evil = join(folder, "preload.ts");
    await Bun.write(evil, 'console.log("evil");');
    const env = {
      BUN_OPTIONS: `--preload=${evil}`,
      BUN_BE_BUN: "1",
      NODE_OPTIONS: `--require=${evil}`,
      CDPATH: "/",
    };
    const { stdout } = await start(probe, { env });
    const seen = JSON.parse(stdout).env;
    for (const name of ["BUN_OPTIONS", "BUN_BE_BUN", "NODE_OPTIONS"]) expect(seen).not.toHaveProperty(name);
  });

  test("tells the limit of open files that was in force, which the runtime raises", async () => {
    const { stdout } = await start("/bin/sh", { args: ["-c", 'ulimit -Sn 200; exec "$0"', probe] });
    expect(JSON.parse(stdout).env).toMatchObject({ ERRAND_SOFT_OPEN_FILES: "200" });
  });

  test("says clearly that there is no runtime", async () => {
    const { code, stdout, stderr } = await start(await copyWithProbe("bare"));
    expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
    expect(stderr).toMatch(/^errand: no Bun runtime found for .*: run 'npm ci' in /);
    expect(stderr).toContain(join(folder, "bare"));
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  test("takes a runtime that can be executed only", async () => {
    const broken = await copyWithProbe("broken");
    const binary = join(folder, "broken/node_modules/bun/bin/bun.exe");
    await Bun.write(binary, "not a program");
    chmodSync(binary, 0o644);
    expect(await start(broken)).toMatchObject({ code: 125 });
  });
});

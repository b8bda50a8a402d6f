// Contract rexec, "Request": what is executed, where, and with which arguments and environment.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { run, start } from "../support/jobs.ts";
import { programsFolder } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

let server: Server;
let home: string;
beforeAll(async () => {
  home = temporaryDirectory("home");
  mkdirSync(join(home, "below"));
  writeFileSync(join(home, "below", "file"), "found\n");
  script(join(home, "below", "named"), "echo from below");
  server = await startServer({
    cwd: home,
    env: { ONLY_OF_THE_SERVER: "secret" },
    config: '[environment]\nPATH = "/usr/local/bin:/usr/bin:/bin"\nFROM_THE_OPERATOR = "yes"\n',
  });
});
afterAll(endEverything);

function script(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\n${line}\n`);
  chmodSync(path, 0o755);
}

async function output(command: readonly string[], more = {}): Promise<string> {
  return (await run(server, command, more)).text;
}

async function environment(envs: Record<string, string> = {}): Promise<string[]> {
  const text = await output(["env", "-0"], { envs });
  return text.split("\0").slice(0, -1).sort();
}

describe("the examples of the first system", () => {
  test("du -h -c", async () => {
    expect(await output(["du", "-h", "-c"], { cwd: join(home, "below") })).toMatch(/\ttotal\n$/);
  });

  test('sh -c "ls -rtl" with envs', async () => {
    const envs = { FIRST: "1", SECOND: "two words" };
    expect(
      await output(["sh", "-c", 'ls -rtl; echo "$FIRST $SECOND"'], { cwd: join(home, "below"), envs }),
    ).toMatch(/^total \d+\n(?:.*\n)*.* file\n(?:.*\n)*1 two words\n$/);
  });
});

describe("program", () => {
  test("by short and by full name", async () => {
    expect(await output(["echo", "short"])).toBe("short\n");
    expect(await output(["/bin/echo", "full"])).toBe("full\n");
  });

  test("the short name is looked up in the PATH that envs sets", async () => {
    expect(
      await output(["print-without-newline"], { envs: { PATH: `${programsFolder}:/usr/bin:/bin` } }),
    ).toBe("first\nlast");
    expect((await start(server, ["ls"], { envs: { PATH: home } })).status).toBe(404);
  });

  test("of two programs in PATH the first executable one is taken", async () => {
    const [one, two] = [join(home, "one"), join(home, "two")];
    for (const folder of [one, two]) mkdirSync(folder);
    writeFileSync(join(one, "twice"), "not executable");
    script(join(two, "twice"), "echo second");
    expect(await output(["twice"], { envs: { PATH: `${one}:${two}:/usr/bin:/bin` } })).toBe("second\n");
  });

  test("a name with a slash is relative to the job's directory", async () => {
    expect(await output(["./named"], { cwd: "below" })).toBe("from below\n");
    expect(await output(["below/named"])).toBe("from below\n");
  });

  test("through a link", async () => {
    symlinkSync("/bin/echo", join(home, "link"));
    expect(await output([join(home, "link"), "linked"])).toBe("linked\n");
  });

  test("argv[0] is the name as it was given", async () => {
    const show = ["-c", "tr '\\0' '|' </proc/$$/cmdline"];
    expect(await output(["sh", ...show])).toStartWith("sh|-c|");
    expect(await output(["/bin/sh", ...show])).toStartWith("/bin/sh|-c|");
  });
});

describe("arguments", () => {
  test("pass as they are, no shell reads them", async () => {
    const args = [
      "",
      " ",
      "a b",
      "$HOME",
      "`id`",
      "$(id)",
      "*",
      "~",
      "'",
      '"',
      "\\",
      "a\nb",
      "--",
      "-n",
      ";ls",
      "é😀",
    ];
    expect(await output(["printf", "%s|", ...args])).toBe(`${args.join("|")}|`);
  });

  test("none", async () => {
    expect(await output(["sh", "-c", "echo $#"])).toBe("0\n");
  });
});

describe("directory", () => {
  test("the server's own by default", async () => {
    expect(await output(["pwd"])).toBe(`${home}\n`);
  });

  test("relative to the server's own", async () => {
    expect(await output(["pwd"], { cwd: "below" })).toBe(`${home}/below\n`);
    expect(await output(["pwd"], { cwd: "." })).toBe(`${home}\n`);
    expect(await output(["cat", "file"], { cwd: "./below/../below" })).toBe("found\n");
  });

  test("absolute", async () => {
    expect(await output(["pwd"], { cwd: "/" })).toBe("/\n");
  });
});

describe("environment", () => {
  test("envs is added to what the operator has set, nothing of the server's own is in it", async () => {
    const before = await environment();
    expect(before).toContain("FROM_THE_OPERATOR=yes");
    expect(before.join("\n")).not.toContain("ONLY_OF_THE_SERVER");
    expect(await environment({ ADDED: "1" })).toEqual(
      expect.arrayContaining(["ADDED=1", "FROM_THE_OPERATOR=yes"]),
    );
  });

  test("envs wins over the operator's values", async () => {
    const entries = await environment({ FROM_THE_OPERATOR: "no", HOME: "/nowhere" });
    expect(entries.filter((entry) => /^(FROM_THE_OPERATOR|HOME)=/.test(entry))).toEqual([
      "FROM_THE_OPERATOR=no",
      "HOME=/nowhere",
    ]);
  });

  test("odd values pass as they are", async () => {
    const envs = {
      EMPTY: "",
      LINES: "a\nb\r\n",
      SPACES: "  x  ",
      EQUALS: "a=b=c",
      QUOTES: "\"'`$",
      TEXT: "ä😀",
    };
    const entries = await environment(envs);
    for (const [name, value] of Object.entries(envs)) expect(entries).toContain(`${name}=${value}`);
  });

  test("odd but possible names pass as they are", async () => {
    const entries = await environment({
      "a.b-c": "1",
      "with space": "2",
      ü: "3",
      "BASH_FUNC_x%%": "() { :; }",
    });
    expect(entries).toEqual(
      expect.arrayContaining(["a.b-c=1", "with space=2", "ü=3", "BASH_FUNC_x%%=() { :; }"]),
    );
  });
});

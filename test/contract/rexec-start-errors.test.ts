// Contract rexec, "Response": programs that cannot be started, and values that no program can be given.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { newAlias, type ProcessSpec, postProcess, run, start } from "../support/jobs.ts";
import { newToken, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { errorOf, type RexecError } from "../support/rexec-error.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

let server: Server;
let home: string;
beforeAll(async () => {
  home = temporaryDirectory("home");
  writeFileSync(join(home, "file"), "text\n");
  server = await startServer({ cwd: home });
});
afterAll(endEverything);
afterEach(async () => {
  expect((await run(server, ["echo", "still here"])).text).toBe("still here\n");
});

const missing = "No such file or directory (os error 2)";
const denied = "Permission denied (os error 13)";
const notDirectory = "Not a directory (os error 20)";
const noFormat = "Exec format error (os error 8)";

async function failure(command: readonly string[], more: Partial<ProcessSpec> = {}): Promise<RexecError> {
  const response = await start(server, command, more);
  expect(response.headers.get("errand-job-id")).toBeOneOf([null, expect.stringMatching(/^\d+$/)]);
  return errorOf(response);
}

async function failsToExecute(command: readonly string[], text: string, more: Partial<ProcessSpec> = {}) {
  const error = await failure(command, more);
  expect(error).toMatchObject({ status: 404, code: "FailedToExecuteProcess", type: "text/plain" });
  expect(error.text).toStartWith(text);
}

describe("the program", () => {
  test.each([
    ["does not exist, short name", ["no-such-program-anywhere"], missing],
    ["does not exist, full name", ["/no/such/program"], missing],
    ["is named by nothing", [""], missing],
    ["is not executable", [program("not-executable")], denied],
    ["is a directory", ["/usr"], denied],
    ["is below a file", ["/etc/passwd/x"], notDirectory],
    ["has no interpreter line", [program("no-interpreter")], noFormat],
    ["has an interpreter that does not exist", [program("missing-interpreter")], missing],
  ])("%s", (_name, command, text) => failsToExecute(command, text));

  test("is an empty file", async () => {
    const path = join(home, "empty");
    writeFileSync(path, "");
    chmodSync(path, 0o755);
    await failsToExecute([path], noFormat);
  });

  test("is a link to itself", async () => {
    symlinkSync("circle", join(home, "circle"));
    await failsToExecute([join(home, "circle")], "Too many levels of symbolic links (os error 40)");
  });

  test("has a name that is too long", () => {
    return failsToExecute([`/${"x".repeat(300)}`], "File name too long (os error 36)");
  });

  test("is in PATH, but not executable", async () => {
    const folder = join(home, "folder");
    mkdirSync(folder);
    writeFileSync(join(folder, "plain"), "");
    await failsToExecute(["plain"], denied, { envs: { PATH: folder } });
  });
});

describe("the directory", () => {
  test.each([
    ["does not exist", "/no/such/directory", missing],
    ["is a file", "/etc/passwd", notDirectory],
    ["is below a file", "/etc/passwd/x", notDirectory],
    ["is relative and does not exist", "nowhere", missing],
  ])("%s", (_name, cwd, text) => failsToExecute(["echo", "never"], text, { cwd }));
});

describe("too much", () => {
  const tooLong = "Argument list too long (os error 7)";

  test("one argument of 200 kB", () => failsToExecute(["echo", "x".repeat(200_000)], tooLong));

  test("one variable of 200 kB", () =>
    failsToExecute(["echo"], tooLong, { envs: { BIG: "x".repeat(200_000) } }));
});

describe("what no program can be given", () => {
  const token = newToken();

  test.each<[string, Partial<ProcessSpec>]>([
    ["NUL in an argument", { args: ["100", token, "a\0b"] }],
    ["NUL in the program", { cmd: "sleep\0x" }],
    ["NUL in the directory", { cwd: "/\0x" }],
    ["NUL in a variable's name", { envs: { "A\0B": "1" } }],
    ["NUL in a variable's value", { envs: { A: "1\0B=2" } }],
    ["a variable without a name", { envs: { "": "1" } }],
    ["= in a variable's name", { envs: { "A=B": "1" } }],
    ["= at the start of a variable's name", { envs: { "=A": "1" } }],
  ])("%s", async (_name, more) => {
    const error = await failure(["sleep", "100", token], more);
    expect(error).toMatchObject({ status: 500, code: "InvalidCreateProcessRequest", type: "text/plain" });
    expect(error.text).not.toBe("");
    expect(error.text).not.toContain("\0");
    expect(withToken(token)).toEqual([]);
  });
});

test("an alias is free again after a start that failed", async () => {
  const alias = newAlias();
  for (const cmd of ["/no/such/program", program("not-executable"), program("no-interpreter")]) {
    expect((await postProcess(server, { alias, cmd })).status).toBe(404);
  }
  const response = await postProcess(server, { alias, cmd: "echo", args: ["now"] });
  expect([response.status, await response.text()]).toEqual([200, "now\n"]);
});

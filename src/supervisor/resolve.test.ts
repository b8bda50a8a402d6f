import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ErrandError } from "../core/errors.ts";
import { explainStartError, resolveDirectory, resolveProgram, startFailed } from "./resolve.ts";

let base: string;
beforeAll(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "errand-resolve-")));
  for (const folder of ["first", "second", "empty"]) mkdirSync(join(base, folder));
  mkdirSync(join(base, "second/folder"));
  file("first/plain", 0o644);
  file("second/plain", 0o755);
  file("first/both", 0o755);
  file("second/both", 0o755);
  file("here", 0o755);
  file("only-plain", 0o644);
  file("script", 0o755, "#! /not/there -x\n");
  symlinkSync(join(base, "second/plain"), join(base, "first/link"));
  symlinkSync(join(base, "nowhere"), join(base, "first/dangling"));
  symlinkSync(join(base, "loop"), join(base, "loop"));
  symlinkSync(join(base, "first"), join(base, "to-first"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

function file(name: string, mode: number, text = "#!/bin/sh\n"): void {
  writeFileSync(join(base, name), text);
  chmodSync(join(base, name), mode);
}

/** The words of a `start-failed`; any other error fails the test. */
function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof ErrandError && error.code === "start-failed") return error.message;
    throw error;
  }
  return "none";
}

describe("the program", () => {
  const program = (name: string, path = "first:second") => {
    const full = path.replaceAll(/first|second|empty/g, (folder) => join(base, folder));
    return resolveProgram(name, base, full);
  };

  test("is looked up in PATH, and the first that can be executed is taken", () => {
    expect(program("both")).toBe(join(base, "first/both"));
    expect(program("both", "second:first")).toBe(join(base, "second/both"));
    expect(program("plain")).toBe(join(base, "second/plain"));
    expect(program("link")).toBe(join(base, "first/link"));
    expect(program("both", "/nowhere:empty:second")).toBe(join(base, "second/both"));
  });

  test("is looked up in the job's directory where PATH has an empty or a relative entry", () => {
    for (const path of ["", ":", "empty:", ":empty", "empty::second", "."]) {
      expect([path, program("here", path)]).toEqual([path, join(base, "here")]);
    }
    expect(resolveProgram("both", base, "first")).toBe(join(base, "first/both"));
    expect(resolveProgram("here", base, undefined)).toBe(join(base, "here"));
  });

  test("with a slash is taken as it is, from the job's directory", () => {
    expect(program("/some/where")).toBe("/some/where");
    expect(program("./here")).toBe(join(base, "here"));
    expect(program("second/both")).toBe(join(base, "second/both"));
    expect(program("../x")).toBe(join(base, "../x"));
  });

  test("that is nowhere is told with the PATH", () => {
    expect(refusal(() => program("nope", "/a:/b"))).toBe(
      "No such file or directory (os error 2): nope (looked up in PATH=/a:/b)",
    );
    for (const name of ["folder", "dangling", ".", "..", "a\nb"]) {
      expect([name, refusal(() => program(name, "first:second"))]).toEqual([
        name,
        expect.stringContaining("(os error 2)"),
      ]);
    }
    expect(refusal(() => program(""))).toContain("empty");
  });

  test("that nobody may execute is told as such", () => {
    expect(refusal(() => resolveProgram("only-plain", base, base))).toBe(
      `Permission denied (os error 13): ${join(base, "only-plain")}`,
    );
  });
});

describe("the directory", () => {
  test("is the server's own by default, and relative to it", () => {
    for (const cwd of [null, "", "."]) expect(resolveDirectory(cwd, base)).toBe(base);
    expect(resolveDirectory("first", base)).toBe(join(base, "first"));
    expect(resolveDirectory("first/../second/", base)).toBe(join(base, "second"));
    expect(resolveDirectory("/", base)).toBe("/");
    expect(resolveDirectory("to-first", base)).toBe(join(base, "to-first"));
  });

  test.each([
    ["nope", "No such file or directory (os error 2)"],
    ["here", "Not a directory (os error 20)"],
    ["here/below", "Not a directory (os error 20)"],
    ["loop", "Too many levels of symbolic links (os error 40)"],
    ["x".repeat(300), "File name too long (os error 36)"],
  ])("%p is refused with the system's words", (cwd, words) => {
    expect(refusal(() => resolveDirectory(cwd, base))).toBe(`${words}: cwd ${join(base, cwd)}`);
  });
});

describe("a start that failed", () => {
  test("is explained by what was missing", () => {
    const explained = (name: string, program: string) =>
      explainStartError(name, join(base, program), "/dir").message;
    expect(explained("ENOENT", "script")).toBe(
      `No such file or directory (os error 2): ${join(base, "script")}: its interpreter /not/there`,
    );
    // The program is there and needs no interpreter: the directory has gone.
    writeFileSync(join(base, "binary"), "\x7fELF");
    expect(explained("ENOENT", "binary")).toBe("No such file or directory (os error 2): /dir");
    expect(explained("ENOENT", "nope")).toBe(`No such file or directory (os error 2): ${join(base, "nope")}`);
    expect(explained("EACCES", "first")).toBe(
      `Permission denied (os error 13): ${join(base, "first")} is a directory`,
    );
    expect(explained("EACCES", "only-plain")).toBe(
      `Permission denied (os error 13): ${join(base, "only-plain")}`,
    );
  });

  test("names an error that nobody knows by its name", () => {
    expect(startFailed("EUNKNOWN", "x").message).toBe("EUNKNOWN: x");
    expect(startFailed("ETXTBSY", "x").message).toBe("Text file busy (os error 26): x");
  });
});

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { type JobOptions, jobSpec, withJobOptions } from "./jobOptions.ts";

const folder = mkdtempSync(join(tmpdir(), "errand-job-options-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The spec that comes of what is typed. */
function specOf(...typed: readonly string[]) {
  const command = withJobOptions(new Command().argument("[words...]").passThroughOptions().exitOverride());
  command.configureOutput({ writeErr: () => {} });
  command.parse([...typed], { from: "user" });
  return jobSpec(command.args, command.opts<JobOptions>(), { HERE: "from here", EMPTY: "" });
}

describe("the command", () => {
  test("is what follows, as it is", () => {
    expect(specOf("--", "ls", "-l", "--alias", "*")).toEqual({ command: ["ls", "-l", "--alias", "*"] });
    expect(specOf("ls", "-l", "--cwd", "x")).toEqual({ command: ["ls", "-l", "--cwd", "x"] });
    expect(specOf("--cwd", "/srv", "ls", "--", "x")).toEqual({ command: ["ls", "--", "x"], cwd: "/srv" });
  });

  test("with --shell is one line", () => {
    expect(specOf("--shell", "cd /srv && ls | wc -l")).toEqual({ shell: "cd /srv && ls | wc -l" });
    expect(specOf("--shell", "--", "echo", "$HOME")).toEqual({ shell: "echo $HOME" });
  });

  test("is needed", () => expect(() => specOf("--cwd", "/")).toThrow("no command"));
});

test("every option has its place", () => {
  const typed = [
    ..."--alias a --alias-policy queue --label k=v --label empty= --timeout 5m --idle-timeout 500ms".split(
      " ",
    ),
    ..."--grace 0 --output-limit 1M --retain 7d --merge --discard --success-code 0 --success-code 3".split(
      " ",
    ),
    ..."--leftovers stop --callback http://x.example/ -- true".split(" "),
  ];
  expect(specOf(...typed)).toEqual({
    command: ["true"],
    alias: "a",
    aliasPolicy: "queue",
    labels: { k: "v", empty: "" },
    runTimeoutSeconds: 300,
    idleTimeoutSeconds: 0.5,
    stopGraceSeconds: 0,
    limits: { outputBytes: 1_048_576 },
    retainSeconds: 604_800,
    mergeOutput: true,
    discardOutput: true,
    successExitCodes: [0, 3],
    leftovers: "stop",
    callback: { url: "http://x.example/" },
  });
});

describe("variables", () => {
  const file = (text: string) => {
    const path = join(folder, `env-${Math.random()}`);
    writeFileSync(path, text);
    return path;
  };

  test("come from the line, or by name from here", () => {
    expect(specOf("-e", "A=1=2", "--env", "HERE", "-e", "EMPTY", "-e", "MISSING", "true").env).toEqual({
      A: "1=2",
      HERE: "from here",
      EMPTY: "",
    });
  });

  test("come from files, over which the line wins", () => {
    const path = file("\ufeff# comment\nA=file\r\n\n  # more\nB= spaces stay \nHERE\n");
    expect(specOf("--env-file", path, "-e", "A=line", "true").env).toEqual({
      A: "line",
      B: " spaces stay ",
      HERE: "from here",
    });
  });

  test("may have any name", () => {
    const { env } = specOf("-e", "__proto__=x", "-e", "constructor=y", "true");
    expect(JSON.stringify(env)).toBe('{"__proto__":"x","constructor":"y"}');
  });

  test("need a name, and a file that is there", () => {
    expect(() => specOf("-e", "=x", "true")).toThrow("name");
    expect(() => specOf("--env-file", file("=x"), "true")).toThrow("name");
    expect(() => specOf("--env-file", join(folder, "missing"), "true")).toThrow("missing");
  });
});

test.each([
  ["--timeout", "soon"],
  ["--output-limit", "much"],
  ["--label", "k"],
  ["--alias-policy", "wait"],
  ["--leftovers", "kill"],
  ["--success-code", "256"],
])("%s %s is refused", (option, value) => {
  expect(() => specOf(option, value, "--", "true")).toThrow();
});

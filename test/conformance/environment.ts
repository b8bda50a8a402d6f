import { expect } from "bun:test";
import type { Spec } from "./adapter.ts";
import { textOf } from "./bytes.ts";
import type { Stage } from "./stage.ts";

type Variables = Readonly<Record<string, string>>;

/** What shells add by themselves. */
const ofShells = new Set(["PWD", "OLDPWD", "SHLVL", "_"]);
const configured = ["BOTH", "CONFIGURED", "HOME", "LANG", "PATH", "SHELL", "USER"];

/** Which variables a command has. */
export function environment(stage: Stage): void {
  const variables = async (env?: Variables): Promise<Variables> => {
    const spec: Spec = { command: ["env", "-0"], ...(env === undefined ? {} : { env }) };
    const { told, job } = await stage.run(spec);
    // Values may be secrets: the record holds none.
    for (const value of Object.values(env ?? {}))
      if (value.length > 8) expect(JSON.stringify(job)).not.toContain(value);
    const entries = textOf(told.stdout).split("\0").slice(0, -1);
    const pairs = entries.map(
      (entry) => [entry.split("=", 1)[0] ?? "", entry.replace(/^[^=]*=/, "")] as const,
    );
    return Object.fromEntries(pairs.filter(([name]) => stage.has("argv") || !ofShells.has(name)));
  };

  stage.behaviour("is what the operator has configured, and nothing of the server's", [], async () => {
    const found = await variables();
    expect(Object.keys(found).sort()).toEqual(configured);
    expect(found).toMatchObject({ CONFIGURED: "by the operator", BOTH: "by the operator" });
  });

  stage.behaviour("has what the request adds, and that wins", ["env"], async () => {
    const found = await variables({ ADDED: "by the request", BOTH: "of the request" });
    expect(Object.keys(found).sort()).toEqual(["ADDED", ...configured]);
    expect(found).toMatchObject({
      ...{ ADDED: "by the request", BOTH: "of the request", CONFIGURED: "by the operator" },
    });
  });

  stage.behaviour("takes odd values as they are", ["env"], async () => {
    const odd = {
      EMPTY: "",
      SPACE: " a  b ",
      EQUALS: "=a=b=",
      LINES: "one\ntwo\r\n\n",
      QUOTES: `'"\`\\$HOME$(id)`,
      WIDE: "é€😀",
      CONTROL: "\u0001\u001b[31m\u007f",
      LONG: "0123456789".repeat(6_000),
      lower: "case",
      A_1: "digits",
    };
    expect(await variables(odd)).toMatchObject(odd);
  });

  stage.behaviour("takes odd names as they are", ["argv", "env"], async () => {
    const odd = { "with space": "1", "with.dot": "2", "é😀": "3", "1": "4", "-": "5", constructor: "6" };
    expect(await variables(odd)).toMatchObject(odd);
  });

  stage.behaviour("has no name that is left out", ["env"], async () => {
    const found = await variables({ ["__proto__"]: "a name as any other", NEXT: "1" });
    expect([Object.hasOwn(found, "__proto__"), found.NEXT]).toEqual([true, "1"]);
  });

  stage.behaviour("decides where a program is looked up", ["argv", "env"], async () => {
    const { told } = await stage.run({
      command: ["ls", "/dev/null"],
      env: { PATH: "/nowhere:/bin:/usr/bin" },
    });
    expect(textOf(told.stdout)).toBe("/dev/null\n");
    const { code, message } = await stage.refusal({ command: ["ls"], env: { PATH: "/nowhere" } });
    expect([code, message]).toEqual(["start-failed", expect.stringContaining("PATH=/nowhere")]);
  });

  stage.behaviour("of one command is not that of the next", ["env"], async () => {
    expect(await variables({ ONCE: "of the first" })).toHaveProperty("ONCE");
    expect(await variables()).not.toHaveProperty("ONCE");
  });
}

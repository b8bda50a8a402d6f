import { describe, expect, test } from "bun:test";
import { anything, assert, dictionary, jsonValue, property, record, string } from "fast-check";
import { ErrandError } from "../../core/errors.ts";
import { plainSpec } from "../../core/job.ts";
import { decode } from "./decode.ts";

const read = (value: unknown) => decode(Buffer.from(JSON.stringify(value)));

function refusal(value: unknown): string {
  try {
    read(value);
  } catch (error) {
    if (error instanceof ErrandError && error.code === "invalid-request") return error.message;
    throw error;
  }
  throw new Error("it was taken");
}

describe("decode", () => {
  test("a command alone waits, runs by the shell and calls nobody back", () => {
    const command = ["/bin/sh", "-c", "echo $HOME"] as const;
    expect(read({ command: "echo $HOME" })).toEqual({
      spec: { ...plainSpec, command, mode: "background" },
      wait: true,
    });
  });

  test("all fields", () => {
    const { spec, wait } = read({
      command: "make",
      wait: false,
      workdir: "/srv",
      envs: ["A=1", "B=x=y", "C="],
      callbackURL: "https://example.com/a",
      timeout: 3,
      unknown: { nested: [null] },
    });
    expect(wait).toBe(false);
    expect(spec).toMatchObject({ cwd: "/srv", env: { A: "1", B: "x=y", C: "" }, mode: "background" });
    expect(spec.callback).toEqual({
      url: "https://example.com/a",
      events: ["job.ended"],
      form: "sidecar",
    });
  });

  test("the connector's names are taken as well", () => {
    const { spec } = read({ cmd: "make", callback_url: "http://a/" });
    expect([spec.command[2], spec.callback?.url]).toEqual(["make", "http://a/"]);
  });

  test("both names with the same value are one", () => {
    const { spec } = read({ command: "a", cmd: "a", callbackURL: "http://a/", callback_url: "http://a/" });
    expect([spec.command[2], spec.callback?.url]).toEqual(["a", "http://a/"]);
    expect(read({ command: null, cmd: "a" }).spec.command[2]).toBe("a");
  });

  test("null counts as missing", () => {
    const nothing = { wait: null, workdir: null, envs: null, callbackURL: null, callback_url: null };
    expect(read({ command: "a", ...nothing })).toEqual(read({ command: "a" }));
  });

  test("an object of strings, with names that objects have, too", () => {
    const body = Buffer.from('{"command":"a","envs":{"__proto__":"1","constructor":"2","A":""}}');
    expect(Object.entries(decode(body).spec.env)).toEqual([
      ["__proto__", "1"],
      ["constructor", "2"],
      ["A", ""],
    ]);
  });

  test("of two variables with one name the last one counts", () => {
    expect(read({ command: "a", envs: ["A=1", "A=2"] }).spec.env).toEqual({ A: "2" });
  });

  test("what an object inherits is no field", () => {
    expect(() => decode(Buffer.from('{"__proto__":{"command":"a"}}'))).toThrow("missing field `command`");
  });

  test.each<[unknown, string]>([
    [{}, "missing field `command`"],
    [{ command: null }, "missing field `command`"],
    [{ command: 1 }, "field `command`: a string is needed, not a number"],
    [{ command: ["a"] }, "field `command`: a string is needed, not an array"],
    [{ command: "a\0b" }, "field `command`: a NUL character is not allowed"],
    [{ cmd: true }, "field `cmd`: a string is needed, not a boolean"],
    [{ command: "a", cmd: "b" }, "the fields `command` and `cmd` differ"],
    [{ command: "a", cmd: 1 }, "field `cmd`"],
    [{ command: "a", wait: "true" }, "field `wait`: true or false is needed, not a string"],
    [{ command: "a", wait: 1 }, "field `wait`"],
    [{ command: "a", workdir: 1 }, "field `workdir`: a string is needed, not a number"],
    [{ command: "a", workdir: "/\0" }, "field `workdir`: a NUL"],
    [{ command: "a", callbackURL: {} }, "field `callbackURL`: a string is needed, not an object"],
    [{ command: "a", callback_url: 1 }, "field `callback_url`"],
    [
      { command: "a", callbackURL: "http://a", callback_url: "http://b" },
      "`callbackURL` and `callback_url` differ",
    ],
    [
      { command: "a", envs: "A=1" },
      "field `envs`: an array of KEY=VALUE strings or an object of strings is needed",
    ],
    [{ command: "a", envs: 1 }, "not a number"],
    [{ command: "a", envs: ["A=1", "B"] }, 'field `envs[1]`: KEY=VALUE is needed, there is no "="'],
    [{ command: "a", envs: ["=1"] }, "field `envs[0]`: the name of the variable is empty"],
    [{ command: "a", envs: [1] }, "field `envs[0]`: a string KEY=VALUE is needed, not a number"],
    [{ command: "a", envs: [null] }, "field `envs[0]`"],
    [{ command: "a", envs: ["A=\0"] }, "field `envs[0]`: a NUL"],
    [{ command: "a", envs: { A: 1 } }, 'field `envs["A"]`: a string is needed, not a number'],
    [{ command: "a", envs: { A: null } }, 'field `envs["A"]`'],
    [{ command: "a", envs: { "": "1" } }, 'field `envs[""]`: the name of the variable is empty'],
    [{ command: "a", envs: { "A=B": "1" } }, 'field `envs["A=B"]`: "=" is not allowed'],
    [{ command: "a", envs: { A: "\0" } }, 'field `envs["A"]`: a NUL'],
    [[], "a JSON object is needed, not an array"],
    [null, "a JSON object is needed, not null"],
    ["a", "a JSON object is needed, not a string"],
  ])("refuses %j and says why", (value, why) => {
    expect(refusal(value)).toContain(why);
  });

  test.each([
    ["nothing", "", "the body is empty"],
    ["a form", "command=a", "the body is no JSON"],
    ["a cut object", "{", "the body is no JSON"],
    ["what is too deep", "[".repeat(100_000), "the body is no JSON"],
  ])("refuses %s", (_what, body, why) => {
    expect(() => decode(Buffer.from(body))).toThrow(why);
  });

  test("refuses what is not UTF-8", () => {
    expect(() => decode(Buffer.from('{"command":"\xff"}', "latin1"))).toThrow("not UTF-8");
  });

  test("tells no value of a variable", () => {
    expect(refusal({ command: "a", envs: ["hunter2"] })).not.toContain("hunter2");
    expect(refusal({ command: "a", envs: ["=hunter2"] })).not.toContain("hunter2");
  });

  test("whatever is sent, it is taken or refused in words", () => {
    const fields = record(
      { command: anything(), cmd: anything(), wait: anything(), workdir: anything(), envs: anything() },
      { requiredKeys: [] },
    );
    const tried = (value: unknown) => {
      const text = JSON.stringify(value) ?? "";
      try {
        decode(Buffer.from(text));
      } catch (error) {
        expect(error).toBeInstanceOf(ErrandError);
      }
    };
    assert(property(fields, tried));
    assert(property(jsonValue(), tried));
  });

  test("both forms of variables say the same", () => {
    const name = string({ minLength: 1 }).filter((text) => !/[=\0]/.test(text));
    const value = string().filter((text) => !text.includes("\0"));
    assert(
      property(dictionary(name, value), (envs) => {
        const listed = Object.entries(envs).map(([key, text]) => `${key}=${text}`);
        expect(read({ command: "a", envs: listed }).spec.env).toEqual(read({ command: "a", envs }).spec.env);
      }),
    );
  });
});

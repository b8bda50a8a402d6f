import { describe, expect, test } from "bun:test";
import { assert, dictionary, property, string } from "fast-check";
import { ErrandError } from "../core/errors.ts";
import { jobEnvironment } from "./environment.ts";

describe("a job's environment", () => {
  test("has the configured variables, and those of the job over them", () => {
    const configured = { PATH: "/bin", LANG: "C" };
    expect(jobEnvironment(configured, { LANG: "tlh", A: "" })).toEqual({ PATH: "/bin", LANG: "tlh", A: "" });
    expect(jobEnvironment(configured, {})).toEqual(configured);
    expect(configured).toEqual({ PATH: "/bin", LANG: "C" });
  });

  test.each(["a b", "1", "A.B", "\u00e9", " ", "\n", "-", "__proto__", "constructor"])(
    "may have the name %p",
    (name) => {
      const made = jobEnvironment({ B: "1" }, JSON.parse(JSON.stringify(Object.fromEntries([[name, "x"]]))));
      expect(Object.entries(made)).toContainEqual([name, "x"]);
    },
  );

  test.each([
    ["", "x"],
    ["=", "x"],
    ["A=", "x"],
    ["=A", "x"],
    ["A=B", "x"],
    ["A\0", "x"],
    ["\0", "x"],
    ["A", "\0"],
    ["A", "x\0y"],
  ])("may not have %p with %p", (name, value) => {
    expect(() => jobEnvironment({}, { [name]: value })).toThrow(ErrandError);
  });

  test("that is refused never shows a value", () => {
    for (const variables of [{ "A=B": "canary" }, { A: "canary\0" }]) {
      expect(() => jobEnvironment({}, variables)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining("canary") }),
      );
    }
  });

  test("is whole or refused as a spec that is not valid", () => {
    const variables = dictionary(string({ unit: "binary" }), string({ unit: "binary" }));
    assert(
      property(variables, variables, (configured, added) => {
        const odd = Object.entries(added).some(
          ([name, value]) => name === "" || /[=\0]/.test(name) || value.includes("\0"),
        );
        try {
          const made = jobEnvironment(configured, added);
          expect(odd).toBe(false);
          for (const [name, value] of Object.entries(added)) expect(made[name]).toBe(value);
        } catch (error) {
          if (!(error instanceof ErrandError)) throw error;
          expect([odd, error.code]).toEqual([true, "invalid-spec"]);
        }
      }),
    );
  });
});

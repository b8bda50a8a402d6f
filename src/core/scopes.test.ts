import { describe, expect, test } from "bun:test";
import { ErrandError } from "./errors.ts";
import {
  allows,
  checkScope,
  isPlannedScope,
  isScope,
  type Operation,
  operationTable,
  type Scope,
  scopes,
} from "./scopes.ts";

/** The table once more, as the contract has it: what each scope alone is good for. */
const promised: Readonly<Record<Exclude<Scope, "admin">, readonly Operation[]>> = {
  read: [
    ...(["jobs.list", "jobs.get", "jobs.output", "jobs.events"] as const),
    ...(["jobs.watch", "info.read", "events.read", "openapi.read"] as const),
  ],
  run: [
    ...(["jobs.start", "jobs.stop", "jobs.signal", "jobs.stdin", "jobs.forget"] as const),
    ...(["jobs.resize", "jobs.attach", "callbacks.resend", "openapi.read"] as const),
  ],
};

const operations = Object.keys(operationTable) as Operation[];

/** Every set of scopes, the empty one, too. */
const sets: readonly (readonly Scope[])[] = [
  ...[[], ["read"], ["run"], ["admin"]],
  ...[
    ["read", "run"],
    ["run", "admin"],
    ["admin", "read"],
  ],
  ["read", "run", "admin"],
] as Scope[][];

describe.each(sets.map((held) => [held.join(" and ") || "nothing", held] as const))("%s", (_name, held) => {
  test.each(operations)("%s", (operation) => {
    const expected =
      held.includes("admin") ||
      held.some((scope) => scope !== "admin" && promised[scope].includes(operation));
    expect(allows(held, operation)).toBe(expected);
    const check = () => checkScope({ scopes: held }, operation);
    if (expected) check();
    else expect(check).toThrow(ErrandError);
  });
});

test("a refusal names the operation, the scope that is needed and those that are there", () => {
  const refused = (held: readonly Scope[], operation: Operation) => {
    try {
      checkScope({ scopes: held }, operation);
    } catch (error) {
      return error instanceof ErrandError ? `${error.code}: ${error.message}` : "another error";
    }
    return "none";
  };
  expect(refused(["read"], "jobs.start")).toBe(
    "forbidden: jobs.start needs the scope run; this credential has read",
  );
  expect(refused(["read", "run"], "tokens.manage")).toBe(
    "forbidden: tokens.manage needs the scope admin; this credential has read and run",
  );
  expect(refused([], "openapi.read")).toBe(
    "forbidden: openapi.read needs the scope read or run; this credential has none",
  );
});

test("names are known exactly", () => {
  expect(scopes.map(isScope)).toEqual([true, true, true]);
  for (const text of ["", "Read", "read ", "root", "*", "commands:a", "constructor"])
    expect(isScope(text)).toBe(false);
  expect(["commands:build", "commands:", "commands", "read"].map(isPlannedScope)).toEqual([
    ...[true, true, false, false],
  ]);
});

import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, property, tuple } from "fast-check";
import { ActiveJob } from "./activeJob.ts";
import { AliasLines } from "./aliasLines.ts";
import { ErrandError } from "./errors.ts";
import { plainSpec, type QueuedJob } from "./job.ts";
import type { Launch } from "./launch.ts";

let number = 0n;

function launch(alias: string): Launch {
  number += 1n;
  const job: QueuedJob = {
    ...{
      id: number.toString(),
      node: "here",
      owner: "local",
      door: "v1",
      command: ["true"],
      cwd: null,
      alias,
    },
    ...{
      mode: "background",
      survive: false,
      tty: null,
      labels: {},
      leftovers: "leave",
      successExitCodes: [0],
      retainSeconds: 1,
    },
    ...{ callback: null, createdAt: 0, state: "queued" },
  };
  return { number, active: new ActiveJob(job), spec: { ...plainSpec, command: ["true"], alias } };
}

describe("a line", () => {
  test("is worked off from its begin; who goes first goes before all others", () => {
    const lines = new AliasLines(10);
    const [one, two, three] = [launch("a"), launch("a"), launch("a")];
    lines.add(one, "last");
    lines.add(two, "last");
    lines.add(three, "first");
    expect([lines.next("a"), lines.next("a"), lines.next("a")]).toEqual([three, one, two]);
    expect([lines.next("a"), lines.length]).toEqual([undefined, 0]);
  });

  test("is its alias's own", () => {
    const lines = new AliasLines(10);
    const [one, two] = [launch("a"), launch("b")];
    lines.add(one, "last");
    lines.add(two, "last");
    expect([lines.next("c"), lines.next("b"), lines.next("a")]).toEqual([undefined, two, one]);
  });

  test("can be left, once", () => {
    const lines = new AliasLines(10);
    const [one, two] = [launch("a"), launch("a")];
    lines.add(one, "last");
    lines.add(two, "last");
    expect([lines.remove(one.active), lines.remove(one.active), lines.length]).toEqual([true, false, 1]);
    expect(lines.next("a")).toBe(two);
    expect(lines.remove(two.active)).toBe(false);
  });

  test("can be cleared with all others", () => {
    const lines = new AliasLines(10);
    const all = [launch("a"), launch("b"), launch("a")];
    for (const one of all) lines.add(one, "last");
    expect(new Set(lines.clear())).toEqual(new Set(all));
    expect([lines.length, lines.next("a"), lines.next("b")]).toEqual([0, undefined, undefined]);
  });
});

test("all lines together have so many places", () => {
  const lines = new AliasLines(2);
  lines.add(launch("a"), "last");
  const second = launch("b");
  lines.add(second, "last");
  for (const place of ["first", "last"] as const) {
    const refused = () => lines.add(launch("c"), place);
    expect(refused).toThrow(ErrandError);
    expect(refused).toThrow(expect.objectContaining({ code: "too-many-jobs", retryAfterSeconds: 1 }));
  }
  lines.remove(second.active);
  lines.add(launch("c"), "last");
  expect(lines.length).toBe(2);
});

test("nobody is lost, doubled or overtaken, whatever happens", () => {
  const step = tuple(constantFrom("last", "first", "next", "remove"), constantFrom("a", "b"));
  assert(
    property(array(step, { maxLength: 60 }), (steps) => {
      const lines = new AliasLines(20);
      const model: Record<string, Launch[]> = { a: [], b: [] };
      for (const [what, alias] of steps) {
        const line = model[alias] ?? [];
        if (what === "next") expect(lines.next(alias)).toBe(line.shift());
        else if (what === "remove") {
          const gone = line.splice(Math.floor(line.length / 2), 1)[0];
          expect(lines.remove((gone ?? launch(alias)).active)).toBe(gone !== undefined);
        } else if (lines.length < 20) {
          const added = launch(alias);
          lines.add(added, what);
          if (what === "first") line.unshift(added);
          else line.push(added);
        }
        expect(lines.length).toBe((model.a?.length ?? 0) + (model.b?.length ?? 0));
      }
    }),
  );
});

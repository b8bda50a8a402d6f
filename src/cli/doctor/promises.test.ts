import { expect, test } from "bun:test";
import { type Finding, findingNames } from "./probes.ts";
import { judgePromises } from "./promises.ts";

const sound = findingNames.map(
  (name): Finding => ({ name, verdict: "good", found: "all well", means: null }),
);

function withFinding(name: Finding["name"], verdict: Finding["verdict"]): Finding[] {
  return sound.map((one) => (one.name === name ? { name, verdict, found: "this", means: "that" } : one));
}

test("on a sound host everything is kept", () => {
  expect(judgePromises(sound).map(({ kept }) => kept)).not.toContainAnyValues(["partly", "no"]);
});

test("a note changes nothing", () => {
  expect(judgePromises(withFinding("user", "note"))).toEqual(judgePromises(sound));
});

test("what is weak or bad touches the promises that rest on it, and is their reason", () => {
  const weak = judgePromises(withFinding("marks", "weak")).filter(({ kept }) => kept !== "yes");
  expect(weak.map(({ kept }) => kept)).toEqual(["partly", "partly"]);
  expect(weak[0]?.because).toEqual(["marks: this: that"]);
  const bad = judgePromises(withFinding("data directory", "bad")).filter(({ kept }) => kept === "no");
  expect(bad.map(({ promise }) => promise)).toEqual([
    "a server starts",
    "background jobs survive the server, and their end is known",
    "results outlive a crash and a restart",
  ]);
});

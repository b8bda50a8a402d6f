import { expect, test } from "bun:test";
import { nearestName } from "../core/nearest.ts";
import { signalName } from "./signal.ts";

const read = (typed: string) => signalName(typed, { nearest: nearestName });

test.each([
  ["INT", "SIGINT"],
  ["sigterm", "SIGTERM"],
  ["9", "SIGKILL"],
  ["usr1", "SIGUSR1"],
  ["RTMIN+1", "SIGRTMIN+1"],
])("%s is %s", (typed, name) => expect(read(typed)).toBe(name));

test.each([
  ["TEM", "SIGTERM"],
  ["0", "0"],
  ["999", "999"],
  ["", "there is no signal"],
])("%j is none", (typed, words) => {
  try {
    read(typed);
  } catch (error) {
    return expect(JSON.stringify(error) + String(error)).toContain(words);
  }
  throw new Error("it was taken");
});

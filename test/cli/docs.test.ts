// docs/cli.md names what the program knows, and nothing else.

import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { endEverything, projectRoot } from "../support/server.ts";
import { startCli } from "./support/cli.ts";

afterAll(endEverything);

const page = readFileSync(join(projectRoot, "docs/cli.md"), "utf8");
const flagsOf = (text: string) => new Set(text.match(/(?<![\w-])--[a-z][a-z-]+/g));

test("every verb and option is explained, and no other", async () => {
  const { stdout } = await startCli(["--help"]).ended;
  const verbs = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, verb = ""]) => verb);
  expect(verbs.length).toBeGreaterThan(10);
  for (const verb of verbs) expect(page).toMatch(new RegExp(`^\\| \`${verb}\` \\|`, "m"));
  const below = [
    ["token", "create"],
    ["token", "list"],
    ["context", "list"],
    ["context", "set"],
    ["context", "use"],
  ];
  // The server's own flags stand with its configuration.
  const asked = [...verbs.filter((verb) => verb !== "serve").map((verb) => [verb]), ...below];
  const known = new Set<string>(["--help", "--on"]);
  for (const words of asked) {
    const help = await startCli([...words, "--help"]).ended;
    for (const [, flag = ""] of help.stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)) known.add(flag);
  }
  const explained = flagsOf(page);
  expect(
    [...known].filter((flag) => !explained.has(flag) && flag !== "--interactive" && flag !== "--tty"),
  ).toEqual([]);
  expect([...explained].filter((flag) => !known.has(flag))).toEqual([]);
});

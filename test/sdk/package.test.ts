// The package as a program gets it: built, packed, installed in an empty folder, used in Node and by the compiler.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { command, type Result } from "../support/command.ts";
import { endEverything, projectRoot, startServer } from "../support/server.ts";
import { CutJob } from "./support/cut-stream.ts";
import { ScriptedServer } from "./support/scripted-server.ts";

let folder: string;
let installed: string;
const buildMilliseconds = 60_000;

async function done(argv: readonly string[], cwd: string): Promise<Result> {
  const result = await command(argv, { cwd, timeoutMilliseconds: buildMilliseconds });
  if (result.code !== 0) throw new Error(`${argv.join(" ")}: ${result.stdout}${result.stderr}`);
  return result;
}

beforeAll(async () => {
  const dist = temporaryDirectory("sdk-dist");
  const built = await done(["sh", "scripts/bun", "scripts/build-sdk.ts", dist], projectRoot);
  const tarball = built.stdout.trim();
  folder = temporaryDirectory("sdk-user");
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "user", private: true, type: "module" }),
  );
  await done(["npm", "install", "--offline", "--no-fund", "--no-audit", tarball], folder);
  installed = join(folder, "node_modules/@errand/sdk");
}, buildMilliseconds);
afterAll(endEverything);

test("has no dependencies, and all that a package has", () => {
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  const { version } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8"));
  expect(manifest).toMatchObject({ name: "@errand/sdk", version, type: "module", license: "MIT" });
  expect(Object.keys(manifest).filter((name) => /dependencies/i.test(name))).toEqual([]);
  const packages = readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."));
  expect(packages).toEqual(["@errand"]);
  const files = readdirSync(installed);
  for (const name of ["index.js", "index.d.ts", "connections.js", "connections.d.ts", "LICENSE", "README.md"])
    expect(files).toContain(name);
  expect(files.filter((name) => /(?<!\.d)\.ts$|test|tsconfig/.test(name))).toEqual([]);
  for (const name of files.filter((one) => one.endsWith(".d.ts"))) {
    const text = readFileSync(join(installed, name), "utf8");
    expect(text).not.toMatch(/from "\.[^"]*\.ts"|from "(?!\.)/);
  }
});

test(
  "does in Node what it says",
  async () => {
    const server = await startServer();
    const jobs = Array.from({ length: 40 }, (_, seed) => new CutJob(seed, 3_000));
    const script = (job: CutJob) =>
      ScriptedServer.start(async (asked, answer) => {
        if (asked.path.endsWith("/events")) await job.events(asked, answer);
        else if (asked.path.endsWith("/stdout")) await job.output(asked, answer);
        else answer.json(job.record());
      });
    const addresses = (await Promise.all(jobs.map(script))).map(({ url }) => url);
    const [cutting, cutOutput] = [addresses.slice(0, 20), addresses.slice(20)];
    cpSync(join(import.meta.dir, "support/package-user.mjs"), join(folder, "user.mjs"));
    const given = JSON.stringify({ url: server.url, token: server.token, cutting, cutOutput });
    const { stdout, stderr } = await done(["node", "user.mjs", given], folder);
    expect(stderr).toBe("");
    const sums = jobs.map(({ stdout: bytes }) => [
      bytes.byteLength,
      bytes.reduce((sum, byte) => (sum * 31 + byte) % 1_000_003, 0),
    ]);
    expect(JSON.parse(stdout)).toEqual({ node: true, sums: sums.slice(0, 20), outputs: sums.slice(20) });
    expect(jobs.reduce((sum, { cuts }) => sum + cuts, 0)).toBeGreaterThan(40);
  },
  buildMilliseconds,
);

describe("its types hold", () => {
  const source = readFileSync(join(import.meta.dir, "expected-types.ts"), "utf8");

  test.each([
    ["in browsers", { lib: ["ES2023", "DOM", "DOM.Iterable", "DOM.AsyncIterable"], types: [] }],
    ["in Node", { lib: ["ES2023"], types: ["node"], typeRoots: [join(projectRoot, "node_modules/@types")] }],
  ])(
    "%s",
    async (name, more) => {
      const file = `${name.replaceAll(" ", "-")}.ts`;
      writeFileSync(join(folder, file), source.replace("../../src/sdk/index.ts", "@errand/sdk"));
      const compilerOptions = {
        ...{
          strict: true,
          noEmit: true,
          target: "ES2022",
          module: "NodeNext",
          exactOptionalPropertyTypes: true,
          noUncheckedIndexedAccess: true,
        },
        ...{ ...more, skipLibCheck: false },
      };
      const project = join(folder, `${file}.json`);
      writeFileSync(project, JSON.stringify({ compilerOptions, files: [file] }));
      const tsc = join(projectRoot, "node_modules/typescript/bin/tsc");
      expect((await done(["node", tsc, "--project", project], folder)).stdout).toBe("");
    },
    buildMilliseconds,
  );
});

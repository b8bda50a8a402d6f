// Makes the package @errand/sdk and packs it: dist/sdk and dist/errand-sdk-<version>.tgz, or below the folder that is given.

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = join(import.meta.dir, "..");
const source = join(root, "src/sdk");
const dist = resolve(process.argv[2] ?? join(root, "dist"));
const folder = join(dist, "sdk");

const { version, license, engines } = await Bun.file(join(root, "package.json")).json();
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
await bundle();
await declare();
await describe();
console.log(await pack());

/** Two entries that share what both need: an error is of the same class in both. */
async function bundle(): Promise<void> {
  const built = await Bun.build({
    entrypoints: [join(source, "index.ts"), join(source, "connections.ts")],
    outdir: folder,
    target: "node",
    format: "esm",
    splitting: true,
    naming: { chunk: "[name]-[hash].[ext]" },
  });
  if (!built.success) throw new AggregateError(built.logs, "the package cannot be bundled");
  for (const name of readdirSync(folder)) {
    // All but the reader of the file of connections is for browsers, too.
    const text = readFileSync(join(folder, name), "utf8");
    const ofRuntime = /\bfrom\s*"(?:node|bun):|\brequire\(|\bprocess\.|\bBun\./.exec(text);
    if (ofRuntime !== null && name !== "connections.js")
      throw new Error(`${name} needs a runtime: ${ofRuntime[0]}`);
  }
}

/** The SDK is checked with the types of browsers alone; the reader of the file with those of Node. */
async function declare(): Promise<void> {
  const project = join(import.meta.dir, "build-sdk.tsconfig.json");
  const forNode = join(folder, "tsconfig.json");
  const types = join(root, "node_modules/@types");
  const compilerOptions = { types: ["node"], typeRoots: [types], rootDir: source };
  const node = { extends: project, compilerOptions, files: [join(source, "connections.ts")] };
  writeFileSync(forNode, JSON.stringify(node));
  await tool("node_modules/typescript/bin/tsc", "--project", project, "--outDir", folder);
  await tool("node_modules/typescript/bin/tsc", "--project", forNode, "--outDir", folder);
  rmSync(forNode);
  for (const name of readdirSync(folder).filter((one) => one.endsWith(".d.ts"))) {
    const path = join(folder, name);
    // Whoever uses the package has no sources.
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(/(["']\.\/[\w-]+)\.ts(["'])/g, "$1.js$2"));
  }
}

async function describe(): Promise<void> {
  const entry = (name: string) => ({ types: `./${name}.d.ts`, default: `./${name}.js` });
  const manifest = {
    name: "@errand/sdk",
    version,
    description:
      "Runs commands on an Errand server, follows them over cuts of the connection and tells how they ended.",
    license,
    type: "module",
    sideEffects: false,
    engines,
    exports: { ".": entry("index"), "./connections": entry("connections") },
    files: ["*.js", "*.d.ts"],
  };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  cpSync(join(root, "docs/sdk.md"), join(folder, "README.md"));
}

/** The path of the tarball. */
async function pack(): Promise<string> {
  const npm = ["npm", "pack", "--json", "--offline", "--pack-destination", dist];
  const [packed] = JSON.parse(await run(npm, folder));
  return join(dist, String(packed.filename));
}

/** A tool of the project, on this runtime. */
function tool(path: string, ...args: readonly string[]): Promise<string> {
  return run([process.execPath, "--config=/dev/null", "--no-env-file", join(root, path), ...args], root);
}

async function run(command: readonly string[], cwd: string): Promise<string> {
  const child = Bun.spawn([...command], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const [code, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

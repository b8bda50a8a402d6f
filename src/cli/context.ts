import { accessSync, constants } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import { readServerAddress } from "./address.ts";
import { type Contexts, contextsPath, readContexts, writeContexts } from "./contexts.ts";
import { usageError } from "./exitCodes.ts";
import { printJson } from "./print.ts";
import type { Surroundings } from "./surroundings.ts";
import { table } from "./table.ts";

interface SetOptions {
  readonly url: string;
  readonly token?: string;
  readonly tokenFile?: string;
}

interface ListOptions {
  readonly names?: true;
  readonly json?: true;
}

const titles = [{ title: "IN USE" }, { title: "NAME" }, { title: "URL" }, { title: "TOKEN" }];

const about = `
They stand in errand/contexts.json in $XDG_CONFIG_HOME or ~/.config, which only its owner can read. Without a context in use
the server of this machine is meant. --url, --context and ERRAND_URL win over the context in use.

Examples:
  errand context set build --url https://build.example --token-file ~/.build-token
  errand context use build
  errand ps --context build
  errand context use --none`;

/** The verb `context`. */
export function contextCommand(surroundings: Surroundings): Command {
  return new Command("context")
    .description("Keeps servers and their tokens under names.")
    .addHelpText("after", about)
    .addCommand(listCommand(surroundings))
    .addCommand(setCommand(surroundings))
    .addCommand(useCommand(surroundings))
    .addCommand(removeCommand(surroundings));
}

function listCommand(surroundings: Surroundings): Command {
  return new Command("list")
    .description("Lists contexts, without their tokens.")
    .option("--names", "print the names alone")
    .option("--json", "print one document of JSON")
    .action(async ({ names, json }: ListOptions) => {
      const { current, contexts } = readContexts(contextsPath(surroundings.variables));
      const shown = contexts.map(({ name, url, token, tokenFile }) => ({
        name,
        url,
        token: token === null ? null : ("kept" as const),
        tokenFile,
      }));
      if (json === true) return await printJson(surroundings, { current, contexts: shown });
      if (names === true)
        return await surroundings.stdout.write(shown.map(({ name }) => `${name}\n`).join(""));
      const rows = shown.map(({ name, url, token, tokenFile }) => [
        name === current ? "*" : "",
        name,
        url,
        tokenFile ?? token ?? "none",
      ]);
      await surroundings.stdout.write(table(titles, rows, surroundings.columns()));
    });
}

function setCommand(surroundings: Surroundings): Command {
  return new Command("set")
    .description("Makes a context, or replaces the one of that name.")
    .argument("<name>", "how to call it")
    .requiredOption("--url <url>", "http://HOST:PORT, https://HOST or unix:/PATH")
    .option(
      "--token <token>",
      "credential, kept in the file; other users can see it in the list of processes",
    )
    .option("--token-file <file>", "file that is read for the credential at each use")
    .action((name: string, options: SetOptions) => {
      const { url, token = null } = options;
      if (!/^[\w.@-]+$/.test(name))
        throw usageError(`${JSON.stringify(name)}: a name has letters, digits, and . _ @ -`);
      if (readServerAddress(url) === null)
        throw usageError(
          `--url: ${JSON.stringify(url)} is no address`,
          "Give one such as https://build.example.",
        );
      if (token !== null && options.tokenFile !== undefined) throw usageError("give --token or --token-file");
      const tokenFile = options.tokenFile === undefined ? null : wholePath(options.tokenFile);
      change(surroundings, ({ current, contexts }) => ({
        current,
        contexts: [...contexts.filter((one) => one.name !== name), { name, url, token, tokenFile }],
      }));
    });
}

/** It is read from wherever the next command is typed. */
function wholePath(path: string): string {
  try {
    const whole = resolve(path);
    accessSync(whole, constants.R_OK);
    return whole;
  } catch (error) {
    throw usageError(`--token-file: ${error instanceof Error ? error.message : error}`);
  }
}

function useCommand(surroundings: Surroundings): Command {
  return new Command("use")
    .description("Says which context is used when a command names none.")
    .argument("[context]", "its name")
    .option("--none", "none: the server of this machine")
    .action((name: string | undefined, { none }: { readonly none?: true }) => {
      if ((name === undefined) === (none === undefined))
        throw usageError("give the name of a context, or --none");
      change(surroundings, (all) => ({ ...all, current: name === undefined ? null : known(name, all) }));
    });
}

function removeCommand(surroundings: Surroundings): Command {
  return new Command("remove")
    .description("Removes a context. The server is not asked; its tokens hold on.")
    .argument("<context>", "its name")
    .action((name: string) => {
      change(surroundings, (all) => ({
        current: known(name, all) === all.current ? null : all.current,
        contexts: all.contexts.filter((one) => one.name !== name),
      }));
    });
}

function change({ variables }: Surroundings, edit: (contexts: Contexts) => Contexts): void {
  const path = contextsPath(variables);
  writeContexts(path, edit(readContexts(path)));
}

function known(name: string, { contexts }: Contexts): string {
  if (contexts.some((one) => one.name === name)) return name;
  const names = contexts.map((one) => one.name).join(", ") || "none";
  throw usageError(`there is no context ${JSON.stringify(name)}; known are: ${names}`);
}

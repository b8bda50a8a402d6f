import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { Errand } from "../sdk/errand.ts";
import { readServerAddress, type ServerAddress } from "./address.ts";
import { type Context, contextsPath, readContexts } from "./contexts.ts";
import { CliError, exitCodes, usageError } from "./exitCodes.ts";
import { localServer, localToken } from "./localServer.ts";
import type { Surroundings, Variables } from "./surroundings.ts";

/** Which server is meant, as the options of a verb say it. */
export interface ConnectionOptions {
  readonly url?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly context?: string;
}

const help = "Which server:";

/** Gives a verb the options that say which server is meant. */
export function withConnection(command: Command): Command {
  return command
    .optionsGroup(help)
    .option(
      "--url <url>",
      "http://HOST:PORT, https://HOST or unix:/PATH (default: $ERRAND_URL, else the context in use, else this machine)",
    )
    .option("--token <token>", "credential; other users can see it in the list of processes")
    .option(
      "--token-file <file>",
      "file that holds the credential (default: $ERRAND_TOKEN, else what the context has, else this machine's own)",
    )
    .option("--context <context>", "a server by its name; see errand context");
}

/** The server that is meant, and the credential for it. */
export interface Target {
  readonly address: ServerAddress;
  readonly token: string | null;
}

/** The client that a verb talks to its server with. Throws `CliError`. */
export function connect(options: ConnectionOptions, surroundings: Surroundings): Errand {
  const { address, token } = targetOf(options, surroundings);
  const { socketPath } = address;
  // A proxy for the network must not see what goes to this machine, and the token least of all.
  if (address.isLocal && socketPath === null) surroundings.avoidProxy(new URL(address.url).hostname);
  return new Errand({
    url: address.url,
    token: token ?? undefined,
    socketPath: socketPath ?? undefined,
    fetch: socketPath === null ? undefined : (url, init) => fetch(url, { ...init, unix: socketPath }),
  });
}

/**
 * The address: `--url`, `--context`, `ERRAND_URL`, the context in use, this machine. The token: the one that was typed, else
 * the one that belongs to the address; this machine's own goes to this machine alone.
 */
export function targetOf(options: ConnectionOptions, { variables }: Pick<Surroundings, "variables">): Target {
  refuseBoth(options);
  const typed = typedToken(options);
  const fromUrl = options.url ?? (options.context === undefined ? nonEmpty(variables.ERRAND_URL) : undefined);
  const context = fromUrl === undefined ? contextFor(options.context, contextsPath(variables)) : null;
  if (context !== null) {
    const address = addressOf(context.url, `context ${context.name}`);
    return { address, token: typed ?? tokenOf(context) ?? ownToken(address, variables) };
  }
  const source = options.url === undefined ? "ERRAND_URL" : "--url";
  const address = fromUrl === undefined ? localServer() : addressOf(fromUrl, source);
  return { address, token: typed ?? nonEmpty(variables.ERRAND_TOKEN) ?? ownToken(address, variables) };
}

function ownToken({ isLocal }: ServerAddress, variables: Variables): string | null {
  return isLocal ? localToken(variables) : null;
}

function refuseBoth({ url, context, token, tokenFile }: ConnectionOptions): void {
  if (url !== undefined && context !== undefined)
    throw usageError("--url and --context both name a server: give one");
  if (token !== undefined && tokenFile !== undefined)
    throw usageError("--token and --token-file both name a credential: give one");
}

function contextFor(name: string | undefined, path: string): Context | null {
  const { current, contexts } = readContexts(path);
  const wanted = name ?? current;
  if (wanted === null) return null;
  const found = contexts.find((one) => one.name === wanted);
  if (found !== undefined) return found;
  const known = contexts.map((one) => one.name).join(", ") || "none";
  throw usageError(
    `there is no context ${JSON.stringify(wanted)}; known are: ${known}`,
    "errand context set makes one.",
  );
}

function addressOf(text: string, source: string): ServerAddress {
  const address = readServerAddress(text);
  if (address !== null) return address;
  throw usageError(
    `${source}: ${JSON.stringify(text)} is no address`,
    "Give one such as http://127.0.0.1:8910, https://build.example or unix:/run/errand.sock.",
  );
}

function typedToken({ token, tokenFile }: ConnectionOptions): string | null {
  if (token !== undefined) return checked(token, "--token");
  return tokenFile === undefined ? null : readToken(tokenFile);
}

function tokenOf({ token, tokenFile, name }: Context): string | null {
  if (token !== null) return checked(token, `context ${name}`);
  return tokenFile === null ? null : readToken(tokenFile);
}

function readToken(path: string): string {
  try {
    return checked(readFileSync(path, "utf8").trim(), path);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(exitCodes.config, `the token cannot be read: ${why}`);
  }
}

/** What can be no token would only be told as a broken header. */
function checked(token: string, source: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new CliError(exitCodes.config, `${source}: it holds no token: visible ASCII characters are needed`);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}

import { isIP } from "node:net";
import { Command, InvalidArgumentError } from "commander";
import { defaultCodePages, mostCodePage } from "../config/flexideo.ts";
import type { Flags } from "../config/load.ts";
import { limitTable } from "../core/limits.ts";
import type { Surroundings } from "./surroundings.ts";
import { collect, wholeNumber } from "./values.ts";

interface ServeOptions {
  readonly ip?: string;
  readonly port?: number;
  readonly listen?: string[];
  readonly data?: string;
  readonly config?: string;
  readonly auth?: string;
  readonly insecureAllowAnyoneToRunCommands?: boolean;
  readonly statusSize?: number;
  readonly stdoutSize?: number;
  readonly acp?: number;
  readonly oem?: number;
  readonly verbose?: number;
  readonly check?: boolean;
}

const defaultIp = "127.0.0.1";
const defaultPort = 8910;

const examples = `
Examples:
  errand serve                                  on 127.0.0.1:8910, with a token made at the first start
  errand serve -i 0.0.0.0                       reachable from other machines, with the same token
  errand serve --listen unix:/run/errand.sock   on a Unix socket
  errand serve --check                          say what would be done, and start nothing

Every setting can also stand in errand.toml; see docs/configuration.md.`;

/** The verb `serve`. */
export function serveCommand({ serve }: Surroundings): Command {
  const { statusEvents, stdoutChunks } = limitTable;
  return new Command("serve")
    .description("Runs the server: it takes commands over HTTP, runs them here and streams their output.")
    .option("-i, --ip <address>", `IP address to listen at (default: ${defaultIp})`, ipAddress)
    .option(
      "-p, --port <port>",
      `port to listen at, 0 for a free one (default: ${defaultPort})`,
      wholeNumber(0, 65_535),
    )
    .option("--listen <address>", "HOST:PORT, [IPV6]:PORT or unix:PATH; may be repeated", collect)
    .option("--data <directory>", "where tokens and records are kept (default: ~/.local/state/errand)")
    .option(
      "--config <file>",
      "configuration file (default: errand.toml in the data directory, if it is there)",
    )
    .option("--auth <mode>", "token, or none on loopback (default: token)")
    .option("--insecure-allow-anyone-to-run-commands", "let --auth none listen off loopback")
    .option(
      "--status-size <count>",
      `life-cycle events that may wait for one slow listener (default: ${statusEvents.default})`,
      wholeNumber(statusEvents.min, statusEvents.max),
    )
    .option(
      "--stdout-size <count>",
      `chunks of at most 64 KiB of stdout buffered per job (default: ${stdoutChunks.default})`,
      wholeNumber(stdoutChunks.min, stdoutChunks.max),
    )
    .option(
      "--acp <number>",
      `ANSI code page of the door flexideo (default: ${defaultCodePages.acp})`,
      codePage,
    )
    .option(
      "--oem <number>",
      `OEM code page of the door flexideo (default: ${defaultCodePages.oem})`,
      codePage,
    )
    .option("-v, --verbose", "log more: -v debug, -vv trace", (_text, before: number) => before + 1, 0)
    .option("--check", "read all settings, say what would be done, and start nothing")
    .allowExcessArguments(false)
    .addHelpText("after", examples)
    .action(async (options: ServeOptions) => {
      await serve(flagsOf(options), options.check === true);
    });
}

function flagsOf(options: ServeOptions): Flags {
  const { ip, port, listen = [], data, config, auth, statusSize, stdoutSize, acp, oem } = options;
  const own =
    ip === undefined && port === undefined ? [] : [hostAndPort(ip ?? defaultIp, port ?? defaultPort)];
  const addresses = [...own, ...listen];
  return {
    verbosity: options.verbose ?? 0,
    insecure: options.insecureAllowAnyoneToRunCommands === true,
    ...(addresses.length === 0 ? {} : { listen: addresses }),
    ...(data === undefined ? {} : { data }),
    ...(config === undefined ? {} : { config }),
    ...(auth === undefined ? {} : { auth }),
    ...(statusSize === undefined ? {} : { statusEvents: statusSize }),
    ...(stdoutSize === undefined ? {} : { stdoutChunks: stdoutSize }),
    ...(acp === undefined ? {} : { acp }),
    ...(oem === undefined ? {} : { oem }),
  };
}

function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

const codePage = wholeNumber(1, mostCodePage);

function ipAddress(text: string): string {
  if (isIP(text) !== 0) return text;
  throw new InvalidArgumentError("An IP address is allowed, such as 127.0.0.1, 0.0.0.0 or ::1.");
}

import { nearestName } from "./core/nearest.ts";
import { watch } from "./supervisor/watchdogMain.ts";

/** The command line's own failure, as sysexits.h numbers them. */
const exitUsage = 64;
const exitSoftware = 70;

const [verb, liveFile] = process.argv.slice(2);

/** How this program starts itself again. */
const self = [process.execPath, "--config=/dev/null", "--no-env-file", import.meta.path];

if (verb === "watchdog" && liveFile !== undefined) {
  // Before anything else is loaded: this process is to be small.
  await watch(liveFile);
} else {
  await runCommandLine();
}

async function runCommandLine(): Promise<void> {
  const { Command, CommanderError } = await import("commander");
  const { version } = await import("./core/version.ts");
  const { serveCommand } = await import("./cli/serveCommand.ts");
  const program = new Command("errand")
    .description("Runs commands over HTTP, streams their output and tells the truth about how they ended.")
    .version(version, "-V, --version")
    .helpCommand("help [verb]", "say how a verb is used")
    .enablePositionalOptions();
  program.addCommand(serveCommand(runServer));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().showHelpAfterError("(--help says how it is used)");
    command.configureOutput({ outputError: (text, write) => write(withNearestFlag(text, command)) });
  }
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : exitUsage;
  }
}

/** Commander knows flags that were mistyped; this one also those that were cut short. */
function withNearestFlag(message: string, command: import("commander").Command): string {
  const typed = /unknown option '(--[^']+)'/.exec(message)?.[1];
  if (typed === undefined || message.includes("Did you mean")) return message;
  const nearest = nearestName(
    typed,
    command.options.flatMap(({ long }) => long ?? []),
  );
  return nearest === undefined ? message : `${message.trimEnd()}\n(Did you mean ${nearest}?)\n`;
}

async function runServer(flags: import("./config/load.ts").Flags, check: boolean): Promise<void> {
  const { loadSettings } = await import("./config/load.ts");
  const { ConfigError } = await import("./config/settings.ts");
  const { describeSettings, greeting } = await import("./cli/describe.ts");
  try {
    const settings = loadSettings(flags, process.env);
    if (check) {
      process.stdout.write(describeSettings(settings));
      return;
    }
    const { serve } = await import("./serve.ts");
    await serve(settings, {
      watchdogCommand: [...self, "watchdog"],
      greet: (addresses, tokenFile) => process.stdout.write(greeting(addresses, tokenFile, settings.auth)),
    });
    process.exit(0);
  } catch (error) {
    process.stderr.write(`errand: ${error instanceof Error ? error.message : error}\n`);
    process.exit(error instanceof ConfigError ? error.exitCode : exitCodeOf(error));
  }
}

/** 78 for what the operator must mend, 69 for what somebody else holds, 70 for the rest. */
function exitCodeOf(error: unknown): number {
  if (!(error instanceof Error)) return exitSoftware;
  if (error.name === "UnsafePlace" || error.name === "UnusableSecret") return 78;
  if (error.name === "DataDirectoryInUse" || error.name === "ListenError") return 69;
  return exitSoftware;
}

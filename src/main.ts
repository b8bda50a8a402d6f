import { watch } from "./supervisor/watchdogMain.ts";

/** The command line's own failure, as sysexits.h numbers them. */
const exitSoftware = 70;

const usualColumns = 80;

const args = process.argv.slice(2);
const [verb, place] = args;

/** How this program starts itself again. */
const runtime = [process.execPath, "--config=/dev/null", "--no-env-file"];

// Before anything else is loaded: these processes are to be small.
if (verb === "watchdog" && place !== undefined) {
  await watch(place);
} else if (verb === "shim" && place !== undefined) {
  const { runShim } = await import("./shim/main.ts");
  await runShim(place);
  process.exit(0);
} else {
  process.exit(await runCommandLine());
}

async function runCommandLine(): Promise<number> {
  const { isatty } = await import("node:tty");
  const { commandLine } = await import("./cli/commandLine.ts");
  const { Output } = await import("./cli/output.ts");
  const { nearestName } = await import("./core/nearest.ts");
  return await commandLine(args, {
    variables: process.env,
    stdout: new Output(1),
    stderr: new Output(2),
    isTerminal: isatty,
    // Asking a stream that is no terminal would make one of it.
    // A terminal whose size was never set has no columns.
    columns: () => (isatty(1) ? process.stdout.columns || usualColumns : null),
    nearest: nearestName,
    avoidProxy,
    serve: runServer,
    hostProbes: async () => (await import("./compose/hostProbes.ts")).hostProbes,
  });
}

/** The runtime's own way of saying so. */
function avoidProxy(host: string): void {
  const all = [process.env.no_proxy || process.env.NO_PROXY, host].filter(Boolean).join(",");
  process.env.no_proxy = all;
  process.env.NO_PROXY = all;
}

async function runServer(flags: import("./config/load.ts").Flags, check: boolean): Promise<void> {
  const { loadSettings } = await import("./config/load.ts");
  const { ConfigError } = await import("./config/settings.ts");
  const { describeSettings, greeting } = await import("./cli/describe.ts");
  const { Output } = await import("./cli/output.ts");
  try {
    const settings = loadSettings(flags, process.env);
    if (check) {
      await new Output(1).write(describeSettings(settings));
      return;
    }
    const { serve } = await import("./serve.ts");
    await serve(settings, {
      watchdogCommand: [...runtime, import.meta.path, "watchdog"],
      shim: { runtime, program: import.meta.path },
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

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JobEvent } from "../../../src/sdk/eventTypes.ts";
import type { Outcome } from "../../../src/sdk/jobTypes.ts";
import { Cli, type RunningCli, type Told as Said } from "../../cli/support/cli.ts";
import { temporaryDirectory } from "../../support/cleanup.ts";
import { startServer } from "../../support/server.ts";
import { until } from "../../support/wait.ts";
import { type Adapter, endMilliseconds, Refused, type Run, type Spec, type Told } from "../adapter.ts";
import { v1 } from "./v1.ts";

/** The command line: `errand run` for what is followed to its end, `errand start` for the background. */
export const cli: Adapter = {
  name: "the command line",
  mode: "attached",
  flags: { ...v1.flags, stopsWithClient: "what it runs goes on for 30 s without a connection" },
  async start(options) {
    const server = await startServer(options);
    const errand = new Cli(server);
    const folder = temporaryDirectory("specs");
    const launch = async (spec: Spec, ...more: string[]) => {
      const { code, stdout, stderr } = await errand.run(["start", ...more, ...typed(spec, folder)]);
      if (code !== 0) throw refused(code, stderr);
      return stdout.trim();
    };
    return {
      server,
      begin: (spec) => begin(errand, spec, folder),
      launch: (spec) => launch(spec),
      letGo: (spec) => launch(spec, "--detached"),
      readNotice(body) {
        const { job } = JSON.parse(body) as { job: { id: string; outcome: Outcome } };
        const { code, signal, reason } = job.outcome;
        return { jobId: job.id, code, signal, reason };
      },
    };
  },
};

let files = 0;

/**
 * The options for a spec. The command stands in a file: the suite looks for processes by their arguments, which are not to be
 * this program's, too. So does what no program can be given.
 */
function typed(spec: Spec, folder: string): string[] {
  const { command, env = {}, cwd } = spec;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const isTypable = Object.keys(env).every((name) => /^\w+$/.test(name)) && variables.every(canBeTyped);
  files += 1;
  const file = join(folder, `${files}.json`);
  const what = typeof command === "string" ? { shell: command } : { command };
  const untyped = { ...(isTypable ? {} : { env }), ...(canBeTyped(cwd ?? "") ? {} : { cwd }) };
  writeFileSync(file, JSON.stringify({ ...what, ...untyped }));
  const options = [
    ["--cwd", "cwd" in untyped ? undefined : cwd],
    ["--alias", spec.alias],
    ["--timeout", spec.runTimeoutSeconds],
    ["--idle-timeout", spec.idleTimeoutSeconds],
    ["--grace", spec.stopGraceSeconds],
    ["--output-limit", spec.outputBytes],
    ["--leftovers", spec.leftovers],
    ["--callback", spec.callbackUrl],
    ...(spec.successExitCodes ?? []).map((code) => ["--success-code", code]),
    ...(isTypable ? variables.map((variable) => ["--env", variable]) : []),
  ].flatMap(([name, value]) => (value === undefined ? [] : [String(name), String(value)]));
  const flags = [spec.mergeOutput && "--merge", spec.discardOutput && "--discard"].filter(
    (flag) => flag !== undefined,
  );
  return ["--spec", file, ...options, ...flags];
}

/** A program's arguments have no NUL and no more than 128 KiB. */
function canBeTyped(text: string): boolean {
  return !text.includes("\0") && text.length < 100_000;
}

async function begin(errand: Cli, spec: Spec, folder: string): Promise<Run> {
  const stdin = spec.stdin === undefined ? {} : { stdin: spec.stdin };
  const timeoutMilliseconds = 3 * endMilliseconds;
  const running = errand.start(["run", "--json", ...typed(spec, folder)], { ...stdin, timeoutMilliseconds });
  const jobId = await started(running);
  const ended = running.ended.then((said) => toldBy(said));
  // Who leaves does not look at it.
  ended.catch(() => undefined);
  return { jobId, ended, leave: () => running.signal("SIGKILL") };
}

/** The id of the job, once it is known. Throws `Refused`. */
async function started(running: RunningCli): Promise<string> {
  let said: Said | null = null;
  running.ended.then(
    (told) => {
      said = told;
    },
    () => undefined,
  );
  const line = () => (running.output.stdout.includes("\n") ? running.output.stdout : null);
  await until(() => line() ?? said, { timeoutMilliseconds: endMilliseconds, describe: "the start" });
  const [first] = (line() ?? "").split("\n", 1);
  if (first) return (JSON.parse(first) as { job: { id: string } }).job.id;
  const { code, stderr } = await running.ended;
  throw refused(code, stderr);
}

/** The code of an error stands behind its words. */
function refused(code: number | null, stderr: string): Refused {
  const [, message = stderr, name = null] = /^errand: ([\s\S]*) \(([a-z-]+)\)$/m.exec(stderr) ?? [];
  if (code === 125 || code === 126 || code === 127) return new Refused(name, message);
  throw new Error(`errand has ended with ${code}: ${stderr}`);
}

/** Of the events on stdout only these are looked at here. */
type Line = Pick<JobEvent, "type"> & {
  text?: string;
  base64?: string;
  outcome?: Outcome;
  job?: { id: string };
};

function toldBy({ code: exitCode, stdout, stderr }: Said): Told {
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  const bytes = (stream: string) =>
    Buffer.concat(
      events.flatMap(({ type, text, base64 }) =>
        type === stream ? [text === undefined ? Buffer.from(base64 ?? "", "base64") : Buffer.from(text)] : [],
      ),
    );
  const end = events.at(-1);
  if (end?.type !== "ended" || !end.outcome || !end.job) throw new Error(`there is no end: ${stderr}`);
  const { code, signal, reason } = end.outcome;
  if (code !== null && exitCode !== code && !(code === 0 && exitCode === 125))
    throw new Error(`the exit code is ${exitCode}, and the command's was ${code}`);
  const truncated = (["stdout", "stderr"] as const).some((name) => Object(end.job)[name].truncated);
  const whole = !truncated && events.every(({ type }) => type !== "gap");
  return { jobId: end.job.id, stdout: bytes("stdout"), stderr: bytes("stderr"), code, signal, reason, whole };
}

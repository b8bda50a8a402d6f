import { type Server, startServer } from "../../support/server.ts";
import { postShell, refusal, type ShellData } from "../../support/sidecar.ts";
import {
  type Adapter,
  type Notice,
  notHere,
  Refused,
  type Run,
  type Spec,
  shellLine,
  type Told,
} from "../adapter.ts";

const noField = "its requests have no field for it";

/** The door `sidecar`: `POST /shell` answers with both outputs as text when the command has ended. */
export const sidecar: Adapter = {
  name: "sidecar",
  mode: "background",
  flags: {
    argv: "its command is a line for /bin/sh",
    anyText: true,
    cwd: true,
    env: true,
    exactBytes: "its answer is JSON text; the bytes are kept with the job",
    stderr: true,
    ending: true,
    reason: "its answer has exit code and signal alone",
    errorCodes: "its errors are a status and words",
    stopsWithClient: "a client that gives up does not stop the command",
    alias: noField,
    stdin: noField,
    mergeOutput: noField,
    discardOutput: noField,
    leftoversStop: noField,
    successExitCodes: noField,
    runTimeout: noField,
    idleTimeout: noField,
    outputLimit: noField,
    keptOutput: true,
    background: true,
    survives: true,
    detached: noField,
    callback: true,
  },
  async start(options) {
    // By default an answer is cut at 1 MiB.
    const env = { ERRAND_LIMITS_ANSWER_OUTPUT_BYTES: String(16 * 1024 * 1024), ...options.env };
    const server = await startServer({ ...options, env });
    return {
      server,
      begin: async (spec) => begin(server, spec),
      launch: async (spec) => (await post(server, { ...fieldsOf(spec), wait: false })).jobId,
      letGo: notHere,
      readNotice,
    };
  },
};

function fieldsOf({ command, cwd, env, callbackUrl }: Spec): Readonly<Record<string, unknown>> {
  return { command: shellLine(command), workdir: cwd, envs: env, callbackURL: callbackUrl };
}

function begin(server: Server, spec: Spec): Run {
  const controller = new AbortController();
  const ended = post(server, { ...fieldsOf(spec), wait: true }, controller.signal).then(told);
  // Who leaves does not look at it.
  ended.catch(() => undefined);
  return { jobId: null, ended, leave: () => controller.abort() };
}

async function post(server: Server, fields: unknown, signal?: AbortSignal): Promise<ShellData> {
  const response = await postShell(server, fields, signal === undefined ? {} : { signal });
  if (response.status !== 200) throw new Refused(null, (await refusal(response)).message);
  return ((await response.json()) as { data: ShellData }).data;
}

function told({ jobId, stdout, stderr, exitCode, signal, truncated }: ShellData): Told {
  const output = { stdout: bytesOf(stdout), stderr: bytesOf(stderr) };
  return { jobId, ...output, code: exitCode, signal, reason: null, whole: truncated === undefined };
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

function readNotice(body: string): Notice {
  const { stdout, stderr } = (JSON.parse(body) as { kwargs: { stdout: string; stderr: string } }).kwargs;
  return { stdout, stderr };
}

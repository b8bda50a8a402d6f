import type { WireJob } from "../../../src/protocol/job.ts";
import {
  type Attributes,
  postXml,
  readAnswers,
  refusal,
  type ShellAnswer,
  shell,
  shellTag,
} from "../../support/flexideo.ts";
import { type Server, startServer } from "../../support/server.ts";
import { until } from "../../support/wait.ts";
import {
  type Adapter,
  endMilliseconds,
  notHere,
  Refused,
  type Run,
  type Spec,
  type Told,
} from "../adapter.ts";

const noField = "its requests have no attribute for it";

/** The door `flexideo` through async calls: start one, ask until it has ended. */
export const flexideo: Adapter = {
  name: "flexideo",
  mode: "background",
  flags: {
    argv: true,
    exactBytes: true,
    anyText: "what XML cannot hold cannot stand in its requests",
    cwd: noField,
    env: noField,
    stderr: true,
    ending: "one number tells code and signal",
    reason: "its answer has a status alone",
    errorCodes: "its errors are words",
    stopsWithClient: "a client that goes away stops nothing",
    alias: noField,
    stdin: true,
    mergeOutput: true,
    discardOutput: true,
    leftoversStop: noField,
    successExitCodes: "it takes one",
    runTimeout: "its timeout is in whole seconds, the grace is the server's",
    idleTimeout: noField,
    outputLimit: noField,
    keptOutput: true,
    background: true,
    survives: "only what asks for it",
    detached: true,
    callback: noField,
  },
  async start(options) {
    const server = await startServer(options);
    return {
      server,
      begin: async (spec) => follow(server, await launch(server, spec)),
      launch: (spec) => launch(server, spec),
      letGo: (spec) => letGo(server, spec),
      readNotice: notHere,
    };
  },
};

/** The answer to a start, unless it is refused. */
async function call(server: Server, how: "async" | "detach", spec: Spec): Promise<ShellAnswer> {
  const { command, stdin, mergeOutput, discardOutput } = spec;
  const attributes: Attributes = {
    command: commandLine(typeof command === "string" ? ["/bin/sh", "-c", command] : command),
    call: how,
    "join-output": mergeOutput === true || discardOutput === true,
    "no-output": discardOutput === true,
    "input-encoding": "base64",
  };
  const tag = shellTag(attributes, Buffer.from(stdin ?? []).toString("base64"));
  const response = await postXml(server, `<request>${tag}</request>`);
  // Characters that XML cannot hold make a request that is no XML.
  if (response.status !== 200) throw new Refused(null, (await refusal(response)).detail);
  const [answer] = readAnswers(await response.text());
  if (answer === undefined) throw new Error("no answer");
  if (answer.status === "error") throw refused(answer.attributes.detail ?? "");
  return answer;
}

/** The door tells no codes; the system's own words are told of a start alone. */
function refused(detail: string): Refused {
  return new Refused(/\(os error \d+\)/.test(detail) ? "start-failed" : null, detail);
}

/** A line that is split into these arguments. */
function commandLine(command: readonly string[]): string {
  return command.map((argument) => `'${argument.replaceAll("'", `'\\''`)}'`).join(" ");
}

async function launch(server: Server, spec: Spec): Promise<string> {
  return (await call(server, "async", spec)).attributes.id ?? "";
}

/** The answer names no job; the record of the newest one that was let go does. */
async function letGo(server: Server, spec: Spec): Promise<string> {
  await call(server, "detach", spec);
  const response = await server.request("/v1/jobs?state=detached&limit=1");
  return ((await response.json()) as { jobs: WireJob[] }).jobs[0]?.id ?? "";
}

function follow(server: Server, jobId: string): Run {
  let left = false;
  const ask = async () => {
    const answer = await shell(server, { id: jobId, encode: "base64" });
    return answer.status === "running" && !left ? undefined : answer;
  };
  const answered = until(ask, { timeoutMilliseconds: endMilliseconds, describe: `the end of ${jobId}` });
  const ended = answered.then((answer) => told(jobId, answer));
  // Nobody may wait for it.
  ended.catch(() => undefined);
  return {
    jobId,
    ended,
    leave() {
      left = true;
    },
  };
}

function told(jobId: string, { status, output, error, attributes }: ShellAnswer): Told {
  const bytes = (text: string | undefined) => new Uint8Array(Buffer.from(text ?? "", "base64"));
  // What was killed may have had more to say.
  const whole = status !== "killed" && attributes.detail === undefined;
  return {
    jobId,
    stdout: bytes(output),
    stderr: bytes(error),
    code: null,
    signal: null,
    reason: null,
    whole,
  };
}

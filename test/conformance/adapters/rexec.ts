import type { Answer } from "../../support/answer.ts";
import { newAlias } from "../../support/jobs.ts";
import { rawConnection } from "../../support/raw.ts";
import { requestBytes } from "../../support/raw-request.ts";
import { errorOfAnswer } from "../../support/rexec-error.ts";
import { type Server, startServer } from "../../support/server.ts";
import {
  type Adapter,
  endMilliseconds,
  notHere,
  Refused,
  type Run,
  type Spec,
  type Told,
} from "../adapter.ts";

const noField = "its requests have no field for it";
const streamed = "its answer is stdout alone; the record tells the rest";

/** The door `rexec`: the answer to `POST /process` is the command's stdout. */
export const rexec: Adapter = {
  name: "rexec",
  mode: "attached",
  flags: {
    argv: true,
    anyText: true,
    cwd: true,
    env: true,
    exactBytes: true,
    stderr: streamed,
    ending: streamed,
    reason: streamed,
    errorCodes: true,
    stopsWithClient: true,
    alias: true,
    stdin: noField,
    mergeOutput: noField,
    discardOutput: noField,
    leftoversStop: noField,
    successExitCodes: noField,
    runTimeout: noField,
    idleTimeout: noField,
    outputLimit: noField,
    keptOutput: "its output goes to the client and is not kept",
    background: "its job ends with the request",
    survives: "its job ends with the request",
    detached: "its job ends with the request",
    callback: noField,
  },
  async start(options) {
    const server = await startServer(options);
    return {
      server,
      begin: (spec) => begin(server, spec),
      launch: notHere,
      letGo: notHere,
      readNotice: notHere,
    };
  },
};

/** The codes of the protocol in the words of the table of errors. */
const codes: Readonly<Record<string, string>> = {
  InvalidCreateProcessRequest: "invalid-request",
  AlreadyRunning: "already-running",
  FailedToExecuteProcess: "start-failed",
};

async function begin(server: Server, { command, cwd, env, alias }: Spec): Promise<Run> {
  const [cmd, ...args] = typeof command === "string" ? ["/bin/sh", "-c", command] : command;
  const body = JSON.stringify({ alias: alias ?? newAlias(), cmd, args, cwd, envs: env });
  const connection = await rawConnection(server);
  connection.send(requestBytes(server, { body }));
  const head = await connection.untilHead(endMilliseconds);
  if (head.status !== 200) {
    const { code, text } = errorOfAnswer(await connection.untilAnswered());
    throw new Refused(codes[code] ?? code, text);
  }
  const end = async () => {
    const answer = await connection.untilAnswered(endMilliseconds);
    connection.close();
    return told(connection.jobId, answer);
  };
  const ended = end();
  // Who leaves does not look at it.
  ended.catch(() => undefined);
  return { jobId: connection.jobId, ended, leave: () => connection.close() };
}

function told(jobId: string, { body, complete, cut }: Answer): Told {
  const untold = { stderr: null, code: null, signal: null, reason: null };
  return { jobId, stdout: new Uint8Array(body), ...untold, whole: complete && !cut };
}

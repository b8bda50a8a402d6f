import { type Attached, attach } from "../../support/attach.ts";
import { type Server, startServer } from "../../support/server.ts";
import { type Adapter, endMilliseconds, type Run, type Spec, type Told } from "../adapter.ts";
import { bodyOf, post, readNotice, v1 } from "./v1.ts";

/** stdin is sent in pieces of so many bytes. */
const pieceBytes = 60_000;

/** The door `v1` through the WebSocket: start a job, attach to it, write what it reads, take what it says. */
export const webSocket: Adapter = {
  name: "v1 through the WebSocket",
  mode: "background",
  flags: v1.flags,
  async start(options) {
    const server = await startServer(options);
    return {
      server,
      begin: (spec) => begin(server, spec),
      launch: async (spec) => (await post(server, bodyOf(spec))).id,
      letGo: async (spec) => (await post(server, { ...bodyOf(spec), mode: "detached" })).id,
      readNotice,
    };
  },
};

async function begin(server: Server, { stdin, ...spec }: Spec): Promise<Run> {
  const open = stdin === undefined ? {} : { stdin: "open" };
  const { id } = await post(server, { ...bodyOf(spec), ...open });
  const attached = await attach(server, id);
  if (stdin !== undefined) give(attached, stdin);
  const ended = endOf(attached, id);
  // Who leaves does not look at it.
  ended.catch(() => undefined);
  return { jobId: id, ended, leave: () => attached.cut() };
}

function give(attached: Attached, stdin: Uint8Array): void {
  for (let offset = 0; offset < stdin.byteLength; offset += pieceBytes)
    attached.type(stdin.subarray(offset, offset + pieceBytes));
  attached.closeStdin();
}

async function endOf(attached: Attached, jobId: string): Promise<Told> {
  await attached.untilClosed(endMilliseconds);
  const [ended] = attached.all("ended");
  if (attached.closeCode !== 1000 || ended?.outcome == null) throw new Error(`no end: ${attached.closeCode}`);
  const { code, signal, reason } = ended.outcome;
  const bytes = (stream: "stdout" | "stderr") =>
    new Uint8Array(Buffer.from(attached.output[stream], "latin1"));
  const whole = attached.all("gap").length === 0;
  return { jobId, stdout: bytes("stdout"), stderr: bytes("stderr"), code, signal, reason, whole };
}

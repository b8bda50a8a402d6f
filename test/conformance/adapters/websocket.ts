import type { Attachment } from "../../../src/sdk/attach.ts";
import { Errand } from "../../../src/sdk/errand.ts";
import { ErrandError } from "../../../src/sdk/errors.ts";
import { startServer } from "../../support/server.ts";
import type { Adapter, Run, Spec, Told } from "../adapter.ts";
import { leaving, notice, specOf, startIt } from "./sdk.ts";
import { v1 } from "./v1.ts";

/** The WebSocket `errand.v1`, through the SDK: attached right after the start, with all input and output over the socket. */
export const webSocket: Adapter = {
  name: "WebSocket",
  mode: "background",
  flags: v1.flags,
  async start(options) {
    const server = await startServer(options);
    const errand = new Errand({ url: server.url, token: server.token });
    return {
      server,
      begin: (spec) => begin(errand, spec),
      launch: async (spec) => (await startIt(errand, specOf(spec))).id,
      letGo: async (spec) => (await startIt(errand, { ...specOf(spec), mode: "detached" })).id,
      readNotice: notice,
    };
  },
};

async function begin(errand: Errand, { stdin, ...spec }: Spec): Promise<Run> {
  const job = await startIt(errand, { ...specOf(spec), ...(stdin && { stdin: "open" }) });
  const controller = new AbortController();
  let gaps = 0;
  const attachment = await job.attach({
    signal: controller.signal,
    onEvent({ type }) {
      if (type === "gap") gaps += 1;
    },
  });
  if (stdin !== undefined) feed(attachment, stdin);
  const ended = collect(attachment).then((told) => ({ ...told, whole: told.whole && gaps === 0 }));
  return leaving(job.id, ended, controller);
}

/** A command may read less than it is given. */
function feed({ stdin }: Attachment, bytes: Uint8Array): void {
  new Blob([bytes.slice()])
    .stream()
    .pipeTo(stdin)
    .catch((error: unknown) => {
      if (!(error instanceof ErrandError && error.code === "stdin-closed")) throw error;
    });
}

async function collect(attachment: Attachment): Promise<Told> {
  const [stdout, stderr, outcome] = await Promise.all([
    new Response(attachment.stdout).bytes(),
    new Response(attachment.stderr).bytes(),
    attachment.ended,
  ]);
  const { job } = attachment;
  if (outcome === null) throw new Error(`job ${job.id} has no outcome`);
  const { code, signal, reason } = outcome;
  const whole = !job.stdout.truncated && !job.stderr.truncated;
  return { jobId: job.id, stdout, stderr, code, signal, reason, whole };
}

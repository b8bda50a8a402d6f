// What programs may rely on, checked by the compiler: here with the sources, in package.test.ts with the package.

import {
  Cancelled,
  CommandFailed,
  ConnectionError,
  Errand,
  ErrandError,
  type ErrandOptions,
  isOver,
  type Job,
  type JobEvent,
  type JobRecord,
  type JobSpec,
  type LifecycleEvent,
  type NewToken,
  type Outcome,
  type RunResult,
  type ServerInfo,
  Sidecar,
  StreamCut,
  type Token,
} from "../../src/sdk/index.ts";

type Same<One, Two> = (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Two ? 1 : 2 ? true : false;

/** Fails to compile unless the two types are the same. */
function same<One, Two>(..._: Same<One, Two> extends true ? [] : ["the types differ"]): void {}

/** Is compiled, and never called. */
export async function expected(options: ErrandOptions, signal: AbortSignal): Promise<void> {
  const errand = new Errand(options);
  const job = await errand.start({ command: ["ls"] }, { signal, idempotencyKey: "k", wait: 1 });
  same<typeof job, Job>();
  same<typeof job.record, JobRecord | null>();
  same<ReturnType<Errand["job"]>, Job>();

  const result = await errand.run(["ls"], { check: false, signal });
  same<typeof result, RunResult>();
  same<typeof result.stdout, string>();
  same<typeof result.outcome, Outcome>();
  same<typeof result.outcome.code, number | null>();
  same<typeof result.outcome.signal, string | null>();
  await errand.run({ shell: "ls", cwd: "/", env: { A: "1" }, stdin: { text: "" }, labels: { a: "b" } });

  for await (const event of job.events({ cursor: "0-0", follow: false, signal })) {
    same<typeof event, JobEvent>();
    same<typeof event.cursor, string>();
    switch (event.type) {
      case "started":
        same<typeof event.job, JobRecord>();
        break;
      case "stdout":
      case "stderr":
        same<typeof event.text, string>();
        same<typeof event.bytes, Uint8Array<ArrayBuffer>>();
        same<typeof event.offset, number>();
        break;
      case "gap":
        same<typeof event.stream, "stdout" | "stderr">();
        break;
      case "ended":
        same<typeof event.outcome, Outcome | null>();
        break;
      default:
        // All types of events have been seen.
        same<typeof event, never>();
    }
  }

  same<ReturnType<Job["stdout"]>, ReadableStream<Uint8Array<ArrayBuffer>>>();
  same<ReturnType<Job["stdin"]>, WritableStream<Uint8Array | string>>();
  await new Blob(["a"]).stream().pipeTo(job.stdin());
  same<Awaited<ReturnType<Job["wait"]>>, JobRecord>();
  same<Awaited<ReturnType<Job["delete"]>>, void>();
  const record = await job.stop({ graceSeconds: 1, signal });
  if (isOver(record)) same<typeof record.state, JobRecord["state"]>();

  for await (const one of errand.list({ state: ["running", "ended"], since: new Date() }, { signal })) {
    same<typeof one, JobRecord>();
  }
  for await (const event of errand.events()) same<typeof event, LifecycleEvent>();
  same<Awaited<ReturnType<Errand["info"]>>, ServerInfo>();
  const token = await errand.tokens.create({ name: "ci", scopes: ["read"], expiresAt: new Date() });
  same<typeof token, NewToken>();
  same<typeof token.secret, string>();
  const [known] = await errand.tokens.list();
  same<typeof known, Token | undefined>();

  new Sidecar({ url: "http://127.0.0.1" });
}

/** Errors tell what they have. */
export function errors(error: unknown): void {
  if (error instanceof CommandFailed) same<typeof error.result, RunResult>();
  else if (error instanceof StreamCut) same<typeof error.received.cursor, string | null>();
  else if (error instanceof ErrandError) same<typeof error.retryAfterSeconds, number | null>();
  else if (error instanceof ConnectionError || error instanceof Cancelled)
    same<typeof error.cause, unknown>();
}

/** Each of these must not compile. */
export async function refused(errand: Errand, job: Job, spec: JobSpec): Promise<void> {
  // @ts-expect-error: an address is needed
  new Errand({ token: "t" });
  // @ts-expect-error: a line is no list of arguments
  await errand.run("ls -l");
  // @ts-expect-error: one of command and shell
  await errand.start({ command: ["ls"], shell: "ls" });
  // @ts-expect-error: one of command and shell
  await errand.start({ cwd: "/" });
  // @ts-expect-error: no such field
  await errand.start({ command: ["ls"], timeout: 5 });
  // @ts-expect-error: no such mode
  await errand.start({ command: ["ls"], mode: "forever" });
  // @ts-expect-error: values of labels are texts
  await errand.start({ command: ["ls"], labels: { a: 1 } });
  // @ts-expect-error: not both of text and open
  await errand.start({ command: ["ls"], stdin: "text" });
  // @ts-expect-error: no such state
  errand.list({ state: "done" });
  // @ts-expect-error: no such scope
  await errand.tokens.create({ name: "ci", scopes: ["write"] });
  // @ts-expect-error: only a started job has events
  spec.events();
  // @ts-expect-error: records are not to be written to
  if (job.record !== null) job.record.state = "ended";
  for await (const event of job.events()) {
    // @ts-expect-error: only output has bytes
    event.bytes.byteLength;
    // @ts-expect-error: it may be that the job never ran
    if (event.type === "ended") event.outcome.code;
  }
  const attachment = await job.attach({ replay: "screen", size: { cols: 80, rows: 24 } });
  const pieces: ReadableStream<Uint8Array> = attachment.stdout;
  await attachment.stdin.getWriter().write("text");
  attachment.resize({ cols: 80, rows: 24 });
  // @ts-expect-error: no such picture
  await job.attach({ replay: "last" });
  // @ts-expect-error: it may be that the job never ran
  (await attachment.ended).code;
  return void pieces;
}

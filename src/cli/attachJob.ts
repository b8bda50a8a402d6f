import { constants } from "node:os";
import type { Attachment } from "../sdk/attach.ts";
import type { AttachEvent } from "../sdk/attachTypes.ts";
import type { Job } from "../sdk/job.ts";
import type { JobRecord } from "../sdk/jobTypes.ts";
import type { AttachOptions } from "../sdk/options.ts";
import { DetachWatch, defaultDetachKeys } from "./detachKeys.ts";
import { endingOf } from "./ending.ts";
import { CliError, exitCodes, usageError } from "./exitCodes.ts";
import { isIgnored } from "./ignoredSignals.ts";
import { inputStream } from "./input.ts";
import type { Surroundings } from "./surroundings.ts";
import { TerminalModes } from "./terminalModes.ts";
import { withoutReplies } from "./terminalReplies.ts";
import { onResize, terminalSize } from "./terminalSize.ts";
import { rawMode } from "./termios.ts";

const leaving = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"] as const;
const signalBase = 128;
const interruptKey = 0x03;

/** How to attach. */
export interface AttachWish extends Pick<AttachOptions, "readOnly" | "replay" | "dropQueries"> {
  /** Said by whoever attaches; without it, the usual ones. */
  readonly detachKeys?: readonly number[] | undefined;
}

/** The refusal of `--detach-keys` where nothing looks for them. */
export function noKeys(why: string): CliError {
  return usageError(`--detach-keys: ${why}, so that no keys are looked for`);
}

/** Why this program goes, while the job goes on. */
type Leave =
  | { readonly why: "detached" }
  | { readonly why: "signal"; readonly signal: (typeof leaving)[number] };

/** Puts this terminal, or what stands in its place, in front of a job, and gives the exit code. */
export async function attachJob(job: Job, wish: AttachWish, surroundings: Surroundings): Promise<number> {
  const session = await LocalSession.open(job, wish, surroundings);
  const left = await session.run();
  if (left === null) return await finish(session, surroundings);
  const { stderr } = surroundings;
  const isDetached = left.why === "detached";
  const words = isDetached ? "detached from" : `${left.signal}: left`;
  // Whoever sent the signal may have taken the terminal away.
  await stderr
    .write(`errand: ${words} job ${job.id}; errand attach ${job.id} comes back to it\n`)
    .catch(() => {});
  return isDetached ? exitCodes.done : signalBase + constants.signals[left.signal];
}

async function finish(session: LocalSession, { stderr }: Surroundings): Promise<number> {
  const { missed, record } = session;
  const { exitCode, note } = endingOf(record);
  if (note !== null) await stderr.write(`errand: ${note}\n`);
  if (missed === 0) return exitCode;
  await stderr.write(`errand: the output is not whole: ${missed} bytes were not kept, or came too fast\n`);
  return exitCode === exitCodes.done ? exitCodes.ownFailure : exitCode;
}

/** One job in front of this terminal, from raw mode to its end. */
class LocalSession {
  /** Bytes of output that did not come. */
  missed = 0;
  readonly #wish: AttachWish;
  readonly #surroundings: Surroundings;
  readonly #modes = new TerminalModes();
  readonly #watch: DetachWatch;
  #attachment!: Attachment;
  /** What is shown is old, so that what the terminal says of it is not for the job. */
  #isReplay: boolean;
  #hasLeft = false;
  #leave: (left: Leave) => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  readonly #left = new Promise<Leave>((resolve, reject) => {
    this.#leave = resolve;
    this.#fail = reject;
  });

  private constructor(wish: AttachWish, surroundings: Surroundings) {
    this.#wish = wish;
    this.#surroundings = surroundings;
    this.#watch = new DetachWatch(wish.detachKeys ?? defaultDetachKeys);
    this.#isReplay = wish.dropQueries === "replayed";
  }

  static async open(job: Job, wish: AttachWish, surroundings: Surroundings): Promise<LocalSession> {
    const session = new LocalSession(wish, surroundings);
    const { readOnly, replay, dropQueries } = wish;
    const isTerminal = surroundings.isTerminal(1);
    session.#attachment = await job.attach({
      ...{ readOnly, replay },
      // A file or a program answers nothing, and gets the bytes as they are.
      dropQueries: isTerminal ? dropQueries : "never",
      size: isTerminal && !readOnly ? terminalSize() : undefined,
      onEvent: (event) => session.#event(event),
    });
    if (wish.detachKeys !== undefined && session.record.tty === null) {
      session.#attachment.detach();
      throw noKeys(`job ${job.id} has no terminal`);
    }
    return session;
  }

  /** Of the job, as it was last told. */
  get record(): JobRecord {
    return this.#attachment.job;
  }

  /** Null when the job has ended. Throws what `attachment.ended` rejects with. */
  async run(): Promise<Leave | null> {
    const hasTerminal = this.#surroundings.isTerminal(0) && this.#attachment.job.tty !== null;
    const endListening = this.#listen();
    const restore = hasTerminal ? enterRawMode() : () => undefined;
    try {
      await this.#makeRoom();
      this.#feed(hasTerminal).catch(this.#fail);
      const shown = Promise.all([this.#show("stdout"), this.#show("stderr")]);
      const over = Promise.all([shown, this.#attachment.ended]).then(() => null);
      const left = await Promise.race([over, this.#left]);
      // What the job has shown last stays where it is.
      this.#hasLeft = left !== null;
      return left;
    } catch (error) {
      this.#hasLeft = true;
      throw error;
    } finally {
      this.#attachment.detach();
      restore();
      endListening();
      if (hasTerminal) await this.#tidy();
    }
  }

  /** The picture of a screen is drawn on an empty one; what stood there can be scrolled back to. */
  async #makeRoom(): Promise<void> {
    const { isTerminal, stdout } = this.#surroundings;
    if (this.#wish.replay !== "screen" || this.#attachment.job.tty === null || !isTerminal(1)) return;
    await stdout.write(`${"\r\n".repeat(terminalSize().rows)}\u001b[H`);
  }

  /** Undoes what the job has made of the terminal, and goes below what it has shown when it is left in the middle. */
  async #tidy(): Promise<void> {
    const { isTerminal, stdout } = this.#surroundings;
    const words = this.#modes.undo() + (this.#hasLeft ? "\r\n" : "");
    if (isTerminal(1) && words !== "") await stdout.write(words).catch(() => {});
  }

  #event(event: AttachEvent): void {
    if (event.type === "live") this.#isReplay = false;
    if (event.type === "resumed") this.#isReplay = true;
    if (event.type === "gap") this.missed += event.to - event.from;
  }

  /** Signals end this program in order. */
  #listen(): () => void {
    const heard = leaving.filter((signal) => !isIgnored(signal));
    const handlers = heard.map((signal) => [signal, () => this.#leave({ why: "signal", signal })] as const);
    for (const [signal, handler] of handlers) process.on(signal, handler);
    const isResizing = this.#wish.readOnly !== true && this.#surroundings.isTerminal(1);
    const endResizing = isResizing
      ? onResize(() => this.#attachment.resize(terminalSize()))
      : () => undefined;
    return () => {
      endResizing();
      for (const [signal, handler] of handlers) process.off(signal, handler);
    };
  }

  async #show(name: "stdout" | "stderr"): Promise<void> {
    const output = this.#surroundings[name];
    for await (const bytes of this.#attachment[name]) {
      if (this.#hasLeft) return;
      if (name === "stdout") this.#modes.watch(bytes);
      await output.write(bytes);
    }
  }

  async #feed(hasTerminal: boolean): Promise<void> {
    const writer = this.#wish.readOnly === true ? null : this.#attachment.stdin.getWriter();
    // An input that is closed is told by an event; the end of the job by the end of everything.
    writer?.closed.catch(() => undefined);
    if (writer === null && !hasTerminal) return;
    for await (const typed of inputStream(0)) {
      const { passed, isDetached } = hasTerminal
        ? this.#watch.take(this.#isReplay ? withoutReplies(typed) : typed)
        : { passed: typed, isDetached: false };
      const isTaken = passed.byteLength === 0 || (await isWritten(writer, passed));
      const isInterrupted = writer === null && passed.includes(interruptKey);
      if (isDetached || isInterrupted) return this.#leave({ why: "detached" });
      // The command reads no more; what it writes still comes, and one can still leave it.
      if (!isTaken && !hasTerminal) return;
    }
    if (hasTerminal) this.#leave({ why: "detached" });
    else await writer?.close().catch(() => undefined);
  }
}

/** False when it can no longer be written; why is told by the end of everything. */
async function isWritten(
  writer: ReturnType<Attachment["stdin"]["getWriter"]> | null,
  bytes: Uint8Array,
): Promise<boolean> {
  if (writer === null) return false;
  return await writer.write(bytes).then(
    () => true,
    () => false,
  );
}

/** Has every key handed on as it is typed; gives what ends that, which happens on every way out of this program. */
function enterRawMode(): () => void {
  const restore = rawMode(0);
  if (restore === null)
    throw new CliError(exitCodes.ownFailure, "this terminal cannot be made to pass keys on");
  process.on("exit", restore);
  return () => {
    restore();
    process.off("exit", restore);
  };
}

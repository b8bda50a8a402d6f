import type { ActiveJob } from "../../core/activeJob.ts";
import type { Broker } from "../../core/broker.ts";
import { isJobId } from "../../core/ids.ts";
import { type EndedJob, isLive, type Job } from "../../core/job.ts";
import type { Limits } from "../../core/limits.ts";
import type { Answer } from "./answer.ts";
import { CommandLines } from "./commandLines.ts";
import { decode, type OutputForm, type ShellRequest } from "./decode.ts";
import type { RequestElement } from "./element.ts";
import { encodeEnded, encodeStarted, encodeUnended, hasOutput, type JobName } from "./encodeJob.ts";
import { KeptOutput, OutputGone } from "./kept.ts";
import { contentOf, type OutputContent, OutputFormError } from "./output.ts";
import type { Pages } from "./pages.ts";
import { type Attributes, emptyTag, endTag, startTag } from "./tags.ts";

interface ShellsParts {
  readonly broker: Broker;
  readonly limits: Pick<Limits, "wholeTextBytes">;
  readonly pages: Pages;
}

/** Whose request it is, and where it is answered. */
interface Asker {
  readonly owner: string;
  readonly door: string;
  readonly answer: Answer;
}

type Start = Extract<ShellRequest, { kind: "start" }>;
type Fetch = Extract<ShellRequest, { kind: "fetch" }>;

/** The element of each stream. */
const outputs = { stdout: "output", stderr: "error" } as const;

/** Carries out `<shell>` elements. */
export class Shells {
  readonly #parts: ShellsParts;
  readonly #lines = new CommandLines();

  constructor(parts: ShellsParts) {
    this.#parts = parts;
  }

  /** Throws what is wrong with the request; nothing has been written then. */
  async carryOut(element: RequestElement, asker: Asker): Promise<void> {
    const request = decode(element, this.#parts.pages);
    if (request.kind === "fetch") await this.#fetch(request, asker);
    else await this.#start(request, element.attributes.get("command") ?? "", asker);
  }

  async #fetch({ id, form }: Fetch, { answer }: Asker): Promise<void> {
    const job = isJobId(id) ? this.#parts.broker.get(id) : undefined;
    if (job?.mode !== "background") await told(answer, { status: "not-found", id });
    else await this.#tell(job, { id, command: this.#lines.of(id, job.command) }, form, answer);
  }

  async #start({ call, spec, form }: Start, command: string, { owner, door, answer }: Asker): Promise<void> {
    const { broker } = this.#parts;
    const origin = { owner, door };
    if (call === "detach") {
      const job = broker.startDetached(spec, origin);
      await told(answer, encodeStarted(job, "detached", { id: null, command }));
      return;
    }
    const active = await broker.startBackground(spec, origin);
    const { id } = active.job;
    this.#lines.remember(id, command, spec.command);
    if (call === "async") await told(answer, encodeStarted(active.job, "running", { id, command }));
    else await this.#tell(await endOf(active), { id: null, command }, form, answer);
  }

  async #tell(job: Job, name: JobName, form: OutputForm, answer: Answer): Promise<void> {
    if (answer.gone) return;
    if (job.state !== "ended") await told(answer, encodeUnended(job, name));
    else if (!hasOutput(job)) await told(answer, encodeEnded(job, name));
    else await this.#tellEnded(job, name, form, answer);
  }

  async #tellEnded(job: EndedJob, name: JobName, form: OutputForm, answer: Answer): Promise<void> {
    const attributes = encodeEnded(job, name);
    let contents: Map<string, OutputContent>;
    try {
      contents = await this.#contents(job, form);
    } catch (error) {
      if (error instanceof OutputGone) await told(answer, { status: "not-found", id: job.id });
      else if (error instanceof OutputFormError) {
        const detail = `${error.message}. The output is kept: id="${job.id}"`;
        await told(answer, { ...attributes, status: "error", detail });
      } else throw error;
      return;
    }
    await answer.write(startTag("shell", attributes));
    try {
      for (const [element, content] of contents) {
        await answer.write(startTag(element, {}));
        for await (const piece of content()) {
          if (answer.gone) return;
          await answer.write(piece);
        }
        await answer.write(endTag(element));
      }
    } catch (error) {
      // What was written of it cannot be taken back.
      answer.cut();
      if (!(error instanceof OutputGone)) throw error;
    }
    await answer.write(endTag("shell"));
  }

  /** What stands in each element. A stream that was discarded has none. */
  async #contents(job: EndedJob, form: OutputForm): Promise<Map<string, OutputContent>> {
    const { broker, limits } = this.#parts;
    const contents = new Map<string, OutputContent>();
    for (const stream of ["stdout", "stderr"] as const) {
      if (job.output[stream].bytes === null) continue;
      const output = KeptOutput.of(broker, job.id, stream);
      contents.set(outputs[stream], await contentOf(output, form, limits.wholeTextBytes));
    }
    return contents;
  }
}

async function told(answer: Answer, attributes: Attributes): Promise<void> {
  await answer.write(emptyTag("shell", attributes));
}

/** The job when it has ended, whether or not its client is still there. */
function endOf(active: ActiveJob): Promise<Job> {
  if (!isLive(active.job)) return Promise.resolve(active.job);
  return new Promise((resolve) => {
    active.onEnd(resolve);
  });
}

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Answer } from "../../support/answer.ts";
import { temporaryDirectory } from "../../support/cleanup.ts";
import { newAlias, type ProcessSpec } from "../../support/jobs.ts";
import { newToken } from "../../support/processes.ts";
import type { RawRequest } from "../../support/raw-request.ts";
import { crashProgram } from "./programs.ts";

/**
 * One alias with a program that proves whether two ever run at once: it takes a lock that the kernel keeps while any
 * process of its tree lives, and leaves a note when it finds the lock taken.
 */
export class Exclusive {
  readonly alias = newAlias("exclusive");
  readonly token = newToken();
  readonly #folder = temporaryDirectory("exclusive");
  readonly #gate = join(this.#folder, "gate");
  readonly #violations = join(this.#folder, "violations");

  /** Starts the program; `stubborn`: with a child that TERM, session, group and environment do not lead to. */
  request({ stubborn = false } = {}): RawRequest {
    const args = [this.token, join(this.#folder, "lock"), this.#violations, this.#gate];
    return startRequest({
      alias: this.alias,
      cmd: crashProgram("exclusive"),
      args: stubborn ? [...args, "stubborn"] : args,
    });
  }

  /** A start under the alias that must fail. */
  failingRequest(): RawRequest {
    return startRequest({ alias: this.alias, cmd: "/no/such/program" });
  }

  /** Lets the program end by itself, now and until `close`. */
  open(): void {
    writeFileSync(this.#gate, "");
  }

  close(): void {
    rmSync(this.#gate, { force: true });
  }

  /** How often the program ran while it ran already. */
  violations(): number {
    return existsSync(this.#violations)
      ? readFileSync(this.#violations, "utf8").trim().split("\n").length
      : 0;
  }
}

/** A request of the rexec door. */
export function startRequest(spec: ProcessSpec): RawRequest {
  return { method: "POST", path: "/process", body: JSON.stringify(spec) };
}

/** How many answers have which status, such as `{ 200: 1, 409: 49 }`. */
export function statuses(answers: readonly Pick<Answer, "status">[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

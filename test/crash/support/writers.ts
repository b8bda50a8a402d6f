import { expect } from "bun:test";
import type { Server } from "../../support/server.ts";
import { ended, outputText, type Spec } from "./background.ts";
import { crashProgram } from "./programs.ts";

/** A command that writes numbered lines on both streams for a while, and what must be told of it at the end. */
export class Writer {
  readonly lines: number;
  readonly code: number;
  /** Of its job, once that is known. */
  id = "";

  constructor(mostLines: number) {
    this.lines = 1 + Math.floor(Math.random() * mostLines);
    this.code = this.lines % 256;
  }

  spec(token: string): Spec {
    return { command: [crashProgram("two-streams"), token, String(this.lines), String(this.code)] };
  }

  /** Waits for its end, which must be true, with all that it has written. */
  async expectWhole(server: Server, waitSeconds = 30): Promise<void> {
    const { id, lines, code } = this;
    const job = await ended(server, id, waitSeconds);
    expect(job).toMatchObject({ state: "ended", outcome: { reason: "exited", code, signal: null } });
    expect(await outputText(server, id, "stdout")).toBe(numbered("out", lines));
    expect(await outputText(server, id, "stderr")).toBe(numbered("err", lines));
  }
}

function numbered(word: string, lines: number): string {
  return Array.from({ length: lines }, (_, line) => `${word} ${line}\n`).join("");
}

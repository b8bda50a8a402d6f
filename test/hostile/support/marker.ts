import { expect } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../../support/cleanup.ts";
import type { Server } from "../../support/server.ts";
import { postShell } from "../../support/sidecar.ts";

/** Commands for `POST /shell` that would each leave a file and a record behind, and the proof that none has run. */
export class Marker {
  readonly #server: Server;
  readonly #directory = temporaryDirectory("marker");
  #commands = 0;

  constructor(server: Server) {
    this.#server = server;
  }

  /** The body of a request that must not be carried out, unlike any other. */
  body(): string {
    this.#commands += 1;
    return JSON.stringify({ command: `touch ${join(this.#directory, String(this.#commands))}` });
  }

  /** The files that commands have left by now, without those of `expected`. */
  left(expected = 0): number {
    return readdirSync(this.#directory).length - expected;
  }

  /**
   * Holds when none but so many commands have run. One that is wanted runs last, so what was started before it is on
   * record by then.
   */
  async expectRan(expected: number): Promise<void> {
    const response = await postShell(this.#server, JSON.parse(this.body()));
    expect(response.status).toBe(200);
    const list = await this.#server.request("/v1/jobs?limit=500");
    const { jobs } = (await list.json()) as { jobs: { command: string[] }[] };
    const own = jobs.filter(({ command }) => command.some((word) => word.includes(this.#directory)));
    expect([own.length, this.left()]).toEqual([expected + 1, expected + 1]);
  }
}

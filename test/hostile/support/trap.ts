import { expect } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../../support/cleanup.ts";
import { newAlias, postBody } from "../../support/jobs.ts";
import type { Server } from "../../support/server.ts";

/** Commands that would each leave a file and a record behind, and the proof that none of them has run. */
export class Trap {
  readonly #server: Server;
  readonly #directory = temporaryDirectory("trap");
  readonly #prefix = newAlias("trap");
  #commands = 0;

  constructor(server: Server) {
    this.#server = server;
  }

  /** The body of a `POST /process` that must not be carried out. */
  body(more: Readonly<Record<string, unknown>> = {}): string {
    this.#commands += 1;
    const name = `${this.#prefix}-${this.#commands}`;
    return JSON.stringify({ alias: name, cmd: "touch", args: [join(this.#directory, name)], ...more });
  }

  /**
   * Holds when no command of this trap was started. One that is wanted runs last: it shows that the trap would have
   * closed and that the server goes on, and what was started before it is on record by then.
   */
  async expectNothingRan(): Promise<void> {
    const server = this.#server;
    const response = await postBody(server, this.body());
    const said = await response.text();
    expect([response.status, said]).toEqual([200, ""]);
    const wanted = `${this.#prefix}-${this.#commands}`;
    expect(existsSync(join(this.#directory, wanted))).toBe(true);
    const list = await server.request("/v1/jobs?limit=500");
    const { jobs } = (await list.json()) as { jobs: { alias: string | null }[] };
    const own = jobs.flatMap(({ alias }) => (alias?.startsWith(`${this.#prefix}-`) ? [alias] : []));
    expect([own, readdirSync(this.#directory)]).toEqual([[wanted], [wanted]]);
  }
}

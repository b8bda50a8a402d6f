// Connections that break while somebody types: nothing typed is lost or doubled, nothing is shown twice.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endOf, startJob, textOf } from "../contract/support/v1-start.ts";
import { type Attached, attach } from "../support/attach.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const cuts = 10;
const tty = { cols: 80, rows: 24 };

/** One person at one job, over as many connections as it takes. */
class Typist {
  connection: Attached | null = null;
  attacher = "";
  /** All that was typed, from the first connection on. */
  typed = "";
  /** What has been shown, up to the cursor. */
  shown = "";
  /** The first byte that the connection of now has not been given. */
  #sent = 0;
  #cursor = "0-0";

  constructor(readonly id: string) {}

  async connect(): Promise<void> {
    const query = this.attacher === "" ? "" : `?attacher=${this.attacher}&cursor=${this.#cursor}`;
    this.connection = await attach(server, this.id, { query });
    const { attacher, stdinOffset, cursor } = await this.connection.message("started");
    expect(cursor).toBe(this.#cursor);
    expect(stdinOffset).toBeLessThanOrEqual(this.typed.length);
    this.attacher = attacher;
    this.#sent = stdinOffset;
    this.#flush();
  }

  type(text: string): void {
    this.typed += text;
    this.#flush();
  }

  #flush(): void {
    const { typed } = this;
    for (; this.#sent < typed.length; this.#sent += 10_000)
      this.connection?.type(typed.slice(this.#sent, this.#sent + 10_000));
    this.#sent = typed.length;
  }

  /** Leaves without a word, and knows what came up to the last cursor. */
  cut(): void {
    this.connection?.cut();
    this.#note();
  }

  /** To be called when the connection has come to its end. */
  finish(): void {
    this.#note();
  }

  #note(): void {
    const { connection } = this;
    if (connection === null || connection.cursor === "") return;
    const [before, after] = [this.#cursor, connection.cursor].map((cursor) => Number(cursor.split("-")[0]));
    this.shown += connection.output.stdout.slice(0, (after ?? 0) - (before ?? 0));
    this.#cursor = connection.cursor;
  }
}

function line(number: number): string {
  return `line ${number} ${"x".repeat(number % 50)}\n`;
}

describe.each([
  ["a terminal", { shell: "stty raw -echo; echo ready; exec head -c SIZE", tty }],
  ["pipes", { shell: "echo ready; exec head -c SIZE", stdin: "open" }],
])("at %s:", (_name, spec) => {
  test(`${cuts} cuts while typing lines`, async () => {
    const lines = Array.from({ length: 400 }, (_, index) => line(index));
    const all = lines.join("");
    const shell = spec.shell.replace("SIZE", String(all.length));
    const { id } = await startJob(server, { ...spec, shell });
    const typist = new Typist(id);
    await typist.connect();
    // Until then a terminal would change what is typed.
    await typist.connection?.untilShown("ready\n");
    for (const [index, text] of lines.entries()) {
      typist.type(text);
      // Each cut at another moment between typing and hearing.
      if (index % 40 === 20) {
        await Bun.sleep((index / 40) % 4);
        typist.cut();
        await typist.connect();
      }
      if (index % 7 === 0) await Bun.sleep(1);
    }
    expect(await typist.connection?.untilClosed()).toBe(1000);
    typist.finish();
    expect((await endOf(server, id)).outcome).toMatchObject({ code: 0 });
    const kept = await textOf(server, id);
    expect(kept === `ready\n${all}`).toBe(true);
    expect(typist.shown).toBe(kept);
  });

  test(`${cuts} cuts while a command takes its time with much input`, async () => {
    const size = 600_000;
    const all = Array.from({ length: size / 10 }, (_, index) => String(index).padStart(9, "0"));
    const text = `${all.join("\n")}\n`;
    const slow = `i=0; while [ $i -lt 60 ]; do head -c 10000; i=$((i+1)); sleep 0.01; done`;
    const { id } = await startJob(server, { ...spec, shell: spec.shell.replace("exec head -c SIZE", slow) });
    const typist = new Typist(id);
    await typist.connect();
    await typist.connection?.untilShown("ready\n");
    typist.type(text);
    for (let cut = 1; cut <= cuts; cut += 1) {
      const enough = async () => (await textOf(server, id)).length >= (cut * size) / (cuts + 2);
      await until(enough, { describe: `a ${cut}. part of the output` });
      typist.cut();
      await typist.connect();
    }
    expect(await typist.connection?.untilClosed(30_000)).toBe(1000);
    typist.finish();
    const kept = await textOf(server, id);
    expect(kept === `ready\n${text}`).toBe(true);
    expect(typist.shown === kept).toBe(true);
  }, 40_000);
});

test("the newer connection of an attacher takes over while the older one is still writing", async () => {
  const shell = "stty raw -echo; echo ready; sleep 0.3; exec head -c 300000";
  const { id } = await startJob(server, { shell, tty });
  const text = Array.from({ length: 30_000 }, (_, index) => String(index).padStart(9, "0")).join("\n");
  const all = `${text}\n`;
  const first = await attach(server, id);
  const { attacher } = await first.message("started");
  await first.untilShown("ready\n");
  const pieces = all.match(/[\s\S]{1,10000}/g) ?? [];
  for (const piece of pieces.slice(0, 20)) first.type(piece);
  let last = first;
  for (let turn = 0; turn < 5; turn += 1) {
    const next = await attach(server, id, { query: `?attacher=${attacher}&replay=none` });
    const { stdinOffset } = await next.message("started");
    expect(await last.untilClosed()).toBe(4001);
    for (let from = stdinOffset; from < all.length; from += 10_000) next.type(all.slice(from, from + 10_000));
    last = next;
  }
  expect(await last.untilClosed(20_000)).toBe(1000);
  expect((await textOf(server, id)) === `ready\n${all}`).toBe(true);
});

test("an attacher that the server has forgotten is told so", async () => {
  const { id } = await startJob(server, { command: ["cat"], stdin: "open" });
  const first = await attach(server, id);
  first.type("1\n");
  await first.untilAcked(2);
  for (let other = 0; other < 64; other += 1) {
    const stranger = await attach(server, id, { query: "?replay=none" });
    stranger.type("2\n");
    await stranger.untilAcked(2);
    stranger.cut();
  }
  first.type("3\n");
  expect(await first.untilClosed()).toBe(4002);
  expect(first.all("error")).toMatchObject([{ code: "stdin-gap" }]);
  expect(await textOf(server, id)).toBe(`1\n${"2\n".repeat(64)}`);
});

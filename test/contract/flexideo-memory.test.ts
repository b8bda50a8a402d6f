// Contract flexideo: much output is answered from the disk, piece by piece, and what is not to be returned holds up nobody.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createCipheriv, createHash, type Hash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { MemoryWatch } from "../crash/support/memory-watch.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { launch, postXml, shell, shellTag } from "../support/flexideo.ts";
import { endedJob } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

const mebibyte = 1024 * 1024;
const total = 200_000_000;
const flood = 1_000_000_000;
const mostGrowth = 32 * mebibyte;
const timeoutMilliseconds = 90_000;

let server: Server;
let path: string;
let sha256: string;
beforeAll(async () => {
  server = await startServer({ atRest: true });
  path = join(temporaryDirectory("pattern"), "bytes");
  sha256 = writePattern(path);
  // The code is compiled and the heap has its usual size.
  for (let turn = 0; turn < 3; turn += 1) {
    await received({ command: `head -c ${64 * mebibyte} ${path}`, encode: "base64" });
    await shell(server, { command: `head -c ${64 * mebibyte} ${path}`, "no-output": "true" });
  }
}, timeoutMilliseconds);
afterAll(endEverything);

/** Writes a file that no shift or swap of its parts leaves as it is; its SHA-256. */
function writePattern(to: string): string {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, 7), Buffer.alloc(16));
  const hash = createHash("sha256");
  const zeros = Buffer.alloc(1_000_000);
  const file = openSync(to, "wx");
  for (let written = 0; written < total; written += zeros.length) {
    const bytes = cipher.update(zeros);
    hash.update(bytes);
    writeSync(file, bytes);
  }
  closeSync(file);
  return hash.digest("hex");
}

/** Takes base64 in any pieces. */
class Base64Hash {
  readonly #hash: Hash = createHash("sha256");
  #rest = "";
  bytes = 0;

  add(text: string): void {
    const all = this.#rest + text;
    const whole = all.length - (all.length % 4);
    this.#rest = all.slice(whole);
    const bytes = Buffer.from(all.slice(0, whole), "base64");
    this.bytes += bytes.length;
    this.#hash.update(bytes);
  }

  end(): string {
    if (this.#rest !== "") throw new Error("it ends inside a group");
    return this.#hash.digest("hex");
  }
}

/** What `<output>` of an answer in base64 holds, of which no more than a piece is held here. */
async function received(
  attributes: Parameters<typeof shellTag>[0],
): Promise<{ bytes: number; sha256: string }> {
  const response = await postXml(server, `<request>${shellTag(attributes)}</request>`);
  const hash = new Base64Hash();
  let head: string | null = "";
  let over = false;
  const decoder = new TextDecoder("latin1");
  for await (const chunk of response.body ?? []) {
    let text = decoder.decode(chunk, { stream: true });
    if (head !== null) {
      head += text;
      const begin = head.indexOf("<output>");
      if (begin < 0) continue;
      text = head.slice(begin + "<output>".length);
      head = null;
    }
    const end = text.indexOf("<");
    if (!over) hash.add(end < 0 ? text : text.slice(0, end));
    over ||= end >= 0;
  }
  if (!over) throw new Error(`no end of the output: ${head}`);
  return { bytes: hash.bytes, sha256: hash.end() };
}

test(
  `${total} bytes are answered in base64, sync and fetched, in bounded memory`,
  async () => {
    const memory = new MemoryWatch(server);
    const command = `cat ${path}`;
    expect(await memory.during(received({ command, encode: "base64" }))).toEqual({ bytes: total, sha256 });
    console.log(`sync: memory grew by ${memory.text}`);
    const id = await launch(server, command);
    await memory.during(endedJob(server, id, 60));
    expect(await memory.during(received({ id, encode: "base64" }))).toEqual({ bytes: total, sha256 });
    console.log(`and fetched: memory grew by ${memory.text}`);
    expect(memory.grownBytes).toBeLessThanOrEqual(mostGrowth);
  },
  timeoutMilliseconds,
);

test(
  `${flood} bytes that are not to be returned hold up nobody and cost nothing`,
  async () => {
    const memory = new MemoryWatch(server);
    const none = { "no-output": "true", encode: "hex" };
    for (const more of [{}, { "join-output": "true" }]) {
      const work = shell(server, { command: `head -c ${flood} /dev/zero`, ...none, ...more });
      const answer = await memory.during(work);
      expect([answer.status, answer.output]).toEqual(["ok", undefined]);
    }
    console.log(`${flood} bytes discarded: memory grew by ${memory.text}`);
    expect(memory.grownBytes).toBeLessThanOrEqual(mostGrowth);
  },
  timeoutMilliseconds,
);

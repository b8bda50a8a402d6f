// Contract rexec, "Behaviour": standard output arrives byte for byte, as soon as it is written.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { command } from "../support/command.ts";
import { endedJob, idOf, run, specOf, start } from "../support/jobs.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

let server: Server;
let home: string;
beforeAll(async () => {
  server = await startServer();
  home = temporaryDirectory("output");
});
afterAll(endEverything);

/** Writes random bytes to a file and gives their hash. */
function randomFile(path: string, mebibytes: number): string {
  const hash = new Bun.CryptoHasher("sha256");
  const file = openSync(path, "w");
  for (let part = 0; part < mebibytes; part += 1) {
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    for (let repeat = 0; repeat < 16; repeat += 1) {
      hash.update(bytes);
      writeSync(file, bytes);
    }
  }
  closeSync(file);
  return hash.digest("hex");
}

describe("bytes", () => {
  test("a file of 64 MiB has its hash, to fetch and to curl", async () => {
    const path = join(home, "random");
    const expected = randomFile(path, 64);
    const response = await start(server, ["cat", path]);
    const hash = new Bun.CryptoHasher("sha256");
    let length = 0;
    for await (const chunk of response.body ?? []) {
      hash.update(chunk);
      length += chunk.length;
    }
    expect([length, hash.digest("hex")]).toEqual([64 * 1024 * 1024, expected]);

    const body = JSON.stringify(specOf(["cat", path]));
    const curl = `curl -sS --fail -H "Authorization: Bearer ${server.token}" --data-binary @- ${server.url}/process`;
    const { stdout } = await command(["sh", "-c", `printf '%s' "$0" | ${curl} | sha256sum`, body]);
    expect(stdout.split(" ")[0]).toBe(expected);
  }, 60_000);

  test("all 256 values, CRLF, NUL and what is no UTF-8 arrive as they are", async () => {
    const bytes = Uint8Array.from({ length: 256 * 16 }, (_, index) => (index * 7 + (index >> 8)) % 256);
    const path = join(home, "values");
    await Bun.write(path, bytes);
    expect((await run(server, ["cat", path])).bytes).toEqual(bytes);
    expect((await run(server, ["printf", "a\\r\\nb\\r\\0\\377\\n\\n"])).bytes).toEqual(
      new Uint8Array([97, 13, 10, 98, 13, 0, 255, 10, 10]),
    );
  });

  test("a last line without a newline stays without one", async () => {
    expect((await run(server, [program("print-without-newline")])).text).toBe("first\nlast");
  });

  test("nothing at all", async () => {
    expect((await run(server, ["true"])).bytes).toHaveLength(0);
  });

  test.each([1, 4_095, 4_096, 65_535, 65_536, 65_537, 1_048_576])("%d bytes", async (count) => {
    const { bytes } = await run(server, [program("print-bytes"), String(count)]);
    const line = (index: number) => `${String(index).padStart(15, "0")}\n`;
    const expected = Array.from({ length: Math.ceil(count / 16) }, (_, index) => line(index)).join("");
    expect(bytes).toHaveLength(count);
    expect(Bun.hash(bytes)).toBe(Bun.hash(expected.slice(0, count)));
  });
});

describe("time", () => {
  test("a line without a newline arrives while the command waits", async () => {
    const token = newToken();
    const connection = await rawProcess(server, specOf([program("prompt"), token]));
    await connection.until(() => connection.answer().body.toString() === "Password: ", "the prompt");
    expect(connection.answer().complete).toBe(false);
    await untilLiving(token, 1);
  });

  test("each slow line arrives before the next is written", async () => {
    const connection = await rawProcess(server, specOf([program("slow-ticks"), newToken(), "3", "0.4"]));
    for (const last of [1, 2, 3]) {
      const lines = Array.from({ length: last }, (_, index) => `tick ${index + 1}\n`).join("");
      await connection.until(() => connection.answer().body.length >= lines.length, `tick ${last}`);
      expect(connection.answer().body.toString()).toBe(lines);
    }
    expect(await connection.untilAnswered()).toMatchObject({ complete: true, cut: false });
  });
});

test("a command that has ended before its output is read loses none of it", async () => {
  const response = await start(server, [program("print-bytes"), "60000"]);
  expect((await endedJob(server, idOf(response))).outcome).toMatchObject({ code: 0 });
  expect(await response.bytes()).toHaveLength(60_000);
});

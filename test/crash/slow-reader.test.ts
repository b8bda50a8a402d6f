// 4 GB for a reader that is slow at first: every byte arrives, and the server holds a bounded part of them.
import { afterAll, expect, test } from "bun:test";
import { newAlias } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { BodyReader } from "./support/body-reader.ts";
import { startRequest } from "./support/exclusive.ts";

afterAll(endEverything);

const mebibyte = 1024 * 1024;
const total = 4_000_000_000;
/** Some 10 s on an idle machine. */
const allMilliseconds = 100_000;
/** So much that the code is compiled and the heap has its usual size. */
const warmUp = 512 * mebibyte;
const slowSeconds = 5;
const slowBytesPerSecond = 1_000_000;
const lookMilliseconds = 200;
const mostGrowth = 16 * mebibyte;

function zeros(server: Server, count: number): BodyReader {
  const spec = { alias: newAlias(), cmd: "head", args: ["-c", String(count), "/dev/zero"] };
  return new BodyReader(server, startRequest(spec), 0);
}

/** Reads in steps of a tenth of a second, and looks at the memory at each. */
async function readSlowly(reader: BodyReader, look: () => void): Promise<void> {
  const began = performance.now();
  for (let step = 1; step <= slowSeconds * 10; step += 1) {
    reader.allow(slowBytesPerSecond / 10);
    const due = began + step * 100;
    await until(() => performance.now() >= due, { describe: "a tenth of a second" });
    look();
  }
}

test("4 GB: 1 MB/s for 5 s, then at full speed: all bytes, memory grows by 16 MiB at most", async () => {
  const server = await startServer({ atRest: true });
  const first = zeros(server, warmUp);
  await first.readAll(20_000);
  expect([first.received, first.complete]).toEqual([warmUp, true]);
  first.close();
  const before = server.memory();
  const peak = { ...before };
  let lookedAt = 0;
  // Looking costs the machine something, too.
  const look = () => {
    if (performance.now() - lookedAt < lookMilliseconds) return;
    lookedAt = performance.now();
    const now = server.memory();
    peak.pssBytes = Math.max(peak.pssBytes, now.pssBytes);
    peak.anonymousBytes = Math.max(peak.anonymousBytes, now.anonymousBytes);
  };

  const reader = zeros(server, total);
  await readSlowly(reader, look);
  const slowly = reader.received;
  const slowPeak = peak.anonymousBytes;
  const fast = performance.now();
  let running = true;
  const all = reader.readAll(allMilliseconds).finally(() => {
    running = false;
  });
  const watched = until(
    () => {
      look();
      return !running;
    },
    { timeoutMilliseconds: allMilliseconds, describe: "the end of 4 GB" },
  );
  await all;
  await watched;
  const seconds = (performance.now() - fast) / 1_000;

  const grown = (bytes: number, base: number) => `${((bytes - base) / mebibyte).toFixed(1)} MiB`;
  console.log(
    `4 GB: ${slowly} bytes in the slow ${slowSeconds} s, the rest in ${seconds.toFixed(1)} s; memory grew by ` +
      `${grown(slowPeak, before.anonymousBytes)} while slow, ${grown(peak.anonymousBytes, before.anonymousBytes)} ` +
      `at most (PSS ${grown(peak.pssBytes, before.pssBytes)})`,
  );
  expect([reader.received, reader.wrong, reader.complete]).toEqual([total, 0, true]);
  // It was held back in between: what a fast reader gets in that time is a thousand times as much.
  expect(slowly).toBeGreaterThan(slowBytesPerSecond);
  expect(slowly).toBeLessThan(2 * slowSeconds * slowBytesPerSecond);
  // PSS is told, not judged: it grows by tens of megabytes when another program on the same runtime ends.
  expect(peak.anonymousBytes - before.anonymousBytes).toBeLessThanOrEqual(mostGrowth);
}, 120_000);

// 100 MB through a terminal: whoever follows, slowly or not at all, holds up nobody, and the server holds little of it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { endOf, startJob } from "../contract/support/v1-start.ts";
import { type Attached, attach } from "../support/attach.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { background, digest } from "./support/background.ts";
import { MemoryWatch } from "./support/memory-watch.ts";

const mebibyte = 1024 * 1024;
const total = 100_000_000;
const mostGrowth = 32 * mebibyte;
const timeoutMilliseconds = 120_000;
const tty = { cols: 80, rows: 24 };
/** Numbered lines: no shift or swap leaves them as they are. */
const flood = `stty -opost -echo; printf .; read go; seq 100000000 999999999 | head -c ${total - 1}`;
const options = { digest: true };

let server: Server;
beforeAll(async () => {
  server = await startServer({ atRest: true });
  // So that the code is compiled and the heap has its usual size.
  for (let turn = 0; turn < 3; turn += 1) {
    const { id } = await background(server, { shell: "stty -opost; head -c 64000000 /dev/zero", tty });
    const followers = await Promise.all([1, 2, 3].map(() => attach(server, id, options)));
    await Promise.all(followers.map((each) => each.untilClosed(timeoutMilliseconds)));
  }
}, timeoutMilliseconds);
afterAll(endEverything);

/** Reads a little, rests, and so on. */
async function readSlowly({ socket }: Attached, done: () => boolean): Promise<void> {
  while (!done()) {
    socket.resume();
    await Bun.sleep(1);
    socket.pause();
    await Bun.sleep(10);
  }
  socket.resume();
}

function expected(): string {
  const hash = createHash("sha256").update(".");
  let left = total - 1;
  for (let number = 100_000_000; left > 0; ) {
    const lines = Array.from({ length: Math.min(10_000, left) }, (_, index) => `${number + index}\n`);
    number += lines.length;
    const text = lines.join("").slice(0, left);
    left -= text.length;
    hash.update(text);
  }
  return hash.digest("hex");
}

test(
  "three see the same, a fourth that stalls comes to it later, and memory stays",
  async () => {
    const { id } = await background(server, { shell: flood, tty });
    const [quick, other, slow, stalled] = await Promise.all(
      [1, 2, 3, 4].map(() => attach(server, id, options)),
    );
    if (!quick || !other || !slow || !stalled) throw new Error("they are not attached");
    await Promise.all([quick, other, slow, stalled].map((each) => each.message("live")));
    // The dot says that the terminal is as it is to be.
    await until(() => stalled.outputBytes === 1, { describe: "the dot" });
    stalled.socket.pause();
    let over = false;
    const slowly = readSlowly(slow, () => over);
    const memory = new MemoryWatch(server);
    const began = performance.now();
    quick.type("\n");
    await memory.during(
      Promise.all([
        endOf(server, id),
        quick.untilClosed(timeoutMilliseconds),
        other.untilClosed(timeoutMilliseconds),
      ]),
      timeoutMilliseconds,
    );
    const milliseconds = Math.round(performance.now() - began);
    console.log(
      `${total} bytes through a terminal to two in ${milliseconds} ms: memory grew by ${memory.text}`,
    );
    expect(memory.grownBytes).toBeLessThanOrEqual(mostGrowth);
    expect([quick.outputBytes, other.outputBytes]).toEqual([total, total]);
    expect(stalled.outputBytes).toBeLessThan(total / 4);
    expect(stalled.ended).toBe(false);
    over = true;
    await slowly;
    stalled.socket.resume();
    const late = [slow, stalled].map((each) => each.untilClosed(timeoutMilliseconds));
    expect(await memory.during(Promise.all(late), timeoutMilliseconds)).toEqual([1000, 1000]);
    console.log(`and the slow ones have it: memory grew by ${memory.text}`);
    expect(memory.grownBytes).toBeLessThanOrEqual(mostGrowth);
    const sha256 = expected();
    for (const each of [quick, other, slow, stalled]) {
      expect([each.outputBytes, each.hash.digest("hex"), each.closeCode]).toEqual([total, sha256, 1000]);
      expect(each.largestFrame).toBeLessThanOrEqual(65_536);
      expect(each.messages.at(-1)).toMatchObject({ type: "ended", outcome: { code: 0 } });
    }
    expect(await digest(server, id, "stdout")).toEqual({ bytes: total, sha256 });
  },
  timeoutMilliseconds,
);

test(
  "input that the command does not read waits outside the server, and a signal is heard all the same",
  async () => {
    const shell =
      "stty raw -echo; printf ready; trap 'printf heard; exit 0' USR1; while :; do sleep 0.05; done";
    const { id } = await startJob(server, { shell, tty });
    const [one, two] = await Promise.all([attach(server, id), attach(server, id)]);
    await one?.untilShown("ready");
    const memory = new MemoryWatch(server);
    const megabyte = Buffer.alloc(100_000, "x");
    for (let sent = 0; sent < 500; sent += 1) one?.type(megabyte);
    await until(() => (one?.socket.writableLength ?? 0) > 40_000_000, {
      describe: "the server to read no more",
    });
    for (let look = 0; look < 10; look += 1) {
      await Bun.sleep(50);
      memory.look();
    }
    console.log(`50 MB of input that nobody reads: memory grew by ${memory.text}`);
    expect(memory.grownBytes).toBeLessThanOrEqual(mostGrowth);
    two?.control({ type: "signal", signal: "SIGUSR1" });
    await two?.untilShown("heard");
    expect(await two?.untilClosed()).toBe(1000);
    one?.cut();
  },
  timeoutMilliseconds,
);

import { describe, expect, test } from "bun:test";
import { FrameReader } from "./frames.ts";
import type { InputState } from "./messages.ts";
import { RemoteInput } from "./remoteInput.ts";

/** The other side: takes all that is sent, when it is told to. */
class Taker {
  readonly sent: { writer: string; text: string }[] = [];
  closings = 0;
  state: InputState = { bytes: 0, closed: false, writers: [] };
  readonly input = new RemoteInput({
    state: this.state,
    staysOpen: false,
    send: (frame) => {
      for (const one of new FrameReader().push(frame)) {
        if (one.kind === "input")
          this.sent.push({ writer: one.writer, text: Buffer.from(one.bytes).toString() });
      }
    },
    askToClose: () => {
      this.closings += 1;
    },
  });

  take(bytes: number, writers: InputState["writers"] = []): void {
    this.state = { ...this.state, bytes: this.state.bytes + bytes, writers };
    this.input.update(this.state);
  }
}

const text = (value: string) => Buffer.from(value);

describe("stdin of a command that a shim supervises", () => {
  test("is written one after the other, each when the last was taken", async () => {
    const taker = new Taker();
    const first = taker.input.write(text("one"), "a");
    const second = taker.input.write(text("two"));
    await Bun.sleep(0);
    expect(taker.sent).toEqual([{ writer: "a", text: "one" }]);
    taker.take(3, [["a", 3]]);
    await first;
    await Bun.sleep(0);
    expect(taker.sent).toEqual([
      { writer: "a", text: "one" },
      { writer: "", text: "two" },
    ]);
    taker.take(3, [["a", 3]]);
    await second;
    expect([taker.input.bytes, taker.input.bytesFrom("a"), taker.input.bytesFrom("b")]).toEqual([6, 3, 0]);
  });

  test("goes in pieces, of which one is under way", async () => {
    const taker = new Taker();
    const writing = taker.input.write(new Uint8Array(150_000));
    for (const bytes of [65_536, 65_536, 18_928]) {
      await Bun.sleep(0);
      expect(taker.sent.at(-1)?.text).toHaveLength(bytes);
      taker.take(bytes);
    }
    await writing;
    expect(taker.sent).toHaveLength(3);
  });

  test("that is closed takes no more, and says so to who waits", async () => {
    const taker = new Taker();
    const waiting = taker.input.write(text("one"));
    await Bun.sleep(0);
    taker.input.update({ ...taker.state, closed: true });
    expect(await waiting.catch((error: { code: string }) => error.code)).toBe("stdin-closed");
    const late = taker.input.write(text("two")).catch((error: { code: string }) => error.code);
    expect(await late).toBe("stdin-closed");
    expect(taker.sent).toHaveLength(1);
  });

  test("is closed once, and stays so whatever was said before", () => {
    const taker = new Taker();
    taker.input.close();
    taker.input.close();
    taker.take(0);
    expect([taker.input.closed, taker.closings]).toEqual([true, 1]);
  });

  test("that was under way when the connection broke is sent again as far as it was not taken", async () => {
    const taker = new Taker();
    const writing = taker.input.write(text("abcdef"), "a");
    await Bun.sleep(0);
    taker.input.reconnected({ bytes: 4, closed: false, writers: [["a", 4]] });
    expect(taker.sent.at(-1)).toEqual({ writer: "a", text: "ef" });
    taker.input.update({ bytes: 6, closed: false, writers: [["a", 6]] });
    await writing;
    taker.input.reconnected({ bytes: 6, closed: false, writers: [["a", 6]] });
    expect(taker.sent).toHaveLength(2);
  });

  test("ends with the command: who waits is told", async () => {
    const taker = new Taker();
    const waiting = taker.input.write(text("one")).catch((error: { code: string }) => error.code);
    await Bun.sleep(0);
    taker.input.end();
    expect([await waiting, taker.closings]).toEqual(["stdin-closed", 0]);
  });
});

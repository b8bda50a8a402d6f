import { expect, test } from "bun:test";
import { AttachInput } from "./attachInput.ts";

test("no more is on its way than the server's window has room for", async () => {
  const input = new AttachInput(() => true);
  let sentBytes = 0;
  const send = (frame: Uint8Array) => {
    sentBytes += frame.byteLength - 1;
  };
  input.connected(send, { stdinOffset: 0, stdinWindowBytes: 100_000 });
  const writer = input.stream.getWriter();
  const written = writer.write(new Uint8Array(300_000));
  for (let taken = 0; taken < 300_000; taken += 1_000) {
    input.taken(taken);
    await Bun.sleep(0);
    expect(sentBytes - taken).toBeLessThanOrEqual(100_000);
    // A piece of 32 KiB may wait for its room.
    expect(sentBytes - taken).toBeGreaterThan(Math.min(100_000 - 32_768, 299_000 - taken));
  }
  await written;
  expect(sentBytes).toBe(300_000);
});

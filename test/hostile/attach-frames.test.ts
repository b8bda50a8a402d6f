// Frames that no client should send: the connection is closed with a code that says why, the job and others feel nothing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startJob } from "../contract/support/v1-start.ts";
import { type Attached, attach, attachHead } from "../support/attach.ts";
import { frame, opcodes } from "../support/frames.ts";
import { rawConnection } from "../support/raw.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

let server: Server;
let id = "";
let witness: Attached;
let echoed = 0;
beforeAll(async () => {
  server = await startServer({ atRest: true, config: "[limits]\nattachFrameBytes = 1024\n" });
  ({ id } = await startJob(server, { command: ["cat"], stdin: "open" }));
  witness = await attach(server, id);
  await witness.message("live");
});
afterAll(endEverything);

const { text, continuation, close, ping, pong } = opcodes;
const stdin = (payload: string) => `\0${payload}`;
const control = (json: string) => frame(`\x03${json}`);
const join = (...frames: Buffer[]) => Buffer.concat(frames);
const closeFrame = (code: number, reason: string | Uint8Array = "") =>
  frame(join(Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)), { opcode: close });

/** Each with the code that the server closes with. */
const malformed: readonly (readonly [string, Buffer, number])[] = [
  ["the first reserved bit, which is compression's", frame(stdin("x"), { reserved: 4 }), 1002],
  ["the second reserved bit", frame(stdin("x"), { reserved: 2 }), 1002],
  ["the third reserved bit", frame(stdin("x"), { reserved: 1 }), 1002],
  ["all reserved bits", frame(stdin("x"), { reserved: 7 }), 1002],
  ["a frame that is not masked", frame(stdin("x"), { masked: false }), 1002],
  ["a ping that is not masked", frame("x", { opcode: ping, masked: false }), 1002],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
    (opcode) => [`opcode ${opcode}`, frame(stdin("x"), { opcode }), 1002] as const,
  ),
  ["a ping of 126 bytes", frame("x".repeat(126), { opcode: ping }), 1002],
  ["a ping in two fragments", frame("x", { opcode: ping, fin: false }), 1002],
  ["a pong in two fragments", frame("x", { opcode: pong, fin: false }), 1002],
  ["a close frame of 126 bytes", closeFrame(1000, "x".repeat(124)), 1002],
  ["a close frame of one byte", frame("x", { opcode: close }), 1002],
  ["a close frame with a code that is never sent", closeFrame(1005), 1002],
  ["a close frame with a code of nobody", closeFrame(999), 1002],
  ["a close frame whose reason is no UTF-8", closeFrame(1000, Buffer.of(0xff)), 1007],
  ["a continuation of nothing", frame(stdin("x"), { opcode: continuation }), 1002],
  ["a message within a message", join(frame(stdin("a"), { fin: false }), frame(stdin("b"))), 1002],
  ["a text within a message", join(frame(stdin("a"), { fin: false }), frame("b", { opcode: text })), 1002],
  ["a text", frame("hello", { opcode: text }), 1003],
  ["a text that is no UTF-8", frame(Buffer.of(0xff, 0xfe), { opcode: text }), 1007],
  ["a text that ends within a character", frame(Buffer.of(0xc3), { opcode: text }), 1007],
  ["a length above the limit", frame(stdin("x".repeat(1_024))), 1009],
  ["a length of two gigabytes that never comes", frame("", { saidLength: 2 ** 31 }), 1009],
  ["a length of 2^62", frame("", { saidLength: 2n ** 62n }), 1009],
  ["a length with its highest bit set", frame("", { saidLength: 2n ** 63n + 5n }), 1009],
  [
    "fragments above the limit together",
    join(
      frame(stdin("x".repeat(600)), { fin: false }),
      frame("x".repeat(600), { opcode: continuation, fin: false }),
    ),
    1009,
  ],
  ["no channel", frame(""), 1002],
  ["channel 1, which is the server's", frame("\x01x"), 1002],
  ["channel 2, which is the server's", frame("\x02x"), 1002],
  ["channel 4, which is nobody's", frame("\x04x"), 1002],
  ["channel 254", frame(Buffer.of(254, 0)), 1002],
  ["the close of no channel", frame(Buffer.of(255)), 1002],
  ["the close of stdout", frame(Buffer.of(255, 1)), 1002],
  ["the close of two channels", frame(Buffer.of(255, 0, 0)), 1002],
  ["control without JSON", control(""), 1002],
  ["control that is no JSON", control("{"), 1002],
  ["control that is no UTF-8", frame(Buffer.of(3, 0x22, 0xff, 0x22)), 1002],
  ["control that is a list", control("[]"), 1002],
  ["control that is null", control("null"), 1002],
  ["control that is a text", control('"resize"'), 1002],
  ["control without a type", control('{"cols":5,"rows":5}'), 1002],
  ["control whose type is a number", control('{"type":5}'), 1002],
  ["control that is nested too deep", control(`${"[".repeat(1_000)}`), 1002],
];

/** Well formed, and refused: the connection goes on. */
const refused: readonly (readonly [string, Buffer])[] = [
  ["an unknown type", control('{"type":"nope"}')],
  ["a type of the server's", control('{"type":"ended","outcome":null}')],
  ["__proto__ for a type", control('{"type":"__proto__"}')],
  ["a resize without rows", control('{"type":"resize","cols":5}')],
  ["a resize to nothing", control('{"type":"resize","cols":0,"rows":0}')],
  ["a resize to a million", control('{"type":"resize","cols":1000000,"rows":1000000}')],
  ["a resize to a fraction", control('{"type":"resize","cols":5.5,"rows":5}')],
  ["a resize with more in it", control('{"type":"resize","cols":5,"rows":5,"depth":1}')],
  ["a signal of no name", control('{"type":"signal"}')],
  ["a signal that is none", control('{"type":"signal","signal":"SIGNOPE"}')],
  ["a signal by its number", control('{"type":"signal","signal":9}')],
  ["a signal that every object has", control('{"type":"signal","signal":"toString"}')],
];

/** The job and who is attached to it are as they were: a line goes in and comes out, once. */
async function expectUnharmed(): Promise<void> {
  echoed += 1;
  witness.type(`line ${echoed}\n`);
  const expected = Array.from({ length: echoed }, (_, index) => `line ${index + 1}\n`).join("");
  await until(() => witness.output.stdout.length >= expected.length, { describe: "the witness's line" });
  expect(witness.output.stdout).toBe(expected);
}

describe(`${malformed.length} kinds of frames close the connection:`, () => {
  test.each(malformed)("%s", async (_name, bytes, code) => {
    const attached = await attach(server, id);
    await attached.message("started");
    // What comes behind it is not looked at.
    attached.socket.write(join(bytes, frame(stdin("must not come\n"))));
    expect(await attached.untilClosed()).toBe(code);
    await expectUnharmed();
  });

  test("and so they do before the job was told of", async () => {
    for (const [, bytes, code] of malformed.slice(0, 6)) {
      const attached = await attach(server, id);
      attached.socket.write(bytes);
      expect(await attached.untilClosed()).toBe(code);
    }
    await expectUnharmed();
  });
});

describe("messages are refused, and the connection goes on:", () => {
  test.each(refused)("%s", async (_name, bytes) => {
    const attached = await attach(server, id);
    await attached.message("started");
    attached.socket.write(bytes);
    expect((await attached.message("error")).code).toBeOneOf(["invalid-request", "invalid-spec"]);
    attached.control({ type: "signal", signal: "SIGWINCH" });
    await expectUnharmed();
    expect(attached.ended).toBe(false);
    attached.cut();
  });
});

describe("what is unusual and right is taken:", () => {
  test("a message in single bytes, in fragments, with pings between them", async () => {
    const attached = await attach(server, id);
    await attached.message("live");
    const before = witness.output.stdout.length;
    const bytes = join(
      frame("\0fr", { fin: false }),
      frame("are you there", { opcode: ping }),
      frame("agm", { opcode: continuation, fin: false }),
      frame("", { opcode: continuation, fin: false }),
      frame("ents\n", { opcode: continuation }),
      frame(stdin("")),
    );
    for (const byte of bytes) {
      attached.socket.write(Buffer.of(byte));
      await Bun.sleep(0);
    }
    await until(() => witness.output.stdout.length > before, { describe: "the line" });
    expect(witness.output.stdout.slice(before)).toBe("fragments\n");
    witness.output.stdout = witness.output.stdout.slice(0, before);
    attached.cut();
    await expectUnharmed();
  });

  test("frames right behind the head of the request, before its answer", async () => {
    const before = witness.output.stdout.length;
    const connection = await rawConnection(server);
    connection.send(join(Buffer.from(attachHead(server, id)), frame(stdin("early\n")), closeFrame(1000)));
    await connection.untilClosed();
    expect(connection.text()).toStartWith("HTTP/1.1 101 ");
    await until(() => witness.output.stdout.length > before, { describe: "the line" });
    expect(witness.output.stdout.slice(before)).toBe("early\n");
    witness.output.stdout = witness.output.stdout.slice(0, before);
    await expectUnharmed();
  });

  test("a close frame, which is answered", async () => {
    const attached = await attach(server, id);
    attached.socket.write(closeFrame(1000, "bye"));
    expect(await attached.untilClosed()).toBe(1000);
    await expectUnharmed();
  });
});

test("frames that are cut anywhere leave nothing behind", async () => {
  const before = server.openDescriptors();
  const whole = join(frame(stdin("x".repeat(200))), control('{"type":"signal","signal":"SIGWINCH"}'));
  for (let length = 1; length < 200; length += 7) {
    const attached = await attach(server, id);
    attached.socket.write(whole.subarray(0, length));
    await new Promise((resolve) => attached.socket.write("", resolve));
    attached.cut();
  }
  await until(() => server.openDescriptors() <= before, { describe: "the connections to be gone" });
  await expectUnharmed();
});

/** Asks and never reads, until the server has had enough. */
async function askWithoutReading(): Promise<number> {
  const attached = await attach(server, id);
  await attached.message("started");
  attached.socket.pause();
  const many = Buffer.concat(Array.from({ length: 1_000 }, () => control('{"type":"nope"}')));
  for (let asked = 0; asked < 1_000_000; asked += 1_000) {
    if (attached.ended || attached.socket.destroyed) return asked;
    const taken = new Promise((resolve) => attached.socket.write(many, resolve));
    await Promise.race([taken, until(() => attached.ended, { describe: "room, or the end" })]);
  }
  throw new Error("it went on for ever");
}

test("a client that asks and never reads is cut, and costs little memory", async () => {
  // The first ones bring the code and the heap to their usual size.
  let asked = 0;
  for (let first = 0; first < 8; first += 1) asked += await askWithoutReading();
  const before = server.memory().anonymousBytes;
  for (let more = 0; more < 8; more += 1) asked += await askWithoutReading();
  await expectUnharmed();
  const grown = () => (server.memory().anonymousBytes - before) / 2 ** 20;
  console.log(`${asked} questions whose answers nobody read: memory grew by ${grown().toFixed(1)} MiB`);
  // Collections run when it suits the runtime: what counts is what it keeps.
  await until(() => grown() < 32, {
    describe: () => `memory to have grown by 32 MiB at most, not ${grown()}`,
  });
}, 30_000);

test("what was said of all this in the log is no error", () => {
  expect(server.logLines().filter(({ level }) => Number(level) >= 50)).toEqual([]);
});

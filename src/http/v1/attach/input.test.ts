import { describe, expect, test } from "bun:test";
import type { Broker } from "../../../core/broker.ts";
import { ErrandError } from "../../../core/errors.ts";
import type { ProcessInput } from "../../../core/ports.ts";
import { InputQueues } from "../stdin.ts";
import { AttachInput } from "./input.ts";
import { LeftInputs } from "./leftInputs.ts";

/** stdin of a command that takes bytes when it is told to. */
class Stdin implements ProcessInput {
  readonly said: string[] = [];
  readonly #bytes = new Map<string, number>();
  bytes = 0;
  closed = false;
  #take: (() => void)[] = [];
  #open = false;

  bytesFrom(writer: string): number {
    return this.#bytes.get(writer) ?? 0;
  }

  async write(chunk: Uint8Array, writer = ""): Promise<void> {
    if (!this.#open && !this.closed)
      await new Promise<void>((resolve) => {
        this.#take.push(resolve);
      });
    if (this.closed) throw new ErrandError("stdin-closed", "it takes no more");
    this.said.push(Buffer.from(chunk).toString());
    this.#bytes.set(writer, this.bytesFrom(writer) + chunk.byteLength);
  }

  close(): void {
    this.closed = true;
  }

  /** Nobody reads there any more. */
  hangUp(): void {
    this.closed = true;
    for (const take of this.#take.splice(0)) take();
  }

  /** From now on it takes everything. */
  open(): void {
    this.#open = true;
    for (const take of this.#take.splice(0)) take();
  }
}

const id = "1";

function stage(stdin: Stdin) {
  const broker = {
    get: () => ({ state: "running" }),
    active: () => ({ process: { input: stdin } }),
  } as unknown as Broker;
  const routes = { broker, inputs: new InputQueues() };
  const refused: string[] = [];
  const client = (writer: string, offset = 0) => {
    const full: boolean[] = [];
    const taken: number[] = [];
    const input = new AttachInput(offset, {
      ...{ routes, id, writer, mostBytes: 1_000 },
      onTaken: (bytes) => void taken.push(bytes),
      onRefused: ({ code }: ErrandError) => void refused.push(code),
      onFull: (on) => void full.push(on),
    });
    return { input, full, taken, type: (text: string) => input.push(Buffer.from(text)) };
  };
  return { client, refused };
}

test("what is typed comes in order, and each piece is told", async () => {
  const stdin = new Stdin();
  const { client } = stage(stdin);
  const one = client("a");
  one.type("one ");
  one.type("two");
  one.input.push("close");
  stdin.open();
  await one.input.idle();
  expect([stdin.said.join(""), one.taken, stdin.closed]).toEqual(["one two", [4, 7, 7], true]);
});

test("a newer connection brings what the older one has on its way no second time", async () => {
  const stdin = new Stdin();
  const { client } = stage(stdin);
  const older = client("a");
  older.type("12345");
  older.type("678");
  await Bun.sleep(0);
  older.input.drop();
  const newer = client("a");
  newer.type("123");
  newer.type("456789");
  stdin.open();
  await newer.input.idle();
  expect([stdin.said, newer.taken]).toEqual([
    ["12345", "6789"],
    [5, 9],
  ]);
});

describe("a command that reads nothing", () => {
  test("holds the client back, until it reads", async () => {
    const stdin = new Stdin();
    const { client } = stage(stdin);
    const one = client("a");
    one.type("x".repeat(500));
    for (let number = 0; number < 500; number += 1) one.type("x");
    expect(one.full).toEqual([]);
    one.type("x");
    expect(one.full).toEqual([true]);
    stdin.open();
    await one.input.idle();
    expect(one.full).toEqual([true, false]);
  });

  test("holds nobody back once it has closed its input", async () => {
    const stdin = new Stdin();
    const { client, refused } = stage(stdin);
    const one = client("a");
    for (let number = 0; number < 30; number += 1) one.type("x".repeat(100));
    expect(one.full).toEqual([true]);
    stdin.hangUp();
    await one.input.idle();
    expect([refused, one.full]).toEqual([["stdin-closed"], [true, false]]);
  });

  test("is given the last words of the latest clients, and of no more", async () => {
    const stdin = new Stdin();
    const { client, refused } = stage(stdin);
    const left = new LeftInputs();
    for (let number = 0; number < 100; number += 1) {
      const one = client(`writer ${number}`);
      one.type(`${number} `);
      left.keep(one.input);
      if (number === 0) await Bun.sleep(0);
    }
    stdin.open();
    const last = client("last");
    last.type("end");
    await last.input.idle();
    // The first one was being written already.
    const expected = [0, ...Array.from({ length: 64 }, (_, index) => 36 + index)];
    expect(stdin.said.join("")).toBe(`${expected.join(" ")} end`);
    expect(refused).toEqual([]);
  });
});

test("a writer that is not known any more is refused, once, and what follows is nothing", async () => {
  const stdin = new Stdin();
  stdin.open();
  const { client, refused } = stage(stdin);
  const one = client("a", 5);
  one.type("x");
  one.type("y");
  await one.input.idle();
  expect([stdin.said, refused]).toEqual([[], ["stdin-gap"]]);
});

// Door flexideo, hostile XML: what is not well-formed or has a document type is refused, and bombs cost next to nothing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { MemoryWatch } from "../crash/support/memory-watch.ts";
import { postXml, refusal, shell } from "../support/flexideo.ts";
import { readProcess } from "../support/proc.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { xmlBombs } from "./support/xml-bombs.ts";
import { asRequest, hasDoctype, suiteDocuments } from "./support/xml-suite.ts";

const timeoutMilliseconds = 60_000;

let server: Server;
beforeAll(async () => {
  server = await startServer();
  // Bodies of this size give the heap the size that it needs for them.
  const large = new Uint8Array(8 * 1024 * 1024).fill(0x20);
  for (let turn = 0; turn < 8; turn += 1) await postXml(server, large);
});
afterAll(endEverything);

const documents = suiteDocuments();

/** Sends many bodies, some at once, and gives the detail of each; every one must be refused with 400. */
async function details(bodies: readonly Uint8Array<ArrayBuffer>[]): Promise<string[]> {
  const found: string[] = [];
  const waiting = bodies.entries();
  const send = async () => {
    for (const [index, body] of waiting) {
      const { status, number, detail } = await refusal(await postXml(server, body));
      expect([status, number]).toEqual([400, 1]);
      found[index] = detail;
    }
  };
  await Promise.all(Array.from({ length: 8 }, send));
  return found;
}

describe("the W3C's suite", () => {
  const malformed = documents.filter(({ type }) => type === "not-wf");

  test(
    "every document that is not well-formed is refused",
    async () => {
      expect(malformed.length).toBeGreaterThanOrEqual(1_151);
      await details(malformed.map(({ bytes }) => bytes));
    },
    timeoutMilliseconds,
  );

  test(
    "and not for the name of its root alone",
    async () => {
      const renamed = malformed
        .filter((one) => one.current && !hasDoctype(one))
        .flatMap((one) => asRequest(one) ?? []);
      expect(renamed.length).toBeGreaterThan(100);
      for (const detail of await details(renamed)) expect(detail).not.toContain("the root is");
    },
    timeoutMilliseconds,
  );

  test(
    "every document with a document type is refused for that, unless its bytes are wrong already",
    async () => {
      const typed = documents.filter(hasDoctype);
      expect(typed.length).toBeGreaterThanOrEqual(2_000);
      const found = await details(typed.map(({ bytes }) => bytes));
      const valid = found.filter((_, index) => typed[index]?.type === "valid");
      const named = valid.filter((detail) => detail.includes("<!DOCTYPE"));
      // Some are in encodings that are not taken here.
      expect(named.length).toBeGreaterThan(valid.length * 0.9);
    },
    timeoutMilliseconds,
  );
});

/** Nanoseconds for which the server's main thread has run so far. */
function ownTime(): number {
  return Number(readProcess(server.pid, "schedstat")?.split(" ")[0]);
}

describe("bombs", () => {
  const mostMilliseconds = 100;
  const mostBytes = 32 * 1024 * 1024;
  const tries = 4;
  const bombs = Object.entries(xmlBombs);

  test("are as many as were promised", () => {
    expect(bombs.length).toBeGreaterThanOrEqual(40);
  });

  test.each(bombs)(
    "%s",
    async (_name, make) => {
      const body = make();
      const send = async () => {
        const before = ownTime();
        const answer = await refusal(await postXml(server, body));
        expect([answer.status, answer.number]).toEqual([400, 1]);
        return (ownTime() - before) / 1e6;
      };
      // Of the tries the best: the machine may be busy, and the garbage of one may still be there at the next.
      const spent: number[] = [];
      const grown: number[] = [];
      for (let turn = 0; turn < tries; turn += 1) {
        const memory = new MemoryWatch(server);
        spent.push(await memory.during(send()));
        grown.push(memory.grownBytes);
      }
      expect(Math.min(...spent)).toBeLessThan(mostMilliseconds);
      expect(Math.min(...grown)).toBeLessThan(mostBytes);
    },
    timeoutMilliseconds,
  );

  test("leave a server that answers", async () => {
    expect((await shell(server, { command: "echo on" })).output).toBe("on\n");
  });
});

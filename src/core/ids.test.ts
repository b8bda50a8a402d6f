import { describe, expect, test } from "bun:test";
import { array, assert, bigInt, integer, property, string } from "fast-check";
import { firstIdAt, IdSource, idTime, isJobId, maxNodeNumber } from "./ids.ts";

const epoch = 1_735_689_600_000;
/** The last millisecond that 41 bits hold. */
const last = epoch + 2 ** 41 - 1;
const times = integer({ min: epoch + 1, max: last });
const nodes = integer({ min: 0, max: maxNodeNumber });

const node = (id: bigint) => Number((id >> 12n) & 0x3ffn);
const sequence = (id: bigint) => Number(id & 0xfffn);

describe("ids", () => {
  test("grow, whatever the clock does", () => {
    const steps = array(integer({ min: -5_000, max: 5_000 }), { minLength: 1, maxLength: 300 });
    assert(
      property(
        integer({ min: epoch + 10_000_000, max: last - 10_000_000 }),
        nodes,
        steps,
        (start, number, moves) => {
          let now = start;
          const source = new IdSource(() => now, number);
          let before = 0n;
          for (const move of moves) {
            now += move;
            const id = source.next();
            expect(id > before).toBe(true);
            expect(node(id)).toBe(number);
            before = id;
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test("hold the time, the node and a number that begins with 0 in each millisecond", () => {
    assert(
      property(times, nodes, (now, number) => {
        const id = new IdSource(() => now, number).next();
        expect([idTime(id.toString()), node(id), sequence(id)]).toEqual([now, number, 0]);
        expect(isJobId(id.toString())).toBe(true);
        expect(BigInt.asIntN(64, id)).toBe(id);
      }),
    );
  });

  test("borrow from the next millisecond when one is used up", () => {
    const now = epoch + 1_000;
    const source = new IdSource(() => now, 3);
    const ids = Array.from({ length: 4_096 * 2 + 1 }, () => source.next());
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.map((id) => idTime(id.toString())).filter((time) => time === now)).toHaveLength(4_096);
    const [id = 0n] = ids.slice(-1);
    expect([idTime(id.toString()), sequence(id), node(id)]).toEqual([now + 2, 0, 3]);
  });

  test("go on from the newest when the clock has gone back", () => {
    let now = epoch + 50_000;
    const source = new IdSource(() => now, 0);
    const before = source.next();
    now -= 40_000;
    const next = source.next();
    expect([next > before, idTime(next.toString())]).toEqual([true, epoch + 50_000]);
    now += 40_001;
    expect(idTime(source.next().toString())).toBe(epoch + 50_001);
  });

  test("come after the floor, whatever its node and sequence were", () => {
    const floors = bigInt({ min: 1n, max: (1n << 62n) - 1n });
    assert(
      property(floors, nodes, (floor, number) => {
        const source = new IdSource(() => epoch, number, floor.toString());
        expect(source.next() > floor).toBe(true);
      }),
    );
  });

  test("follow the clock again when it has passed the floor", () => {
    const floor = new IdSource(() => epoch + 10, 5).next().toString();
    expect(idTime(new IdSource(() => epoch + 1_000, 0, floor).next().toString())).toBe(epoch + 1_000);
  });
});

describe("firstIdAt", () => {
  test("parts the ids of a time from all before it", () => {
    assert(
      property(times, nodes, (now, number) => {
        const id = new IdSource(() => now, number).next();
        expect(BigInt(firstIdAt(now)) <= id).toBe(true);
        expect(BigInt(firstIdAt(now + 1)) > id).toBe(true);
      }),
    );
  });

  test("of a time before all ids is before all ids", () => {
    for (const wall of [0, -1, epoch - 1, epoch, Number.MIN_SAFE_INTEGER]) {
      expect(BigInt(firstIdAt(wall))).toBe(0n);
    }
  });

  test("of a time after all ids is still a number that a database can hold", () => {
    for (const wall of [last, last + 1, Date.parse("2999-01-01T00:00:00Z"), 8_640_000_000_000_000]) {
      const first = BigInt(firstIdAt(wall));
      expect([wall, first > 0n, first <= (1n << 63n) - 1n]).toEqual([wall, true, true]);
    }
  });
});

describe("isJobId", () => {
  test.each(["1", "9", "10", "250883742021484544", "9223372036854775807"])("takes %p", (text) => {
    expect(isJobId(text)).toBe(true);
  });

  test.each([
    "",
    "0",
    "-1",
    "+1",
    "01",
    " 1",
    "1 ",
    "1\n",
    "1.0",
    "1e3",
    "0x1",
    "1n",
    "9223372036854775808",
    "99999999999999999999",
    "\u0661",
    "\uff11",
  ])("does not take %p", (text) => {
    expect(isJobId(text)).toBe(false);
  });

  test("takes just what a bigint of its range would print", () => {
    assert(
      property(string(), (text) => {
        if (isJobId(text)) expect(BigInt(text).toString()).toBe(text);
      }),
    );
    assert(
      property(bigInt({ min: 1n, max: (1n << 63n) - 1n }), (id) => expect(isJobId(id.toString())).toBe(true)),
    );
    assert(property(bigInt({ min: 1n << 63n }), (id) => expect(isJobId(id.toString())).toBe(false)));
  });
});

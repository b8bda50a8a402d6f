import { describe, expect, test } from "bun:test";
import { array, assert, asyncProperty, boolean, integer } from "fast-check";
import { type BusEvent, EventBus } from "./eventBus.ts";
import type { FailedJob } from "./job.ts";

/** An event that can be told from others by its number. */
function event(number: number): BusEvent {
  const job: FailedJob = {
    ...{ id: String(number), node: "n", owner: "o", door: "d", command: ["x"], cwd: null, alias: null },
    ...{
      mode: "attached",
      survive: false,
      tty: null,
      labels: {},
      leftovers: "leave",
      successExitCodes: [0],
      retainSeconds: 1,
      callback: null,
    },
    ...{ createdAt: 0, state: "failed", endedAt: 0, failure: "" },
  };
  return { type: "failed", job };
}

const shown = (one: BusEvent | null) =>
  one === null ? null : one.type === "gap" ? `gap ${one.missed}` : Number(one.job.id);

describe("a listener", () => {
  test("sees what is published from then on, in order", async () => {
    const bus = new EventBus(8);
    bus.publish(event(0));
    const listener = bus.subscribe();
    for (const number of [1, 2, 3]) bus.publish(event(number));
    expect([
      shown(await listener.next()),
      shown(await listener.next()),
      shown(await listener.next()),
    ]).toEqual([1, 2, 3]);
  });

  test("that waits is woken", async () => {
    const bus = new EventBus(8);
    const listener = bus.subscribe();
    const waiting = listener.next();
    bus.publish(event(1));
    bus.publish(event(2));
    expect([shown(await waiting), shown(await listener.next())]).toEqual([1, 2]);
  });

  test("that is slow loses the oldest, and is told how many before it sees the rest", async () => {
    const bus = new EventBus(3);
    const listener = bus.subscribe();
    for (let number = 1; number <= 10; number += 1) bus.publish(event(number));
    const seen: unknown[] = [];
    for (let turn = 0; turn < 4; turn += 1) seen.push(shown(await listener.next()));
    expect(seen).toEqual(["gap 7", 8, 9, 10]);
    bus.publish(event(11));
    expect(shown(await listener.next())).toBe(11);
  });

  test("is told of each gap for itself", async () => {
    const bus = new EventBus(1);
    const listener = bus.subscribe();
    const seen: unknown[] = [];
    for (const number of [1, 2, 3]) bus.publish(event(number));
    seen.push(shown(await listener.next()));
    for (const number of [4, 5]) bus.publish(event(number));
    seen.push(shown(await listener.next()), shown(await listener.next()));
    expect(seen).toEqual(["gap 2", "gap 2", 5]);
  });

  test("that is slow takes nothing from another one", async () => {
    const bus = new EventBus(2);
    const slow = bus.subscribe();
    const quick = bus.subscribe();
    const seen: unknown[] = [];
    for (let number = 1; number <= 5; number += 1) {
      bus.publish(event(number));
      seen.push(shown(await quick.next()));
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    expect(shown(await slow.next())).toBe("gap 3");
  });

  test("accounts for every event, however it reads", async () => {
    const steps = array(boolean(), { maxLength: 200 });
    await assert(
      asyncProperty(integer({ min: 1, max: 10 }), steps, async (capacity, publishes) => {
        const bus = new EventBus(capacity);
        const listener = bus.subscribe();
        let published = 0;
        let next = 1;
        const take = async () => {
          const one = await listener.next();
          if (one?.type === "gap") next += one.missed;
          else {
            expect(shown(one)).toBe(next);
            next += 1;
          }
        };
        for (const publish of publishes) {
          if (publish) {
            published += 1;
            bus.publish(event(published));
          } else if (next <= published) await take();
        }
        while (next <= published) await take();
        expect(next).toBe(published + 1);
      }),
      { numRuns: 100 },
    );
  });
});

describe("a listener that closes", () => {
  test("answers null, to a waiting call as well", async () => {
    const bus = new EventBus(2);
    const listener = bus.subscribe();
    const waiting = listener.next();
    listener.close();
    expect([await waiting, await listener.next()]).toEqual([null, null]);
  });

  test("forgets what it has not read", async () => {
    const bus = new EventBus(2);
    const listener = bus.subscribe();
    bus.publish(event(1));
    listener.close();
    bus.publish(event(2));
    expect(await listener.next()).toBeNull();
  });
});

// DNS rebinding against the real server: the name's address changes between its tries, in a hosts file of its own.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { answering, failing, Receiver } from "../support/callback-receiver.ts";
import { deliveriesOf, startCalling, untilState } from "../support/callbacks.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { cannotMount, mounted } from "./support/mount.ts";

const why = cannotMount();
const title = why === undefined ? "a name that is bound anew" : `a name that is bound anew (skipped: ${why})`;

const allowed = "127.0.0.2";
const other = "127.0.0.1";
const hosts = why === undefined ? join(temporaryDirectory("hosts"), "hosts") : "";
/** The file stays the same one, since it is what is mounted. */
const bind = (...addresses: string[]) =>
  writeFileSync(hosts, addresses.map((address) => `${address} rebind.test\n`).join(""));

describe.skipIf(why !== undefined)(title, () => {
  let server: Server;
  let trap: Receiver;
  let honest: Receiver;
  beforeAll(async () => {
    bind(allowed);
    const waits = Array.from({ length: 99 }, () => "0.01").join(", ");
    trap = await Receiver.start();
    honest = await Receiver.start(answering(204), { host: allowed, port: trap.port });
    server = await startServer({
      prefix: mounted(hosts, "/etc/hosts"),
      config: `[callbacks]\nallowPrivate = ["${allowed}"]\nretrySeconds = [${waits}]\n`,
    });
  });
  afterAll(endEverything);

  const url = () => `http://rebind.test:${trap.port}/`;
  const attempts = async (id: string) => (await deliveriesOf(server, id))[0]?.attempts ?? 0;

  test("is called while its address is allowed", async () => {
    honest.behaviour = answering(200);
    const id = await startCalling(server, url());
    expect(await untilState(server, id, "delivered")).toMatchObject([{ attempts: 1, lastStatus: 200 }]);
    expect([honest.received.length, trap.connections]).toEqual([1, 0]);
  });

  test("between two tries is not called, and called again when it is bound back", async () => {
    honest.behaviour = answering(500);
    const id = await startCalling(server, url());
    await until(async () => (await attempts(id)) >= 2);
    bind(other);
    const refused = async () => {
      const [delivery] = await deliveriesOf(server, id);
      return delivery?.lastError?.includes(`${other}, which is not allowed`);
    };
    await until(refused, { describe: "a try that is refused" });
    const tries = honest.received.length;
    const before = await attempts(id);
    await until(async () => (await attempts(id)) >= before + 5);
    expect([honest.received.length, trap.connections]).toEqual([tries, 0]);
    honest.behaviour = answering(204);
    bind(allowed);
    const [delivery] = await untilState(server, id, "delivered");
    expect(delivery?.lastError).toBeNull();
    expect(trap.connections).toBe(0);
  });

  test("to both addresses at once is not called at all", async () => {
    const before = honest.connections;
    for (const addresses of [
      [allowed, other],
      [other, allowed],
    ]) {
      bind(...addresses);
      const id = await startCalling(server, url());
      const [delivery] = await untilState(server, id, "failed");
      expect([delivery?.attempts, delivery?.lastStatus]).toEqual([100, null]);
      expect(delivery?.lastError).toContain("not allowed");
    }
    expect([honest.connections - before, trap.connections]).toEqual([0, 0]);
  });

  test("all the time, over 400 tries, never leads to what is not allowed", async () => {
    honest.behaviour = failing(Number.POSITIVE_INFINITY);
    const before = honest.received.length;
    let turn = 0;
    const flipping = setInterval(() => {
      turn += 1;
      bind(turn % 2 === 0 ? allowed : other);
    }, 3);
    try {
      const ids = await Promise.all([1, 2, 3, 4].map(() => startCalling(server, url())));
      for (const id of ids) {
        const [delivery] = await untilState(server, id, "failed");
        expect(delivery?.attempts).toBe(100);
      }
    } finally {
      clearInterval(flipping);
    }
    // Both happened: tries that were let through and tries that were refused.
    expect(honest.received.length - before).toBeWithin(1, 400);
    expect(trap.connections).toBe(0);
  });
});

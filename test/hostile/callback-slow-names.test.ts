// Callbacks to names whose name server keeps silent: the server goes on, for files and for other callbacks.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Receiver } from "../support/callback-receiver.ts";
import { deliveriesOf, loopbackCallbacks, startCalling, untilState } from "../support/callbacks.ts";
import { atEnd, temporaryDirectory } from "../support/cleanup.ts";
import { endedJob } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { cannotMount, mounted } from "./support/mount.ts";

const why = cannotMount();
const title = why === undefined ? "names that nobody answers for" : `slow names (skipped: ${why})`;
const names = 40;

describe.skipIf(why !== undefined)(title, () => {
  let server: Server;
  /** Questions that came to the silent name server. */
  let asked = 0;
  beforeAll(async () => {
    const silent = createSocket("udp4");
    silent.on("message", () => {
      asked += 1;
    });
    await new Promise<void>((resolve) => silent.bind(53, "127.0.0.9", resolve));
    atEnd(async () => void silent.close());
    const file = join(temporaryDirectory("names"), "resolv.conf");
    writeFileSync(file, "nameserver 127.0.0.9\noptions timeout:5 attempts:3\n");
    const limits = "[limits]\ncallbackTimeoutSeconds = 3\n";
    const config = loopbackCallbacks([0.05, 0.05, 0.05], limits);
    server = await startServer({ config, prefix: mounted(file, "/etc/resolv.conf") });
  });
  afterAll(endEverything);

  test("hold up neither jobs nor the callbacks of others", async () => {
    const receiver = await Receiver.start();
    const silent: string[] = [];
    for (let turn = 0; turn < names; turn += 1)
      silent.push(await startCalling(server, `http://name-${turn % 3}.silent.test:1/`));
    await until(() => asked > 0, { describe: "a question to the silent name server" });
    let longest = 0;
    for (let turn = 0; turn < 60; turn += 1) {
      const begun = performance.now();
      const id = await startCalling(server, receiver.url());
      await endedJob(server, id);
      await untilState(server, id, "delivered");
      longest = Math.max(longest, performance.now() - begun);
      await Bun.sleep(100);
    }
    expect(longest).toBeLessThan(2_000);
    const [delivery] = await deliveriesOf(server, silent[0] ?? "");
    expect([delivery?.state, delivery?.lastStatus]).toEqual([expect.stringMatching(/pending|failed/), null]);
  });
});

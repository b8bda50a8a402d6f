// Contract v1, the WebSocket: a client that does not read what the job writes is heard all the same.
import { afterAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { attach } from "../support/attach.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endEverything, startServer } from "../support/server.ts";
import { queuedInKernel } from "../support/socket-queues.ts";
import { until, untilSteady } from "../support/wait.ts";
import { startJob } from "./support/v1-start.ts";

afterAll(endEverything);

const outputBytes = 32_000_000;
const mostAcks = 3;

test("what it types is taken, and told by few acks behind the output", async () => {
  const server = await startServer();
  const heard = join(temporaryDirectory("stalled"), "heard");
  const read = `while read -r line; do echo "$line" >> "${heard}"; done`;
  const { id } = await startJob(server, {
    shell: `head -c ${outputBytes} /dev/zero; ${read}`,
    stdin: "open",
  });
  const client = await attach(server, id, { digest: true });
  await client.message("started");
  client.socket.pause();
  await untilSteady(() => queuedInKernel(server.port, client.socket.localPort ?? 0));
  const said: string[] = [];
  for (let number = 1; number <= 20; number += 1) {
    said.push(`line ${number}\n`);
    client.type(said.at(-1) ?? "");
    const isHeard = () => existsSync(heard) && readFileSync(heard, "utf8") === said.join("");
    await until(isHeard, { describe: `line ${number} to be heard` });
  }
  client.socket.resume();
  await client.untilAcked(said.join("").length);
  expect(client.all("ack").length).toBeLessThanOrEqual(mostAcks);
  client.closeStdin();
  expect([await client.untilClosed(), client.outputBytes]).toEqual([1000, outputBytes]);
  const offsets = client.all("ack").map(({ stdinOffset }) => stdinOffset);
  expect(offsets).toEqual(offsets.toSorted((one, other) => one - other));
});

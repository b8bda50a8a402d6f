// A server under systemd: what it tells the service manager, and the unit that comes with it.
import { afterAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { atEnd, guardProcess, temporaryDirectory } from "../support/cleanup.ts";
import { command } from "../support/command.ts";
import { endEverything, errandProgram, projectRoot, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

afterAll(endEverything);

/** Takes datagrams as systemd does, and writes a line for each. */
const receiver = `
import socket, sys
taker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
taker.bind(sys.argv[1].replace("@", "\\0", 1))
print("bound", flush=True)
while True: print(taker.recv(4096).decode(), flush=True)
`;

async function listen(socket: string): Promise<() => string[]> {
  const file = join(temporaryDirectory("notify"), "received");
  const child = Bun.spawn(["python3", "-c", receiver, socket], { stdout: Bun.file(file), stderr: "inherit" });
  guardProcess(child.pid);
  atEnd(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  const lines = () => readFileSync(file, "utf8").split("\n").filter(Boolean);
  await until(() => lines()[0] === "bound", { describe: "the receiver to listen" });
  return () => lines().slice(1);
}

test.each([
  ["a path", () => join(temporaryDirectory("socket"), "notify")],
  ["an abstract name", () => `@errand-test-${process.pid}`],
])("it is told of the start, of signs of life, and of the end, at %s", async (_name, place) => {
  const socket = place();
  const received = await listen(socket);
  const server = await startServer({ env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "300000" } });
  await until(() => received().filter((line) => line === "WATCHDOG=1").length >= 3, {
    describe: () => `signs of life; it was told ${received()}`,
  });
  expect(received()[0]).toBe("READY=1");
  expect(received()).not.toContain("STOPPING=1");
  expect(await server.stop()).toBe(0);
  await until(() => received().includes("STOPPING=1"));
});

test("signs of life for another process are not given", async () => {
  const socket = join(temporaryDirectory("socket"), "notify");
  const received = await listen(socket);
  const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "3000", WATCHDOG_PID: "1" };
  const server = await startServer({ env });
  await until(() => received().includes("READY=1"));
  expect(await server.stop()).toBe(0);
  await until(() => received().includes("STOPPING=1"));
  expect(received()).toEqual(["READY=1", "STOPPING=1"]);
});

test.each(["", "relative", "/nowhere/at/all"])(
  "without a receiver (%j) it serves all the same",
  async (socket) => {
    const server = await startServer({ env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "3000" } });
    expect((await server.request("/healthz")).status).toBe(200);
    expect(await server.stop()).toBe(0);
  },
);

const hasAnalyzer = Bun.which("systemd-analyze") !== null || process.env.CI !== undefined;

test.skipIf(!hasAnalyzer)("the unit is right, as systemd-analyze verifies", async () => {
  const unit = readFileSync(join(projectRoot, "examples/systemd/errand.service"), "utf8");
  const here = unit.replace("/opt/errand/bin/errand", errandProgram).replaceAll(/=errand$/gm, "=root");
  expect(here).not.toBe(unit);
  const file = join(temporaryDirectory("unit"), "errand.service");
  writeFileSync(file, here);
  const verified = await command(["systemd-analyze", "verify", "--man=no", file]);
  expect([verified.code, verified.stdout.toString(), verified.stderr.toString()]).toEqual([0, "", ""]);
  // Jobs survive a restart by this alone.
  expect(unit).toMatch(/^KillMode=process$/m);
});

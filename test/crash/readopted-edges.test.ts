// Jobs that survive, at the edges: what they leave behind, starts and ends that a dying server was in the middle of, and
// who followed them.
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { eventsOf, openFrames } from "../support/event-stream.ts";
import { signal } from "../support/proc.ts";
import { killByToken, newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until, within } from "../support/wait.ts";
import { background, ended, look, post, refusal, shell } from "./support/background.ts";

afterAll(endEverything);

const again = ({ dataDir }: Server) => startServer({ dataDir });
const newGate = () => join(temporaryDirectory("gate"), "gate");

describe("leftovers of a job", () => {
  test("that ends while no server lives are left alone by the next one", async () => {
    const server = await startServer();
    const [left, waits, gate] = [newToken(), newToken(), newGate()];
    const script = 'setsid sleep 600 "$1" >/dev/null 2>&1 & "$2" "$3" "$4"; exit 7';
    const { id } = await background(server, shell(script, left, program("wait-for-file"), waits, gate));
    // With the shell, in whose arguments it stands as well.
    await untilLiving(left, 2);
    await server.kill9();
    writeFileSync(gate, "");
    await untilGone(waits);
    const next = await again(server);
    expect(await ended(next, id)).toMatchObject({ outcome: { reason: "exited", code: 7 } });
    expect(withToken(left)).toHaveLength(1);
    await killByToken(left);
  });
});

describe("a server that dies", () => {
  test("right after a queued job was started: it goes on, and has its alias", async () => {
    const server = await startServer({ config: "[limits]\nhistoryFlushSeconds = 5\n" });
    const [gate, token] = [newGate(), newToken()];
    const holder = shell('"$1" "$2" "$3"', program("wait-for-file"), newToken(), gate);
    await background(server, { ...holder, alias: "one" });
    const waiting = { command: ["sleep", "600", token], alias: "one", aliasPolicy: "queue" };
    const { id } = await background(server, waiting);
    writeFileSync(gate, "");
    await untilLiving(token, 1);
    await server.kill9();
    const next = await again(server);
    expect(await look(next, id)).toMatchObject({ state: "running", alias: "one" });
    const refused = await post(next, { command: ["true"], alias: "one" });
    expect(await refusal(refused)).toEqual({ status: 409, code: "already-running" });
    expect(withToken(token)).toHaveLength(1);
  });

  test("in order, while jobs are being started: it ends, and they go on", async () => {
    const server = await startServer({ config: "[limits]\nshutdownDrainSeconds = 2\n" });
    const token = newToken();
    const starts = Array.from({ length: 16 }, () => post(server, { command: ["sleep", "600", token] }));
    await until(() => withToken(token).length > 0, { describe: "the first one" });
    signal(server.pid, "SIGTERM");
    const answers = await Promise.all(starts.map((start) => start.catch(() => null)));
    await within(server.process.exited, { describe: "the end of the server" });
    const ids: string[] = [];
    for (const answer of answers)
      if (answer?.status === 201) ids.push(((await answer.json()) as { id: string }).id);
    expect(ids.length).toBeGreaterThan(0);
    const next = await again(server);
    for (const id of ids) expect([id, (await look(next, id)).state]).toEqual([id, "running"]);
    await until(() => withToken(token).length === ids.length, { describe: "no others to run" });
  });
});

describe("a job that ends with those who follow it", () => {
  const policies = ["kill", { killAfterSeconds: 0.5 }] as const;

  test.each(policies)("%j: goes on over a restart when nobody has followed it", async (onDisconnect) => {
    const server = await startServer();
    const { id } = await background(server, { command: ["sleep", "600"], onDisconnect });
    await server.kill9();
    const next = await again(server);
    // As long as one that was followed has at most.
    const other = await background(next, { command: ["sleep", "1.5"] });
    await ended(next, other.id);
    expect(await look(next, id)).toMatchObject({ state: "running" });
  });

  test.each(policies)("%j: ends when they do not come back to the next server", async (onDisconnect) => {
    const server = await startServer();
    const { id } = await background(server, { command: ["sleep", "600"], onDisconnect });
    const stream = await openFrames(server, `/v1/jobs/${id}/events`);
    await stream.until(() => eventsOf(stream).length > 0, "the first event");
    await server.kill9();
    const next = await again(server);
    expect(await ended(next, id)).toMatchObject({ outcome: { reason: "disconnected" } });
  });
});

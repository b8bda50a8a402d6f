// R16: what version 1 has left is understood: its database, its files, and its shims, which outlive an upgrade.
import { afterAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Frame } from "../../src/shim/frames.ts";
import { identify } from "../../src/spool/identity.ts";
import { readShimRecord } from "../../src/spool/shimRecord.ts";
import { putStdin } from "../contract/support/v1-stdin.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { stop } from "../support/jobs.ts";
import { signal } from "../support/proc.ts";
import { report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { ended, look, outputText, post, ran } from "./support/background.ts";
import { type Recorded, read, ShimPeer, typeOf } from "./support/shim-peer.ts";
import { directoryOf, shimOf, survivor, untilDead } from "./support/surviving.ts";

afterAll(endEverything);

const fixtures = resolve(import.meta.dir, "../fixtures/v1");
const readFixture = async <Value>(name: string) => (await Bun.file(join(fixtures, name)).json()) as Value;

/** A server on a copy of a data directory of then. */
async function startOn(name: string): Promise<Server> {
  const dataDir = join(temporaryDirectory("then"), "data");
  mkdirSync(dataDir, { mode: 0o700 });
  cpSync(join(fixtures, name), dataDir, { recursive: true });
  return startServer({ dataDir });
}

async function expectUsable(server: Server): Promise<void> {
  expect(await ran(server, { shell: "exit 3", alias: "over" })).toMatchObject({ outcome: { code: 3 } });
  expect(server.logLines().filter(({ level }) => typeof level === "number" && level >= 50)).toEqual([]);
}

const exited = (code: number) => ({ state: "ended", outcome: { reason: "exited", code, signal: null } });
const lost = { state: "lost", outcome: { reason: "lost", code: null, signal: null } };

describe("what is on the disk", () => {
  test("a data directory of a server and a shim that were killed", async () => {
    const server = await startOn("data");
    const jobs = await readFixture<Record<string, string>>("jobs.json");
    const { over = "", signaled = "", atTerminal = "", withServer = "", withShim = "", later = "" } = jobs;
    expect(await look(server, over)).toMatchObject({ ...exited(7), alias: "over", stderrTail: "err\n" });
    expect(await outputText(server, over, "stdout")).toBe("out\n");
    const usr1 = { reason: "signaled", code: null, signal: "SIGUSR1" };
    expect(await look(server, signaled)).toMatchObject({ state: "ended", outcome: usr1, survive: true });
    expect(await look(server, atTerminal)).toMatchObject({ ...exited(0), tty: { cols: 91, rows: 33 } });
    expect(await outputText(server, atTerminal, "stdout")).toBe("33 91\r\n");
    expect(await look(server, withServer)).toMatchObject({ ...lost, survive: false });
    expect(await look(server, withShim)).toMatchObject({ ...lost, survive: true });
    expect(await outputText(server, withShim, "stdout")).toBe("begun\n");
    expect(await look(server, later)).toMatchObject(exited(9));
    expect(await outputText(server, later, "stdout")).toBe("begun\nlate\n");
    const failed = await server.request("/v1/jobs?state=failed");
    expect(await failed.json()).toMatchObject({ jobs: [{ command: ["/no/such/program"] }] });
    await expectUsable(server);
    report("R16", `data directory of version 1: ${Object.keys(jobs).length} jobs as they were`);
  });

  test("a data directory from before there were shims and terminals", async () => {
    const server = await startOn("migration-4");
    const jobs = await readFixture<Record<string, string>>("migration-4-jobs.json");
    const { over = "", keyed = "", attached = "", withServer = "" } = jobs;
    expect(await look(server, over)).toMatchObject({
      ...exited(7),
      alias: "over",
      survive: false,
      tty: null,
    });
    expect(await outputText(server, over, "stderr")).toBe("err\n");
    expect(await look(server, keyed)).toMatchObject({ ...exited(3), labels: { a: "b" } });
    const again = await post(
      server,
      { shell: "exit 3", labels: { a: "b" } },
      { "idempotency-key": "the-key" },
    );
    expect(await again.json()).toMatchObject({ id: keyed });
    expect(await look(server, attached)).toMatchObject({ ...exited(4), mode: "attached" });
    expect(await look(server, withServer)).toMatchObject(lost);
    await expectUsable(server);
    report("R16", `data directory of migration 4: ${Object.keys(jobs).length} jobs as they were`);
  });
});

interface Talk {
  readonly id: string;
  readonly job: Record<string, unknown>;
  readonly recorded: readonly Recorded[];
}

/** The message of a frame. */
function messageOf(frame: Frame): Record<string, unknown> {
  return frame.kind === "message" ? (frame.message as Record<string, unknown>) : {};
}

describe("what a shim and a later server say to each other", () => {
  test("a shim of version 1 is followed and told what to do by this server", async () => {
    const { id: then, job, recorded } = await readFixture<Talk>("shim-protocol.json");
    const { server, id } = await withoutShim(job);
    const socket = join(directoryOf(server, id), "control.sock");
    rmSync(socket, { force: true });
    const [peer, next] = await Promise.all([
      answerAs(socket, recorded, { then, id }),
      startServer({ dataDir: server.dataDir }),
    ]);
    expect((await look(next, id)).state).toBe("running");
    expect(await putStdin(next, id, "one\n")).toEqual({ offset: 4, closed: false });
    expect(await putStdin(next, id, "two\n")).toEqual({ offset: 8, closed: false });
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ signal: "SIGCONT" });
    const sent = await next.request(`/v1/jobs/${id}/signal`, { method: "POST", headers, body });
    expect(sent.status).toBe(200);
    const stopped = stop(next, id, 5);
    await peer.wait("stop");
    const closed = next.request(`/v1/jobs/${id}/stdin?close=true`, { method: "PUT", body: "" });
    expect((await stopped).status).toBe(200);
    await closed;
    await peer.wait("settled");
    expect(await ended(next, id)).toMatchObject({ outcome: { reason: "stopped", code: 6, signal: null } });
    const said = peer.received.map((bytes) => read(bytes.toString("hex")));
    for (const frame of recorded.filter(({ from }) => from === "server").map(({ hex }) => read(hex))) {
      if (frame.kind !== "message" || ["counted", "resize"].includes(typeOf(frame))) continue;
      expect(said.map(messageOf)).toContainEqual(messageOf(frame));
    }
    report("R16", `a shim of version 1 followed by this server: ${peer.received.length} frames understood`);
  });

  test("this shim understands a server of version 1", async () => {
    const { job, recorded } = await readFixture<Talk>("shim-protocol.json");
    const server = await startServer();
    const { id } = await survivor(server, job);
    const shim = shimOf(server, id);
    await server.kill9();
    const peer = await ShimPeer.connect(join(directoryOf(server, id), "control.sock"));
    for (const { from, hex } of recorded) {
      const frame = read(hex);
      if (from === "server") peer.send(Buffer.from(hex, "hex"));
      else
        expect(typesOf(messageOf(await peer.wait(typeOf(frame))))).toMatchObject(typesOf(messageOf(frame)));
    }
    peer.socket.end();
    await untilDead([shim]);
    const next = await startServer({ dataDir: server.dataDir });
    expect(await look(next, id)).toMatchObject({ outcome: { reason: "stopped", code: 6, signal: null } });
    expect(await outputText(next, id, "stdout")).toBe("one\ntwo\n");
    report("R16", `this shim told by a server of version 1: ${recorded.length} frames understood`);
  });
});

/** A job whose shim was killed, and which is on record as this process's own. */
async function withoutShim(spec: Record<string, unknown>): Promise<{ server: Server; id: string }> {
  const server = await startServer();
  const { id } = await survivor(server, spec);
  const shim = shimOf(server, id);
  const record = readShimRecord(directoryOf(server, id));
  const { pid = 0 } = await look(server, id);
  await server.kill9();
  for (const one of [shim, pid ?? 0]) signal(one, "SIGKILL");
  await untilDead([shim, pid ?? 0]);
  const mine = { ...record, shim: identify(process.pid) };
  writeFileSync(join(directoryOf(server, id), "shim.json"), JSON.stringify(mine));
  return { server, id };
}

/** Says what the shim said then, each part once the server has said what came before it. */
async function answerAs(
  socket: string,
  recorded: readonly Recorded[],
  { then, id }: { then: string; id: string },
): Promise<ShimPeer> {
  const peer = await ShimPeer.listen(socket);
  const play = async () => {
    let inputs = 0;
    for (const { from, hex } of recorded) {
      const type = typeOf(read(hex));
      if (from === "shim") peer.send(renamed(hex, then, id));
      else if (type === "input") await peer.wait(type, ++inputs);
      // This server has no reason for these.
      else if (type !== "counted" && type !== "resize" && type !== "settled") await peer.wait(type);
    }
  };
  play().catch(() => peer.socket.destroy());
  return peer;
}

/** The frame for a job of another id, which has as many digits. */
function renamed(hex: string, then: string, id: string): Buffer {
  const text = Buffer.from(hex, "hex").toString("latin1");
  return Buffer.from(text.replaceAll(then, id), "latin1");
}

/** The value with the name of its type for each part. */
function typesOf(value: object): object {
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, typeNameOf(part)]));
}

function typeNameOf(value: unknown): unknown {
  if (Array.isArray(value)) return "array";
  if (typeof value !== "object" || value === null) return typeof value;
  return typesOf(value);
}

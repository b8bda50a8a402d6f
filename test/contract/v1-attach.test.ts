// Contract v1, `GET /v1/jobs/{id}/attach`: what is seen, from where on, and what can be done.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Attached, attach, attachStatus } from "../support/attach.ts";
import { newAlias, stop } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { makeToken, revokeToken } from "../support/tokens.ts";
import { until } from "../support/wait.ts";
import { problem } from "./support/v1.ts";
import { endOf, postJob, runJob, startJob, textOf, untilWritten } from "./support/v1-start.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer({ config: "[limits]\nheartbeatSeconds = 1\nattachers = 4\n" });
});
afterAll(endEverything);

const tty = { cols: 80, rows: 24 };
/** Says what it reads, until the end of it. */
const echo = { shell: "echo out; echo err >&2; cat; exit 3", stdin: "open" };
const types = (attached: Attached) =>
  attached.messages.map(({ type }) => type).filter((type) => type !== "heartbeat");

describe("a job with pipes", () => {
  test("is seen from its begin to its end, and written to", async () => {
    const job = await startJob(server, echo);
    const attached = await attach(server, job.id);
    const started = await attached.message("started");
    expect(started).toMatchObject({
      ...{ cursor: "0-0", stdinOffset: 0, stdinWindowBytes: 262_144, readOnly: false, replay: "all" },
      ...{
        job: { id: job.id, state: "running" },
        size: null,
        attacher: expect.stringMatching(/^[\w-]{22}$/),
      },
    });
    attached.type("typed\n");
    await attached.untilShown("typed\n");
    await attached.untilAcked(6);
    attached.closeStdin();
    expect(await attached.untilClosed()).toBe(1000);
    expect(attached.output).toEqual({ stdout: "out\ntyped\n", stderr: "err\n" });
    const ended = attached.messages.at(-1);
    expect(ended).toMatchObject({
      type: "ended",
      cursor: "10-4",
      outcome: { code: 3 },
      job: { state: "ended" },
    });
    expect(types(attached).filter((type) => type === "started" || type === "live")).toEqual([
      "started",
      "live",
    ]);
    expect((await endOf(server, job.id)).outcome).toMatchObject({ code: 3 });
  });

  test("that has ended is shown as it was", async () => {
    const { id } = await runJob(server, { shell: "echo out; echo err >&2; exit 3" });
    const attached = await attach(server, id);
    expect(await attached.untilClosed()).toBe(1000);
    expect(attached.output).toEqual({ stdout: "out\n", stderr: "err\n" });
    expect(types(attached)).toEqual(["started", "cursor", "cursor", "live", "ended"]);
    expect(attached.cursor).toBe("4-4");
  });

  test("can be followed from every cursor, without a gap or a repeat", async () => {
    const { id } = await runJob(server, {
      shell: "for i in 1 2 3; do echo o$i; echo e$i >&2; sleep 0.03; done",
    });
    const whole = await attach(server, id);
    await whole.untilClosed();
    const all = `${whole.output.stdout}|${whole.output.stderr}`;
    expect(all).toBe("o1\no2\no3\n|e1\ne2\ne3\n");
    for (const { cursor } of [...whole.all("cursor"), ...whole.all("ended")]) {
      const rest = await attach(server, id, { query: `?cursor=${cursor}` });
      expect(await rest.untilClosed()).toBe(1000);
      const [stdout = 0, stderr = 0] = cursor.split("-").map(Number);
      expect(rest.all("started")).toMatchObject([{ cursor }]);
      expect(rest.output).toEqual({
        stdout: whole.output.stdout.slice(stdout),
        stderr: whole.output.stderr.slice(stderr),
      });
    }
  });

  test("brings bytes as they are", async () => {
    const { id } = await runJob(server, {
      shell: "printf '\\377\\000\\303'; sleep 0.05; printf '\\244\\200'",
    });
    const attached = await attach(server, id);
    await attached.untilClosed();
    expect(Buffer.from(attached.output.stdout, "latin1")).toEqual(Buffer.of(0xff, 0, 0xc3, 0xa4, 0x80));
  });

  test("takes signals", async () => {
    const { id } = await startJob(server, {
      shell: "trap 'echo got' USR1; echo ready; while :; do sleep 0.01; done",
    });
    const attached = await attach(server, id);
    await attached.untilShown("ready");
    attached.control({ type: "signal", signal: "SIGUSR1" });
    await attached.untilShown("got");
    attached.control({ type: "signal", signal: "SIGNONE" });
    expect(await attached.message("error")).toMatchObject({ code: "invalid-spec" });
    attached.control({ type: "signal", signal: "SIGKILL" });
    expect(await attached.untilClosed()).toBe(1000);
    expect(attached.messages.at(-1)).toMatchObject({ outcome: { signal: "SIGKILL" } });
  });

  test("tells of what it cannot do, and goes on", async () => {
    const { id } = await startJob(server, { shell: "echo ready; sleep 60" });
    const attached = await attach(server, id);
    await attached.untilShown("ready");
    attached.type("nobody reads this");
    attached.type("nor this");
    attached.control({ type: "resize", ...tty });
    attached.send(3, JSON.stringify({ type: "resize", cols: 0, rows: 5 }));
    attached.send(3, JSON.stringify({ type: "later", what: 5 }));
    await until(() => attached.all("error").length === 4, { describe: "four refusals" });
    expect(
      attached
        .all("error")
        .map(({ code }) => code)
        .sort(),
    ).toEqual([...["invalid-request", "invalid-request", "no-terminal", "stdin-closed"]]);
    attached.control({ type: "signal", signal: "SIGTERM" });
    expect(await attached.untilClosed()).toBe(1000);
  });

  test("hears of output that is not kept", async () => {
    const small = await startServer({ config: "[limits]\nkeptOutputBytes = 5\n" });
    const { id } = await runJob(small, { shell: "printf 123456789" });
    const attached = await attach(small, id);
    expect(await attached.untilClosed()).toBe(1000);
    expect(attached.output.stdout).toBe("12345");
    expect(attached.all("gap")).toEqual([{ type: "gap", stream: "stdout", from: 5, to: 9, cursor: "9-0" }]);
    expect(types(attached)).toEqual(["started", "cursor", "live", "gap", "ended"]);
    await small.stop();
  });
});

describe("what comes first", () => {
  test("nothing of what was", async () => {
    const { id } = await startJob(server, {
      shell: "echo old; echo olderr >&2; read x; echo new",
      stdin: "open",
    });
    await untilWritten(server, { id, text: "old\n" });
    await untilWritten(server, { id, text: "olderr\n", stream: "stderr" });
    const attached = await attach(server, id, { query: "?replay=none" });
    await attached.message("live");
    attached.type("\n");
    await attached.untilClosed();
    expect(attached.output).toEqual({ stdout: "new\n", stderr: "" });
    expect(attached.all("started")).toMatchObject([{ cursor: "4-7" }]);
  });

  test("the last 64 KiB of a job with pipes, as the screen", async () => {
    const { id } = await runJob(server, { shell: "head -c 70000 /dev/zero; sleep 0.05; printf end >&2" });
    const attached = await attach(server, id, { query: "?replay=screen" });
    await attached.untilClosed();
    expect([attached.outputBytes, attached.output.stderr]).toEqual([65_536, "end"]);
    expect(attached.all("started")).toMatchObject([{ cursor: `${70_003 - 65_536}-0` }]);
  });

  test("the screen of a terminal, and from there on all that follows", async () => {
    const shell =
      "printf '\\033[2J\\033[H'; seq 100; printf '\\033[5;10Hplaced\\033[?1049h\\033[31mfull screen'; " +
      "printf '\\033[6n\\033[c\\033[>q\\033]10;?\\007\\033[2;3Hdone\\033['; read x; printf '1mbold'";
    const { id } = await startJob(server, { shell: `stty -echo; ${shell}`, tty });
    await until(async () => (await textOf(server, id)).endsWith("done\x1b["), { describe: "the screen" });
    const attached = await attach(server, id, { query: "?replay=screen" });
    await attached.message("live");
    const screen = attached.output.stdout;
    expect(screen).toContain("full screen");
    expect(screen).toContain("\x1b[?1049h");
    for (const asked of ["[6n", "[c", "[>q", "]10;?"]) expect(screen).not.toContain(`\x1b${asked}`);
    expect(screen).not.toContain("50\r\n");
    attached.type("\n");
    await attached.untilClosed();
    // The sequence in whose middle the screen was drawn comes whole, and once.
    const [first] = attached.all("cursor");
    const rest = (await textOf(server, id)).slice(Number(first?.cursor.split("-")[0]));
    expect(rest).toBe("\x1b[1mbold");
    expect(attached.output.stdout).toEndWith(rest);
    expect(attached.output.stdout.slice(0, -rest.length)).not.toEndWith("\x1b[");
  });

  test("the screen at the size that the terminal has now", async () => {
    const { id } = await startJob(server, { shell: "stty -echo; printf 1234567890; read x", tty });
    const first = await attach(server, id);
    await first.untilShown("1234567890");
    first.control({ type: "resize", cols: 5, rows: 4 });
    await first.message("resize");
    const second = await attach(server, id, { query: "?replay=screen&readOnly=true" });
    expect(await second.message("started")).toMatchObject({ size: { cols: 5, rows: 4 }, replay: "screen" });
    await second.message("live");
    // The line goes on in the next one by itself: no line end in between.
    expect(second.output.stdout).toBe("1234567890");
  });
});

describe("several at one job:", () => {
  test("all see the same, whoever types", async () => {
    const { id } = await startJob(server, { command: ["cat"], tty });
    const three = await Promise.all([1, 2, 3].map(() => attach(server, id)));
    for (const [index, attached] of three.entries()) {
      await attached.message("live");
      attached.type(`from ${index}\n`);
      await Promise.all(three.map((each) => each.untilShown(`from ${index}\r\nfrom ${index}\r\n`)));
    }
    three[0]?.control({ type: "resize", cols: 50, rows: 20 });
    for (const each of three)
      expect(await each.message("resize")).toEqual({ type: "resize", cols: 50, rows: 20 });
    three[1]?.closeStdin();
    expect(await Promise.all(three.map((each) => each.untilClosed()))).toEqual([1000, 1000, 1000]);
    const kept = await textOf(server, id);
    expect(three.map(({ output }) => output.stdout)).toEqual([kept, kept, kept]);
  });

  test("one that only reads cannot write, end the input, resize or signal", async () => {
    const { id } = await startJob(server, { command: ["cat"], tty });
    const writer = await attach(server, id);
    const reader = await attach(server, id, { query: "?readOnly=true" });
    expect(await reader.message("started")).toMatchObject({ readOnly: true });
    reader.type("forbidden\n");
    reader.closeStdin();
    reader.control({ type: "resize", cols: 50, rows: 20 });
    reader.control({ type: "signal", signal: "SIGKILL" });
    await until(() => reader.all("error").length === 4, { describe: "four refusals" });
    expect(new Set(reader.all("error").map(({ code }) => code))).toEqual(new Set(["forbidden"]));
    writer.type("allowed\n");
    await reader.untilShown("allowed\r\nallowed\r\n");
    expect(reader.output.stdout).toBe("allowed\r\nallowed\r\n");
    expect([reader.all("resize"), reader.all("ack")]).toEqual([[], []]);
    writer.closeStdin();
    expect(await reader.untilClosed()).toBe(1000);
  });

  test("not more than the limit, where the same attacher counts once", async () => {
    const { id } = await startJob(server, { command: ["cat"], tty });
    const four = await Promise.all([1, 2, 3, 4].map(() => attach(server, id)));
    expect(await attachStatus(server, id)).toBe(429);
    const { attacher } = (await four[0]?.message("started")) ?? {};
    const again = await attach(server, id, { query: `?attacher=${attacher}` });
    expect(await four[0]?.untilClosed()).toBe(4001);
    four[1]?.cut();
    await until(async () => (await attachStatus(server, id)) === 101, { describe: "a place to be free" });
    again.closeStdin();
    expect(await again.untilClosed()).toBe(1000);
  });
});

describe("the same attacher", () => {
  test("goes on where its input was taken, and takes its place over", async () => {
    const { id } = await startJob(server, { command: ["cat"], stdin: "open" });
    const first = await attach(server, id);
    const { attacher } = await first.message("started");
    first.type("12345\n");
    await first.untilAcked(6);
    await until(() => first.cursor === "6-0", { describe: "the place behind the line" });
    const second = await attach(server, id, { query: `?attacher=${attacher}&cursor=${first.cursor}` });
    expect(await second.message("started")).toMatchObject({ attacher, stdinOffset: 6, cursor: first.cursor });
    expect(await first.untilClosed()).toBe(4001);
    const other = await attach(server, id);
    expect(await other.message("started")).toMatchObject({ stdinOffset: 0 });
    second.type("6\n");
    await second.untilShown("6");
    expect(second.output.stdout).toBe("6\n");
    await second.untilAcked(8);
    second.closeStdin();
    await second.untilClosed();
  });

  test("under another credential is somebody else", async () => {
    const { secret } = await makeToken(server, ["read", "run"]);
    const { id } = await startJob(server, { command: ["cat"], stdin: "open" });
    const first = await attach(server, id);
    const { attacher } = await first.message("started");
    first.type("12345\n");
    await first.untilAcked(6);
    const stranger = await attach(server, id, { query: `?attacher=${attacher}`, token: secret });
    expect(await stranger.message("started")).toMatchObject({ stdinOffset: 0 });
    first.type("6\n");
    await first.untilAcked(8);
    first.closeStdin();
    expect(await stranger.untilClosed()).toBe(1000);
  });
});

describe("a job that does not run yet", () => {
  test("is waited for, and what was typed comes to it", async () => {
    const alias = newAlias();
    const holder = await startJob(server, { command: ["sleep", "60"], alias });
    const queued = await startJob(server, { ...echo, alias, aliasPolicy: "queue" });
    const attached = await attach(server, queued.id);
    attached.type("early\n");
    attached.closeStdin();
    await attached.message("heartbeat");
    expect(attached.all("started")).toEqual([]);
    expect((await stop(server, holder.id, 0)).status).toBe(200);
    expect(await attached.untilClosed()).toBe(1000);
    expect(attached.output.stdout).toBe("out\nearly\n");
  });

  test("and never will has an end", async () => {
    const alias = newAlias();
    const holder = await startJob(server, { command: ["sleep", "60"], alias });
    const queued = await startJob(server, { ...echo, alias, aliasPolicy: "queue" });
    const attached = await attach(server, queued.id);
    expect((await stop(server, queued.id)).status).toBe(200);
    expect(await attached.untilClosed()).toBe(1000);
    expect(types(attached)).toEqual(["live", "ended"]);
    expect(attached.messages.at(-1)).toMatchObject({ outcome: null, job: { state: "failed" } });
    await stop(server, holder.id, 0);
  });
});

test("who attaches is there for the job: it is stopped when the last one has gone", async () => {
  const spec = { command: ["sleep", "60"], onDisconnect: { killAfterSeconds: 0.3 } };
  const { id } = await startJob(server, spec);
  const [first, second] = await Promise.all([
    attach(server, id),
    attach(server, id, { query: "?readOnly=true" }),
  ]);
  first?.cut();
  const still = await server.request(`/v1/jobs/${id}?wait=0.7`);
  expect(await still.json()).toMatchObject({ state: "running" });
  second?.cut();
  expect((await endOf(server, id)).outcome).toMatchObject({ reason: "disconnected" });
});

test.each(["header", "subprotocol"] as const)(
  "heartbeats come while nothing else does; a token in a %s that is revoked ends the connection",
  async (tokenIn) => {
    const { id: token, secret } = await makeToken(server, ["read", "run"]);
    const { id } = await startJob(server, { command: ["cat"], tty });
    const attached = await attach(server, id, { token: secret, tokenIn });
    await attached.message("heartbeat");
    expect(attached.ended).toBe(false);
    expect(await revokeToken(server, token)).toBe(204);
    expect(await attached.untilClosed()).toBe(1008);
    await stop(server, id, 0);
  },
);

test("the last words come at a shutdown, too", async () => {
  const short = await startServer({
    config: "[limits]\nshutdownDrainSeconds = 0.2\nstopGraceSeconds = 0.2\n",
  });
  const { id } = await startJob(short, {
    shell: "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.01; done",
    survive: false,
  });
  const attached = await attach(short, id);
  await attached.untilShown("ready");
  expect(await short.stop()).toBe(0);
  expect(await attached.untilClosed()).toBe(1000);
  expect(attached.output.stdout).toBe("ready\nbye\n");
  expect(attached.messages.at(-1)).toMatchObject({ type: "ended", outcome: { reason: "shutdown", code: 5 } });
});

describe("standard clients:", () => {
  test.each(["arraybuffer", "nodebuffer"] as const)(
    "the WebSocket of the runtime, %s",
    async (binaryType) => {
      const { id } = await runJob(server, { shell: "echo hello" });
      const url = `ws://${server.host}:${server.port}/v1/jobs/${id}/attach`;
      const socket = new WebSocket(url, {
        protocols: ["errand.v1", "other"],
        headers: { authorization: `Bearer ${server.token}` },
      } as unknown as string[]);
      socket.binaryType = binaryType;
      const frames: Buffer[] = [];
      socket.onmessage = ({ data }) => void frames.push(Buffer.from(data as ArrayBuffer));
      const code = await new Promise<number>((resolve) => {
        socket.onclose = (event) => resolve(event.code);
      });
      expect([code, socket.protocol]).toEqual([1000, "errand.v1"]);
      const output = frames.filter((frame) => frame[0] === 1).map((frame) => frame.subarray(1).toString());
      expect(output.join("")).toBe("hello\n");
    },
  );
});

describe("refused before it is a WebSocket:", () => {
  test.each<[string, number]>([
    ["?cursor=9-9", 400],
    ["?cursor=x", 400],
    ["?cursor=0-0&replay=all", 400],
    ["?replay=last", 400],
    ["?replay=", 400],
    ["?readOnly=yes", 400],
    ["?readOnly=true&readOnly=true", 400],
    ["?attacher=short", 400],
    [`?attacher=${"a".repeat(65)}`, 400],
    ["?attacher=not%20well-formed-12345", 400],
    ["?Replay=all", 400],
  ])("%s", async (query, status) => {
    const { id } = await runJob(server, { shell: "echo hello" });
    expect(await attachStatus(server, id, { query })).toBe(status);
  });

  test("a job that there is not", async () => {
    for (const id of ["1", "x", "0"]) expect(await attachStatus(server, id)).toBe(404);
  });

  test("a request that asks for no upgrade", async () => {
    const { id } = await runJob(server, { shell: "echo hello" });
    const refused = await problem(server, `/v1/jobs/${id}/attach`);
    expect(refused).toMatchObject({ status: 426, code: "upgrade-required" });
    expect((await server.request(`/v1/jobs/${id}/attach`, { method: "POST" })).status).toBe(405);
  });

  test("one who may write but not read, but for the own job", async () => {
    const { secret } = await makeToken(server, ["run"]);
    const { id } = await runJob(server, { shell: "echo hello" });
    expect(await attachStatus(server, id, { token: secret })).toBe(403);
    expect(await attachStatus(server, id, { token: secret, query: "?readOnly=true" })).toBe(403);
    const own = await postJob(
      server,
      { shell: "echo own" },
      { headers: { authorization: `Bearer ${secret}` } },
    );
    const attached = await attach(server, ((await own.json()) as { id: string }).id, { token: secret });
    expect(await attached.untilClosed()).toBe(1000);
    expect(attached.output.stdout).toBe("own\n");
  });
});

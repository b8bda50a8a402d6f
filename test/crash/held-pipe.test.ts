// R21: a grandchild that holds the pipe neither hangs the answer, nor alters it, nor dies when nobody reads any more.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endedJob, newAlias, run } from "../support/jobs.ts";
import { bytesWrittenBy } from "../support/proc.ts";
import { killByToken, newToken, untilLiving, withToken } from "../support/processes.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { BodyReader } from "./support/body-reader.ts";
import { startRequest } from "./support/exclusive.ts";
import { KeepAlive } from "./support/keep-alive.ts";
import { crashProgram } from "./support/programs.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
/** Grandchildren that neither hung nor changed an answer, and lived on. */
let answered = 0;
afterAll(async () => {
  report("R21", `${answered} answers with a grandchild that holds the pipe: in time, whole, and it lives on`);
  await endEverything();
});

/** The drain takes a second at most; the rest is for the command itself on a busy machine. */
const answerMilliseconds = 1_000 + 1_000;
const slowBytesPerSecond = 1_000_000;
const slowMilliseconds = 12_000;
const printed = Array.from({ length: 20_000 }, (_, index) => `${String(index + 1).padStart(9, "0")}\n`).join(
  "",
);

const held = ["stdout", "stderr", "both"];
const manners = ["silent", "sometimes", "flooding"];
/** Each shape so often. */
const times = count(1, 6);
const shapes = held.flatMap((what) => manners.map((manner) => [what, manner] as const));

describe(`R21: ${shapes.length} shapes of a grandchild, and one that knows no end`, () => {
  test.each(shapes)(
    "it holds %s, %s",
    async (what, manner) => {
      for (let turn = 0; turn < times; turn += 1) await hold(what, manner);
      answered += times;
    },
    patience(20_000),
  );

  async function hold(what: string, manner: string): Promise<void> {
    const [alias, token] = [newAlias(), newToken()];
    const notes = join(temporaryDirectory("notes"), "written");
    const written = () => (existsSync(notes) ? readFileSync(notes, "utf8").length / "written\n".length : 0);
    const connection = new KeepAlive(server);
    const began = performance.now();
    const spec = { alias, cmd: crashProgram("hold"), args: [token, what, manner, notes] };
    const answer = await connection.request(startRequest(spec));
    const took = performance.now() - began;

    expect(answer).toMatchObject({ status: 200, complete: true, cut: false });
    // What the grandchild writes meanwhile may stand anywhere; it is blanks.
    const alone = manner === "silent" || what === "stderr";
    const text = answer.body.toString("latin1");
    expect((alone ? text : text.replaceAll(" ", "")) === printed).toBe(true);
    console.log(`R21 ${what} ${manner}: answered after ${Math.round(took)} ms`);
    expect(took).toBeLessThanOrEqual(answerMilliseconds);

    const { outcome } = await endedJob(server, answer.headers["errand-job-id"] ?? "");
    expect(outcome).toMatchObject({ reason: "exited", code: 0, success: true });
    expect((await run(server, ["echo", "next"], { alias })).text).toBe("next\n");
    if (manner !== "silent") {
      const before = written();
      const describe = () => `more writes, ${written()} after ${before}`;
      await until(() => written() > before + 20, { describe });
    }
    expect(withToken(token).length).toBeGreaterThan(0);
    await killByToken(token);
  }

  test("it floods, and the client reads slowly: the drain time holds all the same", async () => {
    const [alias, token] = [newAlias(), newToken()];
    const script = 'timeout --foreground 60 sh -c "while :; do head -c 65536 /dev/zero; done" "$0" & exit 0';
    const reader = new BodyReader(server, startRequest({ alias, cmd: "sh", args: ["-c", script, token] }), 0);
    const began = performance.now();
    // The kernel's buffers of the connection hold some megabytes, so what counts is the job's end, not the client's.
    const ended = async () => {
      reader.allow(slowBytesPerSecond / 20);
      const listed = await server.request(`/v1/jobs?alias=${alias}&state=ended`);
      return ((await listed.json()) as { jobs: unknown[] }).jobs.length === 1;
    };
    const describe = () => `the end of the job, its client has read ${reader.received} bytes`;
    await until(ended, { timeoutMilliseconds: slowMilliseconds, describe });
    console.log(`R21 slow reader: the job ended after ${Math.round(performance.now() - began)} ms`);
    expect(withToken(token).length).toBeGreaterThan(0);
    reader.close();
    await killByToken(token);
  }, 40_000);

  test("a flood without end, of both", async () => {
    const token = newToken();
    const script = 'timeout --foreground 60 yes "$0" & timeout --foreground 60 yes "$0" >&2 & echo done';
    const spec = { alias: newAlias(), cmd: "sh", args: ["-c", script, token] };
    const began = performance.now();
    const reader = new BodyReader(server, startRequest(spec), null);
    await reader.readAll(10_000);
    const took = performance.now() - began;
    console.log(`R21 flood: answered after ${Math.round(took)} ms with ${reader.received} bytes`);
    expect(reader.complete).toBe(true);
    expect(took).toBeLessThanOrEqual(answerMilliseconds);
    const pids = await untilLiving(token, 4);
    const written = () => pids.reduce((sum, pid) => sum + bytesWrittenBy(pid), 0);
    const before = written();
    await until(() => written() > before + 64 * 1024 * 1024, { describe: "the flood to go on" });
    expect(withToken(token).sort()).toEqual(pids.sort());
    await killByToken(token);
  });
});

// Contract v1, `POST /v1/jobs?wait=`: the answer when the job has ended or the wait is over, with what it has written.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { WireJob } from "../../src/protocol/job.ts";
import { newAlias } from "../support/jobs.ts";
import type { RequestOptions } from "../support/request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { problem } from "./support/v1.ts";
import { endOf, startJob } from "./support/v1-start.ts";
import { goOn, waitHere } from "./support/v1-stdin.ts";

type Captured = { text?: string; base64?: string; truncated: boolean } | null;

interface Waited extends WireJob {
  captured: { stdout: Captured; stderr: Captured } | null;
}

const answerBytes = 1_000;

let server: Server;
beforeAll(async () => {
  server = await startServer({ config: `[limits]\nanswerOutputBytes = ${answerBytes}\nwaitSeconds = 60\n` });
});
afterAll(endEverything);

const request = (spec: unknown): RequestOptions => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(spec),
});

async function wait(spec: unknown, seconds: number | string): Promise<Waited> {
  const response = await server.request(`/v1/jobs?wait=${seconds}`, request(spec));
  const job = (await response.json()) as Waited;
  expect([response.status, response.headers.get("location")]).toEqual([201, `/v1/jobs/${job.id}`]);
  return job;
}

const output = async (shell: string) => (await wait({ shell }, 20)).captured;

describe("the answer", () => {
  test("comes at the end, with the job as it is then and with its output", async () => {
    const job = await wait({ shell: "echo out; echo err >&2; exit 5" }, 20);
    expect(job).toMatchObject({ state: "ended", mode: "background", outcome: { reason: "exited", code: 5 } });
    expect(job.captured).toEqual({
      stdout: { text: "out\n", truncated: false },
      stderr: { text: "err\n", truncated: false },
    });
    const { captured: _, ...same } = job;
    expect(await endOf(server, job.id)).toEqual(same);
  });

  test("comes when the wait is over, and the job goes on", async () => {
    for (const seconds of [0, 0.2]) {
      const job = await wait({ shell: `echo x; ${waitHere}`, stdin: "open" }, seconds);
      expect([job.state, job.captured]).toEqual(["running", null]);
      await goOn(server, job.id);
      expect((await endOf(server, job.id)).outcome).toMatchObject({ code: 0 });
    }
  });

  test("comes for a queued job when that has had its turn", async () => {
    const alias = newAlias();
    const holder = await startJob(server, { shell: waitHere, stdin: "open", alias });
    const spec = { shell: "echo mine", alias, aliasPolicy: "queue" };
    expect(await wait(spec, 0.1)).toMatchObject({ state: "queued", captured: null });
    const waiting = wait(spec, 20);
    await goOn(server, holder.id);
    expect((await waiting).captured?.stdout).toEqual({ text: "mine\n", truncated: false });
  });

  test("of a command that was let go comes at once, without output", async () => {
    const job = await wait({ command: ["sleep", "0.1"], mode: "detached" }, 20);
    expect([job.state, job.captured]).toEqual(["detached", { stdout: null, stderr: null }]);
  });

  test("without a wait has no output", async () => {
    expect(await startJob(server, { command: ["true"] })).not.toHaveProperty("captured");
  });
});

describe("captured", () => {
  test("text is text, and anything else is base64", async () => {
    expect(await output("printf 'h\\303\\251 \\360\\237\\246\\212'; printf 'a\\377' >&2")).toEqual({
      stdout: { text: "hé 🦊", truncated: false },
      stderr: { base64: Buffer.from([97, 0xff]).toString("base64"), truncated: false },
    });
  });

  test("nothing is an empty text", async () => {
    const none = { text: "", truncated: false };
    expect(await output(":")).toEqual({ stdout: none, stderr: none });
  });

  test("text that ends in half a character is no text", async () => {
    const half = Buffer.from("é").subarray(0, 1);
    expect((await output("printf '\\303'"))?.stdout).toEqual({
      base64: half.toString("base64"),
      truncated: false,
    });
  });

  test("is at most answerOutputBytes of each stream, and text is not cut inside a character", async () => {
    const exact = (await output(`printf '%${answerBytes}s'`))?.stdout;
    expect([exact?.text?.length, exact?.truncated]).toEqual([answerBytes, false]);
    const one = (await output(`printf '%${answerBytes + 1}s'`))?.stdout;
    expect([one?.text?.length, one?.truncated]).toEqual([answerBytes, true]);
    // 3 bytes each, so that the limit is inside a character.
    const wide = (await output("for i in $(seq 500); do printf '\\342\\230\\203'; done"))?.stdout;
    expect([wide?.text, wide?.truncated]).toEqual(["☃".repeat(333), true]);
    const binary = (await output("head -c 5000 /dev/zero | tr '\\0' '\\377'"))?.stdout;
    expect([Buffer.from(binary?.base64 ?? "", "base64").length, binary?.truncated]).toEqual([
      answerBytes,
      true,
    ]);
  });

  test("tells what is not kept as truncated", async () => {
    const job = await wait({ shell: "echo x", discardOutput: true }, 20);
    const none = { text: "", truncated: false };
    expect(job.captured).toEqual({ stdout: none, stderr: none });
  });
});

test.each(["-1", "x", "", "61", "1e1", "Infinity", "NaN", "0x1", "1&wait=1"])(
  "?wait=%s is refused, and nothing is started",
  async (text) => {
    const alias = newAlias();
    const found = await problem(server, `/v1/jobs?wait=${text}`, request({ command: ["true"], alias }));
    expect([found.status, found.code]).toEqual([400, "invalid-parameter"]);
    const jobs = await server.request(`/v1/jobs?alias=${alias}`);
    expect(await jobs.json()).toEqual({ jobs: [], nextCursor: null });
  },
);

test("another parameter is refused by name", async () => {
  const found = await problem(server, "/v1/jobs?wiat=1", request({ command: ["true"] }));
  expect([found.status, found.detail]).toEqual([400, expect.stringContaining("wait")]);
});

test("a client that leaves while it waits leaves the job alone", async () => {
  const control = new AbortController();
  const alias = newAlias();
  const spec = { shell: `${waitHere}; echo on`, stdin: "open", alias };
  const waiting = server.request("/v1/jobs?wait=20", { ...request(spec), signal: control.signal });
  waiting.catch(() => {});
  const found = async () =>
    ((await (await server.request(`/v1/jobs?alias=${alias}&state=running`)).json()) as { jobs: WireJob[] })
      .jobs[0];
  const { id } = await until(found, { describe: "the job" });
  control.abort();
  await goOn(server, id);
  expect((await endOf(server, id)).outcome).toMatchObject({ reason: "exited", code: 0 });
});

// Contract v1, `POST /v1/jobs`: a job is started, and every field of its spec is taken.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { newAlias } from "../support/jobs.ts";
import { executableOf } from "../support/proc.ts";
import { newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { timePattern } from "./support/v1.ts";
import { endOf, postJob, startJob, textOf } from "./support/v1-start.ts";

let server: Server;
let home: string;
beforeAll(async () => {
  home = temporaryDirectory("start");
  server = await startServer({ cwd: home, config: `[callbacks]\nallowPrivate = ["127.0.0.1"]\n` });
});
afterAll(endEverything);

/** A command that ends when `open` is called. */
function gated() {
  const token = newToken();
  const gate = join(home, `gate-${token}`);
  return { token, command: [program("wait-for-file"), token, gate], open: () => writeFileSync(gate, "") };
}

describe("the answer", () => {
  test("is 201 with the job and where it is", async () => {
    const { command, open } = gated();
    const alias = newAlias();
    const response = await postJob(server, { command, alias, cwd: "/", env: { SECRET: "never-told" } });
    const { headers } = response;
    const text = await response.text();
    const job = JSON.parse(text) as Awaited<ReturnType<typeof startJob>>;
    expect([response.status, headers.get("location")]).toEqual([201, `/v1/jobs/${job.id}`]);
    expect([headers.get("content-type"), headers.get("cache-control")]).toEqual([
      "application/json",
      "no-store",
    ]);
    const time = expect.stringMatching(timePattern);
    const stream = { bytes: null, keptFrom: null, truncated: false };
    expect(job as unknown).toEqual({
      ...{ id: expect.stringMatching(/^\d{1,19}$/), node: hostname(), alias, command, cwd: "/" },
      ...{ mode: "background", survive: true, tty: null, labels: {}, owner: "local" },
      ...{ state: "running", outcome: null, failure: null, createdAt: time, startedAt: time },
      ...{ endedAt: null, durationNanoseconds: null, pid: expect.any(Number) },
      ...{
        stdout: stream,
        stderr: stream,
        stderrTail: null,
        leftovers: "leave",
        expiresAt: null,
        callback: null,
      },
    });
    expect(text).not.toContain("never-told");
    // What the location names is the job.
    const there = await server.request(headers.get("location") ?? "");
    expect(await there.json()).toEqual(JSON.parse(text));
    open();
    expect((await endOf(server, job.id)).outcome).toMatchObject({ code: 0 });
  });

  test("comes when the program has been executed", async () => {
    const { command, token, open } = gated();
    const { pid, state } = await startJob(server, { command });
    expect(state).toBe("running");
    const executed = executableOf(pid ?? 0);
    expect([undefined, executableOf(server.pid)]).not.toContain(executed);
    await until(() => withToken(token).includes(pid ?? 0), { describe: "the program to have its arguments" });
    open();
  });

  test("comes before the end, whatever the command does", async () => {
    const token = newToken();
    const { id } = await startJob(server, { command: [program("run-for-ever"), token] });
    await untilLiving(token, 1);
    expect((await server.request(`/v1/jobs/${id}/stop`, { method: "POST" })).status).toBe(200);
    await untilGone(token);
  });

  test("is the same to every spelling of the content type", async () => {
    for (const type of ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"]) {
      const response = await postJob(server, { command: ["true"] }, { headers: { "content-type": type } });
      expect([type, response.status]).toEqual([type, 201]);
    }
  });

  test("is the same for a body that comes in chunks, with white space around it", async () => {
    const parts = [' \n{"comm', 'and":["echo",', '"\u00e9"]}\r\n\t '];
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
        controller.close();
      },
    });
    const headers = { "content-type": "application/json" };
    const response = await server.request("/v1/jobs", { method: "POST", headers, body });
    const { id } = (await response.json()) as { id: string };
    await endOf(server, id);
    expect(await textOf(server, id)).toBe("\u00e9\n");
  });
});

describe("every value that a field may have is taken:", () => {
  const true_ = { command: ["true"] };
  test.each<[string, Record<string, unknown>]>([
    ["command", { command: ["/bin/echo", "", " ", "-n", "\u00e9\ud83d\ude00"] }],
    ["shell", { shell: "true && : 'quoted' || exit 3\n" }],
    ["cwd, absolute", { ...true_, cwd: "/" }],
    ["cwd, relative", { ...true_, cwd: "." }],
    ["env", { ...true_, env: {} }],
    ["env", { ...true_, env: { A: "", "with space": "1", B_2: "=\n\u00e9" } }],
    ["stdin, nothing", { ...true_, stdin: { text: "" } }],
    ["stdin, text", { ...true_, stdin: { text: "a\u0000\u00e9\n" } }],
    ["stdin, base64 of nothing", { ...true_, stdin: { base64: "" } }],
    ["stdin, base64", { ...true_, stdin: { base64: "AP+/" } }],
    ["stdin, base64 with padding", { ...true_, stdin: { base64: "YQ==" } }],
    ["mode", { ...true_, mode: "background" }],
    ["mode", { ...true_, mode: "detached" }],
    ["alias", { ...true_, alias: "a" }],
    ["alias, as long as can be", { ...true_, alias: "\u00e9".repeat(512) }],
    ["aliasPolicy", { ...true_, alias: "b", aliasPolicy: "reject" }],
    ["survive", { ...true_, survive: false }],
    ["mergeOutput", { ...true_, mergeOutput: true }],
    ["mergeOutput", { ...true_, mergeOutput: false }],
    ["discardOutput", { ...true_, discardOutput: true }],
    ["discardOutput", { ...true_, discardOutput: false, idleTimeoutSeconds: 600 }],
    ["successExitCodes", { ...true_, successExitCodes: [0] }],
    ["successExitCodes, all", { ...true_, successExitCodes: Array.from({ length: 256 }, (_, code) => code) }],
    ["leftovers", { ...true_, leftovers: "leave" }],
    ["leftovers", { ...true_, leftovers: "stop" }],
    ["runTimeoutSeconds, a part", { ...true_, runTimeoutSeconds: 30.5 }],
    ["runTimeoutSeconds, ten years", { ...true_, runTimeoutSeconds: 315_360_000 }],
    ["idleTimeoutSeconds, a part", { ...true_, idleTimeoutSeconds: 30.5 }],
    ["idleTimeoutSeconds, ten years", { ...true_, idleTimeoutSeconds: 315_360_000 }],
    ["stopGraceSeconds, none", { ...true_, stopGraceSeconds: 0 }],
    ["stopGraceSeconds, an hour", { ...true_, stopGraceSeconds: 3_600 }],
    ["retainSeconds, a part", { ...true_, retainSeconds: 30.5 }],
    ["retainSeconds, ten years", { ...true_, retainSeconds: 315_360_000 }],
    ["limits, none", { ...true_, limits: {} }],
    ["limits, no output", { ...true_, limits: { outputBytes: 0 } }],
    ["limits, much output", { ...true_, limits: { outputBytes: Number.MAX_SAFE_INTEGER } }],
    ["callback", { ...true_, callback: { url: "http://127.0.0.1:9/a?b#c" } }],
    ["callback, events", { ...true_, callback: { url: "http://127.0.0.1:9/", events: ["job.started"] } }],
    [
      "callback, both events",
      { ...true_, callback: { url: "http://127.0.0.1:9/", events: ["job.started", "job.ended"] } },
    ],
  ])("%s: %j", async (_name, spec) => {
    const { id, mode } = await startJob(server, spec);
    expect(mode as string).toBe(typeof spec.mode === "string" ? spec.mode : "background");
    if (mode === "background")
      expect((await endOf(server, id)).outcome).toMatchObject({ reason: "exited", code: 0 });
  });
});

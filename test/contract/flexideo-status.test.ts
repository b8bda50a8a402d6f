// Contract flexideo, "Answer": each status by a real program, and the attributes that go with it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { fetched, launch, postXml, readAnswers, sh, shell, shellTag } from "../support/flexideo.ts";
import { endedJob, newAlias, start, stop } from "../support/jobs.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

/** The id of the running job that has the token among its arguments. */
function running(token: string, of = server): Promise<string> {
  const find = async () => {
    const response = await of.request("/v1/jobs?state=running&limit=500");
    const { jobs } = (await response.json()) as { jobs: { id: string; command: string[] }[] };
    return jobs.find(({ command }) => command.join(" ").includes(token))?.id;
  };
  return until(find, { describe: "the job to be on record as running" });
}

const ended = ["status", "command", "result", "start", "stop", "duration"];

describe("ok and fail", () => {
  test.each([
    ["true", "ok", "0"],
    ["false", "fail", "1"],
    ["sh -c 'exit 255'", "fail", "255"],
  ])("%s: %s", async (command, status, result) => {
    const answer = await shell(server, { command });
    expect(answer).toMatchObject({ status, output: "", error: "", attributes: { command, result } });
    expect(Object.keys(answer.attributes)).toEqual(ended);
    expect(answer.children.map(({ name }) => name)).toEqual(["output", "error"]);
  });

  test.each([
    ["KILL", 137],
    ["TERM", 143],
    ["HUP", 129],
    ["SEGV", 139],
    ["34", 162],
    ["64", 192],
  ])("a signal %s that nobody here sent is a fail, with %d", async (signal, result) => {
    const answer = await shell(server, { command: sh(`echo before; kill -${signal} $$`), "exit-code": 137 });
    expect(answer).toMatchObject({
      status: "fail",
      output: "before\n",
      attributes: { result: String(result) },
    });
  });

  test("the times are of the run, in order, and the duration agrees with them", async () => {
    const before = Date.now();
    const { attributes } = await shell(server, { command: "sleep 0.3" });
    const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
    expect([attributes.start, attributes.stop]).toEqual([
      expect.stringMatching(form),
      expect.stringMatching(form),
    ]);
    const [begun, over] = [Date.parse(attributes.start ?? ""), Date.parse(attributes.stop ?? "")];
    expect(begun).toBeGreaterThanOrEqual(before);
    expect(over).toBeLessThanOrEqual(Date.now());
    expect(attributes.duration).toMatch(/^\d+$/);
    const milliseconds = Number(attributes.duration) / 1e6;
    expect(milliseconds).toBeGreaterThanOrEqual(300);
    // Both ends are rounded to milliseconds.
    expect(Math.abs(milliseconds - (over - begun))).toBeLessThan(3);
  });
});

describe("running", () => {
  test("is told at the start and as long as it runs, without output", async () => {
    const token = newToken();
    const script = sh(`echo out; echo err >&2; exec sleep ${token} 100`);
    const first = await shell(server, { command: script, call: "async" });
    const id = first.attributes.id ?? "";
    await untilLiving(token, 1);
    for (let turn = 0; turn < 3; turn += 1) {
      const answer = await shell(server, { id, encode: "hex" });
      expect([answer.attributes, answer.children]).toEqual([first.attributes, []]);
    }
    expect(first.attributes).toMatchObject({ status: "running", command: script });
    await stop(server, id, 0);
    await untilGone(token);
  });
});

describe("killed", () => {
  test("by its timeout, with what it had written, though it ignores to be asked", async () => {
    const slow = await startServer({ config: "[limits]\nstopGraceSeconds = 0.2\n" });
    const token = newToken();
    const answer = await shell(slow, {
      command: `${program("ignore-term")} ${token}`,
      timeout: 1,
      encode: "xml",
    });
    expect(answer).toMatchObject({ status: "killed", attributes: { result: "137" } });
    expect(Object.keys(answer.attributes)).toEqual(ended);
    await untilGone(token);
  });

  test("by a person, sync and async", async () => {
    const token = newToken();
    const command = sh(`echo out; echo err >&2; exec sleep ${token} 100`);
    const sync = shell(server, { command });
    // It has written by the time it sleeps.
    await untilLiving(token, 1);
    const id = await running(token);
    await stop(server, id, 5);
    const told = await sync;
    expect(told).toMatchObject({ status: "killed", output: "out\n", error: "err\n" });
    expect(told.attributes).toMatchObject({ result: "143", command });
    const again = await shell(server, { id });
    expect(again.attributes).toEqual({ ...told.attributes, id });
    expect([again.output, again.error]).toEqual([told.output, told.error]);
  });

  test("even when it then gives the code that counts as success", async () => {
    const token = newToken();
    const script = sh(`trap 'exit 0' TERM; echo on; sleep ${token} 100 & wait`);
    const sync = shell(server, { command: script });
    await untilLiving(token, 1);
    await stop(server, await running(token), 5);
    expect(await sync).toMatchObject({ status: "killed", attributes: { result: "0" } });
  });

  test("by the shutdown of the server, which still answers", async () => {
    const ending = await startServer({ config: "[limits]\nshutdownDrainSeconds = 0\n" });
    const token = newToken();
    const sync = shell(ending, { command: sh(`echo out; exec sleep ${token} 100`) });
    const id = await launch(ending, `sleep ${token} 200`);
    await untilLiving(token, 2);
    const stopped = ending.stop();
    expect(await sync).toMatchObject({ status: "killed", output: "out\n" });
    expect(await stopped).toBe(0);
    const next = await startServer({ dataDir: ending.dataDir });
    expect((await shell(next, { id })).attributes).toMatchObject({ id, status: "killed", result: "143" });
    await untilGone(token);
  });

  test("by a limit of a job that v1 has started", async () => {
    const body = JSON.stringify({ command: ["yes"], limits: { outputBytes: 10 } });
    const headers = { "content-type": "application/json" };
    const response = await server.request("/v1/jobs", { method: "POST", headers, body });
    const { id } = (await response.json()) as { id: string };
    const answer = await fetched(server, id);
    expect(answer).toMatchObject({ status: "killed", output: "y\n".repeat(5) });
    expect(answer.attributes.command).toBe("yes");
    expect(answer.attributes.detail).toContain("stdout");
  });
});

describe("not-found", () => {
  test("is what no job of that id is", async () => {
    for (const id of [
      "0",
      "1",
      "9223372036854775807",
      "9223372036854775808",
      "123456789012345678901234567890",
    ]) {
      expect(await shell(server, { id })).toMatchObject({
        attributes: { status: "not-found", id },
        children: [],
      });
    }
  });

  test("is a job whose output was not kept for anybody", async () => {
    const token = newToken();
    expect((await shell(server, { command: `sleep ${token} 100`, call: "detach" })).status).toBe("detached");
    const { jobs } = (await (await server.request("/v1/jobs?limit=500")).json()) as {
      jobs: { id: string; mode: string; command: string[] }[];
    };
    const detached = jobs.find(({ command }) => command.includes(token));
    expect(detached?.mode).toBe("detached");
    expect((await shell(server, { id: detached?.id ?? "" })).status).toBe("not-found");
    const [pid = 0] = await untilLiving(token, 1);
    process.kill(pid, "SIGKILL");

    const attached = await start(server, ["echo", "x"], { alias: newAlias() });
    const id = attached.headers.get("errand-job-id") ?? "";
    await attached.text();
    await endedJob(server, id);
    expect((await shell(server, { id })).status).toBe("not-found");
  });

  test("is a job that was forgotten", async () => {
    const id = await launch(server, "echo x");
    await fetched(server, id);
    expect((await server.request(`/v1/jobs/${id}`, { method: "DELETE" })).status).toBe(204);
    expect((await shell(server, { id })).status).toBe("not-found");
  });
});

describe("error", () => {
  test("is a job that was lost with its server", async () => {
    const first = await startServer();
    const token = newToken();
    const id = await launch(first, `sleep ${token} 100`);
    await untilLiving(token, 1);
    await first.kill9();
    const next = await startServer({ dataDir: first.dataDir });
    const answer = await shell(next, { id });
    expect(answer).toMatchObject({ status: "error", children: [] });
    expect(answer.attributes).toMatchObject({
      id,
      command: `sleep ${token} 100`,
      detail: expect.stringContaining("lost"),
    });
    expect(answer.attributes).not.toHaveProperty("result");
    await untilGone(token);
  });

  test("is a job that could not be started, when v1 knows its id", async () => {
    const detail = (await shell(server, { command: "no-such-program-here", call: "async" })).attributes
      .detail;
    const { jobs } = (await (await server.request("/v1/jobs?state=failed")).json()) as {
      jobs: { id: string; command: string[] }[];
    };
    const failed = jobs.find(({ command }) => command[0] === "no-such-program-here");
    const id = failed?.id ?? "";
    expect((await shell(server, { id })).attributes).toEqual({
      status: "error",
      id,
      command: "no-such-program-here",
      detail: detail ?? "",
    });
  });

  test("is a start that a limit forbids", async () => {
    const small = await startServer({ config: "[limits]\nmaxRunningJobs = 1\n" });
    const token = newToken();
    const body = `<request>${[1, 2].map(() => shellTag({ command: `sleep ${token} 100`, call: "async" })).join("")}</request>`;
    const [first, second] = readAnswers(await (await postXml(small, body)).text());
    expect([first?.status, second?.status]).toEqual(["running", "error"]);
    expect(second?.attributes.detail).toContain("maxRunningJobs");
  });
});

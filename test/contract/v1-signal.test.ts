// Contract v1, `POST /v1/jobs/{id}/signal`: one signal to the whole group.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { newAlias } from "../support/jobs.ts";
import type { RequestOptions } from "../support/request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { type Problem, problem } from "./support/v1.ts";
import { endOf, runJob, startJob, textOf, untilWritten } from "./support/v1-start.ts";
import { goOn, waitHere } from "./support/v1-stdin.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

function request(body: unknown): RequestOptions {
  const headers = { "content-type": "application/json" };
  return { method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body) };
}

async function send(id: string, signal: string): Promise<Record<string, unknown>> {
  const response = await server.request(`/v1/jobs/${id}/signal`, request({ signal }));
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

function refused(id: string, body: unknown): Promise<Problem> {
  return problem(server, `/v1/jobs/${id}/signal`, request(body));
}

test("a signal comes to the command, which may go on", async () => {
  const shell = 'trap "echo usr1" USR1; trap "echo hup" HUP; echo ready; while :; do sleep 0.01; done';
  const { id } = await startJob(server, { shell });
  await untilWritten(server, { id, text: "ready\n" });
  expect(await send(id, "SIGUSR1")).toMatchObject({ id, state: "running" });
  await untilWritten(server, { id, text: "ready\nusr1\n" });
  await send(id, "SIGHUP");
  await untilWritten(server, { id, text: "ready\nusr1\nhup\n" });
});

test("it comes to the whole group", async () => {
  const child = "sh -c 'trap \"echo child; exit\" USR1; echo ready; while :; do sleep 0.01; done' & wait";
  const { id } = await startJob(server, { shell: `trap : USR1; ${child}; wait; echo parent` });
  await untilWritten(server, { id, text: "ready\n" });
  await send(id, "SIGUSR1");
  await endOf(server, id);
  expect(await textOf(server, id)).toBe("ready\nchild\nparent\n");
});

test.each(["SIGINT", "SIGTERM", "SIGKILL", "SIGQUIT", "SIGHUP", "SIGUSR2"])(
  "%s ends a command that does not handle it, and is told as its end",
  async (signal) => {
    const { id } = await startJob(server, { command: ["sleep", "60"] });
    await send(id, signal);
    const { outcome } = await endOf(server, id);
    expect(outcome).toMatchObject({ reason: "signaled", code: null, signal, success: false });
  },
);

test("one that holds a command and one that lets it go on", async () => {
  const { id } = await startJob(server, { shell: `${waitHere}; echo on`, stdin: "open" });
  await send(id, "SIGSTOP");
  await goOn(server, id);
  const held = await server.request(`/v1/jobs/${id}?wait=0.3`);
  expect(await held.json()).toMatchObject({ state: "running" });
  await send(id, "SIGCONT");
  expect((await endOf(server, id)).outcome).toMatchObject({ code: 0 });
});

describe("refused", () => {
  const bodies: unknown[] = [
    {},
    { signal: "" },
    { signal: "INT" },
    { signal: "sigint" },
    { signal: "SIGNONE" },
  ];
  bodies.push({ signal: 2 }, { signal: "SIGINT", to: "all" }, [], null, "SIGINT", { signal: "__proto__" });

  test.each(bodies.map((body) => [JSON.stringify(body)]))("the body %s", async (body) => {
    const { id } = await startJob(server, { command: ["sleep", "60"] });
    const found = await refused(id, body);
    expect([found.status, found.code]).toEqual([422, "invalid-spec"]);
    for (const name of Object.keys(constants.signals)) expect(found.detail).toContain(name);
  });

  test("what is no JSON", async () => {
    const { id } = await startJob(server, { command: ["sleep", "60"] });
    expect(await refused(id, "{")).toMatchObject({ status: 400, code: "invalid-request" });
  });

  test("a job that does not run", async () => {
    const notRunning = { status: 409, code: "not-running" };
    const ended = await runJob(server, { command: ["true"] });
    expect(await refused(ended.id, { signal: "SIGINT" })).toMatchObject(notRunning);
    const detached = await startJob(server, { command: ["true"], mode: "detached" });
    expect(await refused(detached.id, { signal: "SIGINT" })).toMatchObject(notRunning);
    const alias = newAlias();
    const holder = await startJob(server, { shell: waitHere, stdin: "open", alias });
    const queued = await startJob(server, { command: ["true"], alias, aliasPolicy: "queue" });
    expect(await refused(queued.id, { signal: "SIGINT" })).toMatchObject(notRunning);
    await goOn(server, holder.id);
  });

  test("a job that there is not", async () => {
    for (const id of ["1", "x"])
      expect(await refused(id, { signal: "SIGINT" })).toMatchObject({ status: 404, code: "not-found" });
  });
});

import { afterEach, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { until } from "../../../test/support/wait.ts";
import { ActiveJob } from "../../core/activeJob.ts";
import type { Broker } from "../../core/broker.ts";
import { ErrandError, type ErrorCode, errorTable } from "../../core/errors.ts";
import type { JobSpec, RunningJob } from "../../core/job.ts";
import { defaultLimits } from "../../core/limits.ts";
import { SidecarDoor } from "./door.ts";
import { encodeError } from "./encode.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

const running = (spec: JobSpec, owner: string): RunningJob => ({
  ...{
    id: "42",
    node: "here",
    owner,
    door: "sidecar",
    alias: null,
    mode: "background",
    survive: false,
    tty: null,
    labels: {},
    leftovers: "leave",
  },
  ...{
    command: spec.command,
    cwd: spec.cwd,
    successExitCodes: [0],
    retainSeconds: 1,
    callback: spec.callback,
  },
  ...{ createdAt: 0, state: "running", startedAt: 0, startedMonotonic: 0, pid: 7, stop: null, exit: null },
});

const kept = { stdout: "my_host\n", stderr: "" };
const streams = {
  stdout: { bytes: kept.stdout.length, keptFrom: 0, truncated: false },
  stderr: { bytes: 0, keptFrom: 0, truncated: false },
};

/** The door over a broker that starts nothing; the test ends what it "runs". */
async function setUp(refused: ErrorCode | null = null) {
  const events: string[] = [];
  const jobs: ActiveJob[] = [];
  const broker = {
    startBackground: async (spec: JobSpec, { owner }: { owner: string }) => {
      events.push(`start ${spec.command[2]}`);
      if (refused !== null) throw new ErrandError(refused, "why", 3);
      jobs.push(new ActiveJob(running(spec, owner)));
      return jobs.at(-1);
    },
    outputBytes: (_id: string, stream: "stdout" | "stderr") => kept[stream].length,
    readOutput: async (_id: string, stream: "stdout" | "stderr") => {
      events.push(`read ${stream}`);
      return Buffer.from(kept[stream]);
    },
  };
  const door = new SidecarDoor({
    broker: broker as unknown as Broker,
    limits: defaultLimits(),
    credentials: [],
    nonces: { take: () => true },
    callbacks: {
      check(url) {
        events.push(`check ${url}`);
        if (url === "no url") throw new ErrandError("invalid-spec", "no");
        if (url.includes("169.254")) throw new ErrandError("forbidden", "no");
      },
    },
    now: () => Date.now(),
  });
  const server = createServer(async (request, response) => {
    const body = async () => Buffer.concat(await Array.fromAsync(request));
    const asked = {
      request,
      response,
      path: "/shell",
      query: "",
      principal: { name: "me", scopes: ["run"] as const },
      body,
    };
    try {
      await door.handle(asked);
    } catch (error) {
      door.refuse(response, error as ErrandError);
    }
    events.push("handled");
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/shell`;
  const post = (body: unknown, init: RequestInit = {}) =>
    fetch(url, { method: "POST", body: JSON.stringify(body), keepalive: false, ...init });
  const end = (exit: { code: number; signal: null } | { code: null; signal: string }) => {
    const active = jobs.at(-1);
    active?.apply({ type: "exited", exit });
    const output = { ...streams, stderrTail: "", storedBytes: 0 };
    active?.apply({ type: "finished", at: { wall: 1, monotonic: 1 }, output, detail: null });
    active?.announceEnd();
  };
  return { post, port, url, events, jobs, end };
}

const json = { "content-type": "application/json" };

describe("POST /shell", () => {
  test("answers when the command has ended", async () => {
    const { post, events, end } = await setUp();
    const answer = post({ command: "hostname" }, { headers: json });
    await until(() => events.length === 1);
    end({ code: 0, signal: null });
    const response = await answer;
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(await response.text()).toBe(
      '{"data":{"stderr":"","stdout":"my_host\\n","exitCode":0,"signal":null,"jobId":"42"},"message":"","ok":true}',
    );
    expect(events).toEqual(["start hostname", "read stdout", "handled"]);
  });

  test("tells a signal", async () => {
    const { post, events, end } = await setUp();
    const answer = post({ command: "a" }, { headers: json });
    await until(() => events.length === 1);
    end({ code: null, signal: "SIGKILL" });
    expect(await (await answer).json()).toMatchObject({
      ok: true,
      data: { exitCode: null, signal: "SIGKILL" },
    });
  });

  test("does not wait when it shall not", async () => {
    const { post, jobs } = await setUp();
    const response = await post({ command: "a", wait: false }, { headers: json });
    expect(await response.text()).toBe('{"data":{"jobId":"42"},"message":"","ok":true}');
    expect(jobs[0]?.job.state).toBe("running");
  });

  test("reads no output when nobody waits any more, and stops nothing", async () => {
    const { port, events, jobs, end } = await setUp();
    const socket = connect({ host: "127.0.0.1", port });
    const body = JSON.stringify({ command: "a" });
    socket.write(`POST /shell HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await until(() => jobs.length === 1);
    socket.destroy();
    await until(() => events.includes("handled"));
    expect(jobs[0]?.job).toMatchObject({ state: "running", stop: null });
    end({ code: 0, signal: null });
    expect(events).toEqual(["start a", "handled"]);
  });

  test("checks a callback before anything runs", async () => {
    const { post, events } = await setUp();
    const ask = async (callbackURL: string) =>
      (await post({ command: "a", wait: false, callbackURL }, { headers: json })).status;
    expect([await ask("no url"), await ask("http://169.254.1.1/"), await ask("http://a/")]).toEqual([
      400, 403, 200,
    ]);
    expect(events.filter((event) => event.startsWith("start"))).toEqual(["start a"]);
  });

  test("gives the job a spec with all that was asked for", async () => {
    const { post, jobs } = await setUp();
    await post({ command: "a", wait: false, workdir: "/tmp", callbackURL: "http://a/" }, { headers: json });
    expect(jobs[0]?.job).toMatchObject({
      owner: "me",
      command: ["/bin/sh", "-c", "a"],
      cwd: "/tmp",
      callback: { url: "http://a/", events: ["job.ended"], form: "sidecar" },
    });
  });

  test("refuses a form, whatever is in it", async () => {
    const { post, events } = await setUp();
    const response = await post({ command: "a" }, { headers: { "content-type": "text/plain" } });
    expect([response.status, events]).toEqual([403, ["handled"]]);
  });
});

test.each(["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])("%s is refused and POST is named", async (method) => {
  const { url } = await setUp();
  const response = await fetch(url, { method, keepalive: false });
  expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  expect(await response.json()).toEqual({
    data: null,
    message: `${method} is not allowed here, POST is`,
    ok: false,
  });
});

test("errors come in the envelope, with Retry-After where trying again makes sense", async () => {
  const { post } = await setUp("too-many-jobs");
  const response = await post({ command: "a" }, { headers: json });
  expect([response.status, response.headers.get("retry-after")]).toEqual([429, "3"]);
  expect(await response.json()).toEqual({ data: null, message: "why", ok: false });
});

test("every error has a status of the contract", () => {
  const statuses = Object.keys(errorTable).map(
    (code) => encodeError(new ErrandError(code as ErrorCode, "")).status,
  );
  const known = [400, 401, 403, 404, 405, 413, 429, 500, 503];
  expect(statuses.filter((status) => !known.includes(status))).toEqual([]);
});

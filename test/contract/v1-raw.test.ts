// Contract v1, `Accept: application/octet-stream` on a start, and `?follow=true` on output: stdout alone, byte for byte,
// and cut unless it is whole.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Answer } from "../support/answer.ts";
import { newAlias } from "../support/jobs.ts";
import { program } from "../support/programs.ts";
import { type RawConnection, rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { endOf, postJob, runJob, startJob } from "./support/v1-start.ts";
import { goOn, putStdin, waitHere } from "./support/v1-stdin.ts";

const mostKept = 1024 * 1024;

let server: Server;
beforeAll(async () => {
  server = await startServer({ atRest: true, config: `[limits]\nkeptOutputBytes = ${mostKept}\n` });
});
afterAll(endEverything);

type Spec = Readonly<Record<string, unknown>>;

let keys = 0;

/** The two ways in which the server carries it out: with nothing kept, and with everything kept. */
const ways: readonly { name: string; headers: () => Readonly<Record<string, string>>; spec: Spec }[] = [
  { name: "directly", headers: () => ({}), spec: {} },
  {
    name: "under an idempotency key",
    headers: () => {
      keys += 1;
      return { "idempotency-key": `raw-${keys}` };
    },
    spec: {},
  },
  {
    name: "with a grace for who comes back",
    headers: () => ({}),
    spec: { onDisconnect: { killAfterSeconds: 0.2 } },
  },
];

async function open(spec: Spec, headers: Readonly<Record<string, string>> = {}): Promise<RawConnection> {
  const connection = await rawConnection(server);
  connection.send(
    requestBytes(server, {
      path: "/v1/jobs",
      headers: { accept: "application/octet-stream", ...headers },
      body: JSON.stringify(spec),
    }),
  );
  return connection;
}

async function follow(id: string, query = "?follow=true"): Promise<RawConnection> {
  const connection = await rawConnection(server);
  connection.send(requestBytes(server, { method: "GET", path: `/v1/jobs/${id}/stdout${query}` }));
  return connection;
}

async function stop(id: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await server.request(`/v1/jobs/${id}/stop`, { method: "POST", headers, body: "{}" });
  expect(response.status).toBe(200);
  await response.text();
}

const state = ({ status, complete, cut }: Answer) => ({ status, complete, cut });
const whole = { status: 200, complete: true, cut: false };
const cut = { status: 200, complete: false, cut: true };

describe.each([...ways])("a start, $name", ({ headers, spec }) => {
  test("is answered with all of stdout and nothing else", async () => {
    const connection = await open({ ...spec, shell: "printf 'a\\0\\377b'; echo err >&2; exit 3" }, headers());
    const answer = await connection.untilAnswered();
    expect([state(answer), [...answer.body]]).toEqual([whole, [97, 0, 255, 98]]);
    expect(answer.headers).toMatchObject({
      "content-type": "application/octet-stream",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
    });
    const { outcome } = await endOf(server, connection.jobId);
    expect(outcome).toMatchObject({ reason: "exited", code: 3 });
  });

  test("is answered as output comes", async () => {
    const shell = `echo first; ${waitHere}; echo second`;
    const connection = await open({ ...spec, shell, stdin: "open" }, headers());
    await connection.until(() => connection.answer().body.toString() === "first\n", "the first line");
    await goOn(server, connection.jobId);
    const answer = await connection.untilAnswered();
    expect([state(answer), answer.body.toString()]).toEqual([whole, "first\nsecond\n"]);
  });

  test("that a signal from elsewhere ends is whole: the server had no part in it", async () => {
    const connection = await open({ ...spec, shell: "echo x; kill -9 $$" }, headers());
    expect(state(await connection.untilAnswered())).toEqual(whole);
    expect((await endOf(server, connection.jobId)).outcome).toMatchObject({
      reason: "signaled",
      signal: "SIGKILL",
    });
  });

  test.each([
    ["the client", {}, "stopped"],
    ["its timeout", { runTimeoutSeconds: 0.2 }, "timeout"],
    ["its silence", { idleTimeoutSeconds: 0.2 }, "idle"],
    ["its limit", { limits: { outputBytes: 3 } }, "output-limit"],
  ])("that %s stops is cut", async (_who, more, reason) => {
    const connection = await open({ ...spec, ...more, shell: "echo before; sleep 60" }, headers());
    await connection.untilHead();
    if (reason === "stopped") await stop(connection.jobId);
    expect(state(await connection.untilAnswered())).toEqual(cut);
    expect((await endOf(server, connection.jobId)).outcome).toMatchObject({ reason, success: false });
  });

  test("that its client leaves is stopped", async () => {
    const connection = await open({ ...spec, shell: "echo x; sleep 60" }, headers());
    await connection.untilHead();
    const { jobId } = connection;
    connection.close();
    expect((await endOf(server, jobId)).outcome).toMatchObject({ reason: "disconnected" });
  });

  test("that fails is a problem, not a stream", async () => {
    const accept = { accept: "application/octet-stream", ...headers() };
    const response = await postJob(server, { ...spec, command: ["/no/such/program"] }, { headers: accept });
    expect([response.status, response.headers.get("content-type")]).toEqual([
      422,
      "application/problem+json",
    ]);
    await response.text();
  });
});

test("a queued start that is stopped before its turn is cut, not empty", async () => {
  const alias = newAlias();
  const holder = await startJob(server, { shell: waitHere, stdin: "open", alias });
  const connection = await open({ shell: "echo never", alias, aliasPolicy: "queue" });
  await connection.untilHead();
  await stop(connection.jobId);
  expect(state(await connection.untilAnswered())).toEqual(cut);
  await goOn(server, holder.id);
});

describe("?follow=true", () => {
  test("gives what there is and what comes, to the end", async () => {
    const { id } = await startJob(server, { shell: "echo start; cat", stdin: "open" });
    const connections = await Promise.all([follow(id), follow(id), follow(id, "?follow=true&tail=3")]);
    await Promise.all(connections.map((one) => one.until(() => one.answer().body.length >= 3, "the start")));
    const piece = "0123456789".repeat(10_000);
    await putStdin(server, id, piece);
    await putStdin(server, id, "end", "?close=true");
    const [one, two, tail] = await Promise.all(connections.map((connection) => connection.untilAnswered()));
    expect(one?.body.toString() === `start\n${piece}end`).toBe(true);
    expect([one, two].map((answer) => answer && state(answer))).toEqual([whole, whole]);
    expect([tail?.complete, tail?.body.toString().endsWith("end")]).toEqual([true, true]);
  });

  test("of a job that the server stops is cut", async () => {
    const { id } = await startJob(server, { shell: "echo x; sleep 60" });
    const connection = await follow(id);
    await connection.until(() => connection.answer().body.length === 2, "the output");
    await stop(id);
    expect(state(await connection.untilAnswered())).toEqual(cut);
  });

  test("is cut where output is thrown away, whenever it is asked for", async () => {
    const command = [program("print-bytes"), String(2 * mostKept)];
    const { id } = await runJob(server, { command });
    const connection = await follow(id);
    const answer = await connection.untilAnswered();
    expect(state(answer)).toEqual(cut);
    expect(answer.body.length).toBeLessThanOrEqual(mostKept);
  });

  test("of a job that has ended is all of it, at once", async () => {
    const { id } = await runJob(server, { shell: "echo all" });
    const answer = await (await follow(id)).untilAnswered();
    expect([state(answer), answer.body.toString()]).toEqual([whole, "all\n"]);
  });

  test("ends with the client", async () => {
    const { id } = await startJob(server, { shell: "echo x; sleep 60" });
    const connections = await Promise.all([1, 2, 3].map(() => follow(id)));
    for (const one of connections) await one.until(() => one.answer().body.length === 2, "the output");
    const open = server.openDescriptors();
    for (const connection of connections) connection.close();
    const gone = () => server.openDescriptors() <= open - connections.length;
    await until(gone, { describe: "the end of what was open for those who left" });
    expect(await (await server.request(`/v1/jobs/${id}`)).json()).toMatchObject({ state: "running" });
  });
});

describe("a client of HTTP/1.0, which has no chunks,", () => {
  const ask = async (path: string) => {
    const connection = await rawConnection(server);
    const request = requestBytes(server, { method: "GET", path }).toString();
    connection.send(request.replace(" HTTP/1.1\r\n", " HTTP/1.0\r\n"));
    return connection;
  };

  test("is told an end by the end of the connection", async () => {
    const { id } = await runJob(server, { shell: "echo all" });
    const connection = await ask(`/v1/jobs/${id}/stdout?follow=true`);
    expect(await connection.untilClosed()).toBe("ended");
    expect(connection.answer().body.toString()).toBe("all\n");
  });

  test("is told a cut by a broken one", async () => {
    const { id } = await startJob(server, { shell: "echo some; exec sleep 60" });
    const connection = await ask(`/v1/jobs/${id}/stdout?follow=true`);
    await connection.until(() => connection.text().endsWith("some\n"), "what is there");
    await stop(id);
    expect(await connection.untilClosed()).toBe("reset");
  });
});

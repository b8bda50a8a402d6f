// Contract flexideo, async calls: the result waits to be fetched, as often as asked, until its time is over.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { fetched, launch, sh, shell, shellTag, solve } from "../support/flexideo.ts";
import { job, stop } from "../support/jobs.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

describe("a result", () => {
  test("is running, then there, as often as it is asked for", async () => {
    const gate = join(temporaryDirectory("gate"), "gate");
    const id = await launch(server, sh(`until [ -e ${gate} ]; do sleep 0.02; done; exit 3`), {
      "exit-code": 3,
    });
    expect((await shell(server, { id })).status).toBe("running");
    writeFileSync(gate, "");
    const first = await fetched(server, id);
    expect(first.status).toBe("ok");
    for (let turn = 0; turn < 3; turn += 1) expect(await shell(server, { id })).toEqual(first);
  });

  test("is told like that of a sync call, with its id", async () => {
    const command = sh("echo out; echo err >&2; exit 5");
    const sync = await shell(server, { command });
    const later = await fetched(server, await launch(server, command));
    expect(Object.keys(later.attributes)).toEqual([
      "status",
      "id",
      "command",
      "result",
      "start",
      "stop",
      "duration",
    ]);
    expect([later.status, later.output, later.error]).toEqual([sync.status, sync.output, sync.error]);
    expect(later.attributes.result).toBe("5");
  });

  test("of several is asked for in one request, mixed with new calls", async () => {
    const ids = [await launch(server, "echo a"), await launch(server, "echo b")];
    for (const id of ids) await fetched(server, id);
    const answers = await solve(
      server,
      ...[shellTag({ id: ids[1] ?? "" }), shellTag({ command: "echo c" }), shellTag({ id: ids[0] ?? "" })],
    );
    expect(answers.map(({ output }) => output)).toEqual(["b\n", "c\n", "a\n"]);
  });

  test("of a job that v1 or a sync call has started can be asked for, too", async () => {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ command: ["printf", "it's"] });
    const response = await server.request("/v1/jobs", { method: "POST", headers, body });
    const answer = await fetched(server, ((await response.json()) as { id: string }).id);
    expect(answer).toMatchObject({ status: "ok", output: "it's" });
    // Of arguments that came without a line one is told that is split into them.
    expect(answer.attributes.command).toBe(`printf 'it'\\''s'`);
  });

  test("survives the server, under the same id", async () => {
    const first = await startServer();
    const id = await launch(first, `echo  "a  b"`);
    const told = await fetched(first, id);
    expect(told.attributes.command).toBe(`echo  "a  b"`);
    expect(await first.stop()).toBe(0);
    const next = await startServer({ dataDir: first.dataDir });
    // The line itself went with the server; this one is split into the same arguments.
    expect(await shell(next, { id })).toEqual({
      ...told,
      attributes: { ...told.attributes, command: "echo 'a  b'" },
    });
  });
});

describe("retrieve-timeout", () => {
  test("forgets the result when it is over, and not before", async () => {
    const id = await launch(server, "sleep 0.5", { "retrieve-timeout": 2 });
    const { attributes } = await fetched(server, id);
    const end = Date.parse(attributes.stop ?? "") + 2_000;
    let last = await shell(server, { id });
    let lastAsked = Date.now();
    await until(
      async () => {
        const asked = Date.now();
        const answer = await shell(server, { id });
        if (answer.status === "not-found") return true;
        [last, lastAsked] = [answer, asked];
        return false;
      },
      { describe: "the result to be forgotten" },
    );
    expect(Date.now()).toBeGreaterThanOrEqual(end);
    expect([last.status, lastAsked < end]).toEqual(["ok", true]);
  });

  test("counts from the end: a job that runs is not forgotten", async () => {
    const id = await launch(server, "sleep 2.5", { "retrieve-timeout": 2 });
    expect((await fetched(server, id)).status).toBe("ok");
  });

  test("0 is as long as the server keeps any; another wins over that", async () => {
    const short = await startServer({ config: "[limits]\nretainSeconds = 1\n" });
    const [none, zero, long] = await Promise.all([
      launch(short, "echo a"),
      launch(short, "echo b", { "retrieve-timeout": 0 }),
      launch(short, "echo c", { "retrieve-timeout": 100 }),
    ]);
    for (const id of [none, zero]) {
      const gone = async () => (await shell(short, { id })).status === "not-found";
      await until(gone, { describe: "the server's own time to be over" });
    }
    expect((await shell(short, { id: long })).output).toBe("c\n");
  });

  test("is nothing to a sync call", async () => {
    const token = newToken();
    await shell(server, { command: `sleep ${token} 0.1`, "retrieve-timeout": 1 });
    const { jobs } = (await (await server.request("/v1/jobs?limit=100")).json()) as {
      jobs: { id: string; command: string[] }[];
    };
    const id = jobs.find(({ command }) => command.includes(token))?.id ?? "";
    const { endedAt, expiresAt } = (await job(server, id)) as unknown as {
      endedAt: string;
      expiresAt: string;
    };
    expect(Date.parse(expiresAt) - Date.parse(endedAt)).toBeGreaterThan(1_000_000);
  });
});

test("1,000 jobs at once are all told apart", async () => {
  const count = 1_000;
  const token = newToken();
  const lock = join(temporaryDirectory("lock"), "lock");
  // All of them wait for a lock, so that all of them run at once.
  const holder = await launch(server, `flock -x ${lock} sleep ${token} 1000`);
  await untilLiving(token, 2);
  const script = `echo out $0; echo err $0 >&2; exit $(($0 % 3))`;
  const start = (number: number) =>
    shellTag({ command: `flock -s ${lock} sh -c '${script}' ${number}`, call: "async", "exit-code": 1 });
  const requests = Array.from({ length: 10 }, (_, hundred) =>
    solve(server, ...Array.from({ length: count / 10 }, (_, index) => start(hundred * 100 + index))),
  );
  const started = (await Promise.all(requests)).flat();
  expect(new Set(started.map(({ attributes }) => attributes.id)).size).toBe(count);
  const ask = () => solve(server, ...started.map(({ attributes }) => shellTag({ id: attributes.id ?? "" })));
  expect(new Set((await ask()).map(({ status }) => status))).toEqual(new Set(["running"]));
  await stop(server, holder, 0);
  await untilGone(token);
  const done = async () => {
    const answers = await ask();
    return answers.every(({ status }) => status !== "running") ? answers : undefined;
  };
  const answers = await until(done, { timeoutMilliseconds: 40_000, describe: "the end of all jobs" });
  expect(
    answers.map(({ status, output, error, attributes }) => [status, output, error, attributes.result]),
  ).toEqual(
    answers.map((_, number) => [
      number % 3 === 1 ? "ok" : "fail",
      `out ${number}\n`,
      `err ${number}\n`,
      String(number % 3),
    ]),
  );
}, 60_000);

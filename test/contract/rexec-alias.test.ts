// Contract rexec, "alias": one command at a time under a name, which is free again when that one is truly over.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endedJob, idOf, newAlias, postProcess, stop } from "../support/jobs.ts";
import { newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { rawProcess } from "../support/raw-request.ts";
import { errorOf } from "../support/rexec-error.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

async function refused(alias: string): Promise<void> {
  const token = newToken();
  const response = await postProcess(server, { alias, cmd: "sleep", args: ["100", token] });
  expect([response.status, await response.text()]).toEqual([409, `[Rexec] AlreadyRunning : "${alias}"`]);
  expect(response.headers.get("content-type")).toStartWith("text/plain");
  expect(withToken(token)).toEqual([]);
}

async function granted(alias: string): Promise<void> {
  const response = await postProcess(server, { alias, cmd: "echo", args: ["granted"] });
  expect([response.status, await response.text()]).toEqual([200, "granted\n"]);
}

function sleeper(alias: string, token = newToken()) {
  return rawProcess(server, { alias, cmd: program("run-for-ever"), args: [token] });
}

describe("an alias that is running", () => {
  test("is refused, again and again, and the running command is not touched", async () => {
    const [alias, token] = [newAlias(), newToken()];
    const connection = await sleeper(alias, token);
    for (let turn = 0; turn < 5; turn += 1) await refused(alias);
    await untilLiving(token, 1);
    expect(connection.answer()).toMatchObject({ complete: false, cut: false });
  });

  test("is refused even when the new command could not be started", async () => {
    const alias = newAlias();
    await sleeper(alias);
    const response = await postProcess(server, { alias, cmd: "/no/such/program" });
    expect((await errorOf(response)).status).toBe(409);
  });

  test("is compared letter by letter", async () => {
    const alias = newAlias("Name");
    await sleeper(alias);
    for (const other of [alias.toLowerCase(), `${alias} `, ` ${alias}`, `${alias}\u0301`])
      await granted(other);
    await refused(alias);
  });

  test.each(["a b", "ä€😀", "a/b", "__proto__", "constructor", "x".repeat(200)])(
    "may be %p",
    async (name) => {
      const alias = `${name}-${newAlias()}`.slice(-200);
      await sleeper(alias);
      await refused(alias);
    },
  );

  test("of 30 starts at once gets one", async () => {
    const [alias, token] = [newAlias(), newToken()];
    const start = () => postProcess(server, { alias, cmd: program("run-for-ever"), args: [token] });
    const answers = await Promise.all(Array.from({ length: 30 }, start));
    const statuses = answers.map((answer) => answer.status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(29);
    await untilLiving(token, 1);
  });
});

describe("an alias is free again", () => {
  test("as soon as the answer has ended, 100 times in a row", async () => {
    const alias = newAlias();
    for (let turn = 0; turn < 100; turn += 1) await granted(alias);
  }, 20_000);

  test("after an end by a signal and by a code", async () => {
    const alias = newAlias();
    for (const [name, argument] of [
      ["print-and-die", "KILL"],
      ["exit-with", "9"],
    ] as const) {
      const response = await postProcess(server, { alias, cmd: program(name), args: [argument] });
      await response.text();
    }
    await granted(alias);
  });

  test("after a start that failed and a request that was refused", async () => {
    const alias = newAlias();
    expect((await postProcess(server, { alias, cmd: "/no/such/program" })).status).toBe(404);
    expect((await postProcess(server, { alias, cmd: "true", cwd: "/no/such/directory" })).status).toBe(404);
    expect((await postProcess(server, { alias, cmd: "true", envs: { "": "" } })).status).toBe(500);
    await granted(alias);
  });

  test("after a stop", async () => {
    const alias = newAlias();
    const connection = await sleeper(alias);
    await stop(server, connection.jobId);
    await granted(alias);
  });

  test("after the client has left", async () => {
    const [alias, token] = [newAlias(), newToken()];
    const connection = await sleeper(alias, token);
    connection.close();
    await untilGone(token);
    await endedJob(server, connection.jobId);
    await granted(alias);
  });
});

describe("an alias is not free", () => {
  test("while a stopped tree still lives", async () => {
    const [alias, token] = [newAlias(), newToken()];
    const spec = { alias, cmd: program("ignore-term"), args: [token] };
    const connection = await rawProcess(server, spec);
    await connection.until(() => connection.answer().body.toString() === "ready\n", "ready");
    let answered = false;
    const stopping = stop(server, connection.jobId, 1.5).then(() => {
      answered = true;
    });
    await refused(alias);
    await untilLiving(token, 2);
    expect(answered).toBe(false);
    await stopping;
    expect(withToken(token)).toEqual([]);
    await granted(alias);
  });

  test("while the tree of a client that has left still lives", async () => {
    const [alias, token] = [newAlias(), newToken()];
    const connection = await rawProcess(server, { alias, cmd: program("ignore-term"), args: [token] });
    await connection.until(() => connection.answer().body.toString() === "ready\n", "ready");
    connection.close();
    // Whoever gets the alias finds the earlier tree gone.
    const next = await until(async () => {
      const response = await postProcess(server, { alias, cmd: "echo", args: ["granted"] });
      const living = withToken(token).length;
      if (response.status === 200) return { living, id: idOf(response), text: await response.text() };
      expect((await errorOf(response)).code).toBe("AlreadyRunning");
      return undefined;
    });
    expect(next).toMatchObject({ living: 0, text: "granted\n" });
  });
});

// Contract rexec, "Behaviour": a command that closes its output, and processes that outlive their command.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endedJob, job, newAlias, postProcess, run, specOf, start, stop } from "../support/jobs.ts";
import { newToken, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

/** The drain lasts a second at most; the rest is for a busy machine. */
const drainMilliseconds = 4_000;
const exitedWell = { reason: "exited", code: 0, signal: null, success: true };

test("a command that closes its output and runs on is left alone, and the answer stays open", async () => {
  const gate = join(temporaryDirectory("gate"), "open");
  const connection = await rawProcess(server, specOf([program("close-output"), newToken(), gate]));
  await connection.until(() => connection.answer().body.toString() === "before\n", "the output");
  const { pid } = await job(server, connection.jobId);
  expect(pid).toBeGreaterThan(1);
  await until(() => !existsSync(`/proc/${pid}/fd/1`), { describe: "the command to close its output" });
  // Another command gives the server the time in which it might make a mistake.
  await run(server, ["sleep", "0.3"]);
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  expect(connection.answer()).toMatchObject({ complete: false, cut: false });
  writeFileSync(gate, "");
  expect(await connection.untilAnswered()).toMatchObject({ complete: true, cut: false });
  expect((await endedJob(server, connection.jobId)).outcome).toMatchObject({ reason: "exited", code: 7 });
});

describe("a process that outlives its command", () => {
  test("and holds its output in silence: the answer ends, the process lives on", async () => {
    const token = newToken();
    const connection = await rawProcess(server, specOf([program("hold-pipe"), token]));
    const answer = await connection.untilAnswered(drainMilliseconds);
    expect(answer).toMatchObject({ complete: true, cut: false });
    expect(answer.body.toString()).toBe("done\n");
    expect((await endedJob(server, connection.jobId)).outcome).toMatchObject(exitedWell);
    await untilLiving(token, 1);
  });

  test("and goes on writing: the answer ends, the process neither blocks nor dies", async () => {
    const token = newToken();
    const notes = join(temporaryDirectory("notes"), "written");
    const written = () => (existsSync(notes) ? readFileSync(notes, "utf8").length / "written\n".length : 0);
    const connection = await rawProcess(server, specOf([program("hold-pipe-and-write"), token, notes]));
    expect(await connection.untilAnswered(drainMilliseconds)).toMatchObject({ complete: true, cut: false });
    const before = written();
    // 20 more writes of 64 KiB are far more than a pipe holds.
    await until(() => written() > before + 20, {
      describe: () => `more writes, ${written()} after ${before}`,
    });
    expect(withToken(token).length).toBeGreaterThan(0);
  });

  test.each([
    "leave-behind",
    "background-child",
    "setsid-child",
    "setsid-cleared",
    "daemonize",
    "daemonize-cleared",
  ])("and holds nothing, shape %s: the answer ends, the process lives on", async (shape) => {
    const token = newToken();
    const connection = await rawProcess(server, specOf([program(shape), token, "end"]));
    expect(await connection.untilAnswered(drainMilliseconds)).toMatchObject({ complete: true, cut: false });
    expect((await endedJob(server, connection.jobId)).outcome).toMatchObject(exitedWell);
    await untilLiving(token, 1);
  });

  test("does not keep the alias", async () => {
    const alias = newAlias();
    const token = newToken();
    const first = await postProcess(server, { alias, cmd: program("hold-pipe"), args: [token] });
    expect(await first.text()).toBe("done\n");
    const second = await postProcess(server, { alias, cmd: "echo", args: ["next"] });
    expect([second.status, await second.text()]).toEqual([200, "next\n"]);
    await untilLiving(token, 1);
  });

  test("is not touched when another job is stopped", async () => {
    const [left, running] = [newToken(), newToken()];
    await run(server, [program("daemonize-cleared"), left, "end"]);
    await run(server, [program("leave-behind"), left]);
    await untilLiving(left, 2);
    const response = await start(server, [program("daemonize-cleared"), running]);
    await untilLiving(running, 2);
    await stop(server, response.headers.get("errand-job-id") ?? "", 1);
    expect(withToken(running)).toEqual([]);
    expect(withToken(left)).toHaveLength(2);
  });
});

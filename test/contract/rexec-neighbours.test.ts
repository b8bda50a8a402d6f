// Two servers on one machine: stopping the commands of one touches neither the other nor its commands.
import { afterAll, expect, test } from "bun:test";
import { job, run, specOf } from "../support/jobs.ts";
import { newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

afterAll(endEverything);

const rounds = 5;
const commands = 20;

test("commands that both start in the same moment belong to one server each", async () => {
  const [leaving, staying] = await Promise.all([startServer(), startServer()]);
  const start = (server: Server, token: string) =>
    Promise.all(
      Array.from({ length: commands }, () => rawProcess(server, specOf([program("run-for-ever"), token]))),
    );
  for (let round = 0; round < rounds; round += 1) {
    const [going, kept] = [newToken(), newToken()];
    const [theirs, ours] = await Promise.all([start(leaving, going), start(staying, kept)]);
    await Promise.all([untilLiving(going, commands), untilLiving(kept, commands)]);
    for (const connection of theirs) connection.close();
    await untilGone(going);
    expect(withToken(kept)).toHaveLength(commands);
    for (const { jobId } of ours) expect((await job(staying, jobId)).state).toBe("running");
    expect((await run(staying, ["echo", "on"])).text).toBe("on\n");
    for (const connection of ours) connection.close();
    await untilGone(kept);
  }
}, 30_000);

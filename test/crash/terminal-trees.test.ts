// A tree at a terminal goes like any other: when it is stopped, and when the server is killed.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endOf, startJob } from "../contract/support/v1-start.ts";
import { stop } from "../support/jobs.ts";
import { newToken } from "../support/processes.ts";
import { program, treeShapes } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { livingOf, millisecondsToEnd, type Shape, shapes } from "./support/trees.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const tty = { cols: 80, rows: 24 };

/** Starts the tree at a terminal, in a job of its own shell that has job control, and waits for its processes. */
async function startTree(on: Server, shape: Shape): Promise<{ id: string; token: string }> {
  const token = newToken();
  const { id } = await startJob(on, { command: [program(shape), token], tty });
  await until(() => livingOf([{ token }]).length === treeShapes[shape], { describe: `the tree of ${shape}` });
  return { id, token };
}

describe("POST /v1/jobs/{id}/stop", () => {
  test.each(shapes)("%s", async (shape) => {
    const { id, token } = await startTree(server, shape);
    const gone = await millisecondsToEnd([{ token }], async () => {
      expect((await stop(server, id, 0.5)).status).toBe(200);
      expect(livingOf([{ token }])).toEqual([]);
    });
    expect(gone).toBeLessThanOrEqual(1_500);
    expect((await endOf(server, id)).outcome).toMatchObject({ reason: "stopped", success: false });
  });

  test("a shell with a job in its background and one in its foreground, by the hang-up alone", async () => {
    const token = newToken();
    const command = ["bash", "--norc", "-i"];
    const { id } = await startJob(server, { command, tty, env: { HISTFILE: "/dev/null" } });
    const put = await server.request(`/v1/jobs/${id}/stdin`, {
      method: "PUT",
      body: `sleep 1000 ${token} &\nsleep 2000 ${token}\n`,
    });
    expect(put.status).toBe(200);
    await until(() => livingOf([{ token }]).length === 2, { describe: "both of its jobs" });
    // Nothing has to be killed: with all of the grace time left, it is over at once.
    const gone = await millisecondsToEnd([{ token }], async () => {
      expect((await stop(server, id, 60)).status).toBe(200);
    });
    expect(gone).toBeLessThanOrEqual(2_000);
  });
});

test("a shell's jobs end with the terminal when the shell does", async () => {
  const token = newToken();
  const shell = `sleep 1000 ${token} & sleep 0.2; exit 3`;
  const { id } = await startJob(server, { command: ["bash", "-ic", shell], tty, leftovers: "stop" });
  expect((await endOf(server, id)).outcome).toMatchObject({ reason: "exited", code: 3 });
  expect(livingOf([{ token }])).toEqual([]);
});

test(`the server is killed, ${shapes.length} shapes at once`, async () => {
  const victim = await startServer();
  const trees = await Promise.all(shapes.map((shape) => startTree(victim, shape)));
  const gone = await millisecondsToEnd(trees, () => victim.kill9());
  console.log(`server killed: ${trees.length} trees at terminals gone after ${Math.round(gone)} ms`);
  expect(gone).toBeLessThanOrEqual(1_000);
}, 40_000);

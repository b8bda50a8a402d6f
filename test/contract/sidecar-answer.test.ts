// Contract sidecar, "Answers": what is told of a command that ended, one that runs, and one that failed.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endedJob, job, stop } from "../support/jobs.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { endEverything, type Server } from "../support/server.ts";
import { type Envelope, postShell, shell, startSidecar } from "../support/sidecar.ts";

let server: Server;
beforeAll(async () => {
  server = await startSidecar();
});
afterAll(endEverything);

describe("wait: true", () => {
  test("answers with both outputs, the way of the end and the job", async () => {
    const response = await postShell(server, { command: "echo my_host; echo oops >&2", wait: true });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const { data, ...rest } = (await response.json()) as Envelope;
    expect(rest).toEqual({ message: "", ok: true });
    const { jobId, ...told } = data ?? { jobId: "" };
    expect(told).toEqual({ stderr: "oops\n", stdout: "my_host\n", exitCode: 0, signal: null });
    expect(jobId).toMatch(/^\d+$/);
    expect(await job(server, jobId)).toMatchObject({
      state: "ended",
      command: ["/bin/sh", "-c", "echo my_host; echo oops >&2"],
      outcome: { reason: "exited", code: 0, success: true },
    });
  });

  test("a command that fails has run: 200", async () => {
    expect(await shell(server, "echo no >&2; exit 3")).toMatchObject({
      stderr: "no\n",
      exitCode: 3,
      signal: null,
    });
    expect(await shell(server, "no-such-program-anywhere")).toMatchObject({ exitCode: 127, signal: null });
  });

  test("a signal is told as one", async () => {
    expect(await shell(server, "echo a; kill -KILL $$")).toMatchObject({
      stdout: "a\n",
      exitCode: null,
      signal: "SIGKILL",
    });
  });

  test("a command that is stopped is told with what it wrote", async () => {
    const token = newToken();
    const answer = shell(server, `echo before; exec sleep ${token} 100`);
    await untilLiving(token, 1);
    const jobs = (await (await server.request("/v1/jobs?state=running")).json()) as {
      jobs: { id: string }[];
    };
    await stop(server, jobs.jobs[0]?.id ?? "");
    expect(await answer).toMatchObject({ stdout: "before\n", exitCode: null, signal: "SIGTERM" });
    await untilGone(token);
  });

  test("comes when the command has ended, not before and not late", async () => {
    const start = performance.now();
    expect((await shell(server, "sleep 0.5; echo late")).stdout).toBe("late\n");
    const took = performance.now() - start;
    expect(took).toBeGreaterThanOrEqual(500);
    expect(took).toBeLessThan(5_000);
  });

  test("is not bounded by the longest wait of other clients", async () => {
    const short = await startSidecar("[limits]\nwaitSeconds = 1\n");
    expect((await shell(short, "sleep 2; echo done")).stdout).toBe("done\n");
  });

  test("many wait at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => shell(server, `sleep 0.2; echo ${index}`)),
    );
    expect(answers.map(({ stdout }) => stdout)).toEqual(answers.map((_, index) => `${index}\n`));
  });
});

describe("wait: false", () => {
  test("answers before the command ends, with the job alone", async () => {
    const token = newToken();
    const response = await postShell(server, { command: `exec sleep ${token} 100`, wait: false });
    const { data, ...rest } = (await response.json()) as Envelope;
    expect([response.status, rest]).toEqual([200, { message: "", ok: true }]);
    expect(Object.keys(data ?? {})).toEqual(["jobId"]);
    await untilLiving(token, 1);
    const id = data?.jobId ?? "";
    expect((await job(server, id)).state).toBe("running");
    await stop(server, id, 0);
    await untilGone(token);
  });

  test("its output is kept with the job", async () => {
    const { jobId } = await shell(server, "echo kept; printf '\\377' >&2; exit 4", { wait: false });
    expect((await endedJob(server, jobId)).outcome).toMatchObject({ reason: "exited", code: 4 });
    const read = async (stream: string) => (await server.request(`/v1/jobs/${jobId}/${stream}`)).bytes();
    expect(Buffer.from(await read("stdout")).toString()).toBe("kept\n");
    expect([...(await read("stderr"))]).toEqual([255]);
  });

  test("a command that cannot be started is told all the same", async () => {
    const response = await postShell(server, { command: "true", wait: false, workdir: "/nonexistent" });
    expect(response.status).toBe(400);
  });
});

test("GET / answers three lines of plain text to anybody", async () => {
  const response = await server.request("/", { credential: false });
  expect(response.headers.get("content-type")).toStartWith("text/plain");
  const lines = (await response.text()).split("\n");
  expect(lines).toEqual([
    expect.stringMatching(/^Welcome/),
    expect.stringMatching(/^\* Version: \d+\.\d+\.\d+$/),
    expect.stringMatching(/^\* Release Date: \d{4}-\d\d-\d\d$/),
    "",
  ]);
});

import { afterAll, describe, expect, test } from "bun:test";
import { errorOf, scripted } from "../../test/sdk/support/client.ts";
import type { Answer, Script, ScriptedServer } from "../../test/sdk/support/scripted-server.ts";
import { bad, ended, endedJob, good, line, started, text, wireJob } from "../../test/sdk/support/wire.ts";
import { endEverything } from "../../test/support/cleanup.ts";
import { until } from "../../test/support/wait.ts";
import { Cancelled, CommandFailed, ErrandError, StreamCut } from "./errors.ts";

afterAll(endEverything);

function streaming(answer: Answer, ...lines: string[]): void {
  answer.stream("application/x-ndjson", { "errand-job-id": "7" });
  answer.chunk(lines.join(""));
}

const bodyOf = (server: ScriptedServer, number = 0): unknown =>
  JSON.parse(server.asked[number]?.body.toString() ?? "null");

test("a result has both streams, the outcome and the job", async () => {
  const { errand, server } = await scripted((_, answer) =>
    streaming(
      answer,
      started() + text("2-0", 0, "ä") + text("2-1", 0, "e", "stderr"),
      line({ type: "stdout", cursor: "3-1", offset: 2, base64: "/w==" }) + ended("3-1", good, endedJob(3, 1)),
    ),
  );
  const { job, ...result } = await errand.run(["make", "all"]);
  expect(result).toEqual({
    ...{ stdout: "ä\ufffd", stderr: "e", truncated: false, outcome: good },
    stdoutBytes: Uint8Array.of(0xc3, 0xa4, 0xff),
    stderrBytes: Uint8Array.of(0x65),
  });
  expect(job).toMatchObject({ id: "7", state: "ended" });
  expect(bodyOf(server)).toEqual({
    ...{ command: ["make", "all"], mode: "attached", onDisconnect: { killAfterSeconds: 30 } },
  });
  expect(server.asked[0]?.headers.accept).toBe("application/x-ndjson");
});

describe("a command that fails", () => {
  const failing: Script = (_, answer) => streaming(answer, started(), text("1-0", 0, "x"), ended("1-0", bad));

  test("is an error that holds the result", async () => {
    const { errand } = await scripted(failing);
    const error = await errorOf(errand.run(["make", "all"]));
    expect(error).toBeInstanceOf(CommandFailed);
    expect(error).toMatchObject({
      message: "make all: exited with code 3",
      result: { stdout: "x", outcome: { code: 3, success: false }, job: { id: "7" } },
    });
  });

  test("is a result when it is wished", async () => {
    const { errand } = await scripted(failing);
    const { outcome, stdout } = await errand.run({ shell: "exit 3" }, { check: false });
    expect([outcome.code, stdout]).toEqual([3, "x"]);
  });

  test("by a signal says so", async () => {
    const outcome = { ...bad, reason: "timeout", code: null, signal: "SIGKILL" } as const;
    const { errand } = await scripted((_, answer) => streaming(answer, ended("0-0", outcome)));
    expect(await errorOf(errand.run(["x"]))).toMatchObject({ message: "make all: timeout by SIGKILL" });
  });

  test("that never ran is the server's error", async () => {
    const job = wireJob("failed", { failure: "no such program" });
    const { errand } = await scripted((_, answer) => streaming(answer, ended("0-0", null, job)));
    const error = await errorOf(errand.run(["x"], { check: false }));
    expect(error).toBeInstanceOf(ErrandError);
    expect(error).toMatchObject({ code: "start-failed", detail: "no such program" });
  });

  test("that is refused as well, with the field", async () => {
    const { errand } = await scripted((_, answer) =>
      answer.json({ code: "invalid-spec", status: 422, detail: "cwd: …", field: "cwd" }, 422),
    );
    expect(await errorOf(errand.run(["x"]))).toMatchObject({
      ...{ name: "ErrandError", code: "invalid-spec", status: 422, detail: "cwd: …", field: "cwd" },
    });
  });
});

describe("output that is not whole is told", () => {
  test.each([
    ["a gap", line({ type: "gap", cursor: "9-0", stream: "stdout", from: 0, to: 9 }), endedJob(9)],
    ["thrown away", "", endedJob(9, 0, { stderr: { bytes: 9, keptFrom: 0, truncated: true } })],
  ])("%s", async (_, more, job) => {
    const { errand } = await scripted((_asked, answer) =>
      streaming(answer, started(), more, ended("9-0", good, job)),
    );
    expect((await errand.run(["x"])).truncated).toBe(true);
  });

  test("more than is held", async () => {
    const { errand } = await scripted((_, answer) =>
      streaming(answer, started(), text("3-0", 0, "abc"), text("5-0", 3, "de"), ended("5-0")),
    );
    const { stdout, truncated } = await errand.run(["x"], { captureBytes: 4 });
    expect([stdout, truncated]).toEqual(["abcd", true]);
  });
});

test("a cut is gone on with from the last event", async () => {
  const { errand, server } = await scripted(async (asked, answer) => {
    if (asked.method === "GET") return streaming(answer, text("2-0", 1, "b"), ended("2-0"));
    streaming(answer, started(), text("1-0", 0, "a"));
    await Bun.sleep(50);
    answer.cut();
  });
  expect((await errand.run(["x"])).stdout).toBe("ab");
  expect(String(server.asked[1]?.query)).toBe("cursor=1-0");
});

test("a cut that cannot be mended holds what has come", async () => {
  const { errand, server } = await scripted(
    async (_, answer) => {
      streaming(answer, started(), text("1-0", 0, "a"), text("1-1", 0, "e", "stderr"));
      await Bun.sleep(50);
      answer.cut();
    },
    { reconnectSeconds: 0 },
  );
  const error = await errorOf(errand.run(["x"]));
  expect(error).toBeInstanceOf(StreamCut);
  expect(error).toMatchObject({ partial: { stdout: "a", stderr: "e" }, received: { cursor: "1-1" } });
  expect(bodyOf(server)).toMatchObject({ onDisconnect: "kill" });
});

test("a signal stops the command", async () => {
  const control = new AbortController();
  const { errand, server } = await scripted(
    (asked, answer) => {
      if (asked.path === "/v1/jobs/7/stop") return answer.json(wireJob("ended"));
      streaming(answer, started());
    },
    {
      // The head of the answer says which job it is.
      fetch: async (input, init) => {
        const response = await globalThis.fetch(input, init);
        setTimeout(() => control.abort(), 10);
        return response;
      },
    },
  );
  const error = await errorOf(errand.run(["x"], { signal: control.signal }));
  expect(error).toBeInstanceOf(Cancelled);
  expect(server.asked.map(({ path }) => path)).toEqual(["/v1/jobs", "/v1/jobs/7/stop"]);
  await until(() => server.open <= 1, { describe: "the stream to be closed" });
});

test("what can be no run is told before anything starts", async () => {
  const { errand, server } = await scripted(() => undefined);
  expect(await errorOf(errand.run({ command: ["x"], mode: "detached" }))).toBeInstanceOf(TypeError);
  expect(await errorOf(errand.run({ command: ["x"], stdin: "open" }))).toBeInstanceOf(TypeError);
  expect(await errorOf(errand.run(["x"], { captureBytes: -1 }))).toBeInstanceOf(RangeError);
  expect(server.asked).toHaveLength(0);
});

test("a job in the background is followed as well, and what the spec says is kept", async () => {
  const { errand, server } = await scripted((asked, answer) => {
    if (asked.method === "POST") return answer.json(wireJob(), 201);
    streaming(answer, started(), ended("0-0"));
  });
  await errand.run({ command: ["x"], mode: "background" });
  expect(bodyOf(server)).toEqual({ command: ["x"], mode: "background" });
});

import { expect } from "bun:test";
import { newToken, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { textOf } from "./bytes.ts";
import { keptOf, type Stage } from "./stage.ts";

/** Milliseconds since now. A timer may fire one of them early. */
function stopwatch(): () => number {
  const began = performance.now();
  return () => performance.now() - began;
}

/** Limits that a command brings with it: the true reason is told, and the whole tree ends. */
export function timeouts(stage: Stage): void {
  stage.behaviour("a run that is too long is stopped", ["runTimeout"], async () => {
    const token = newToken();
    const elapsed = stopwatch();
    const { told, job } = await stage.run({
      command: `echo before; exec ${program("setsid-child")} ${token}`,
      runTimeoutSeconds: 1.5,
    });
    expect(job.outcome).toMatchObject({ reason: "timeout", code: null, signal: "SIGTERM", success: false });
    expect([textOf(told.stdout), withToken(token)]).toEqual(["before\n", []]);
    expect(elapsed()).toBeGreaterThanOrEqual(1_499);
  });

  stage.behaviour("one that ignores TERM is killed after the grace time", ["runTimeout"], async () => {
    const token = newToken();
    const elapsed = stopwatch();
    const { job } = await stage.run({
      command: [program("ignore-term"), token],
      // Time enough to say that it ignores TERM.
      runTimeoutSeconds: 1.5,
      stopGraceSeconds: 0.3,
    });
    expect(job.outcome).toMatchObject({ reason: "timeout", signal: "SIGKILL" });
    expect(withToken(token)).toEqual([]);
    expect(elapsed()).toBeGreaterThanOrEqual(1_798);
  });

  stage.behaviour("one that ends with a code when it is stopped is no success", ["runTimeout"], async () => {
    const command = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
    const { job } = await stage.run({
      command: ["timeout", "60", "sh", "-c", command],
      runTimeoutSeconds: 0.3,
    });
    expect(job.outcome).toMatchObject({ reason: "timeout", success: false });
  });

  stage.behaviour("one that ends in time is left alone", ["runTimeout", "idleTimeout"], async () => {
    const { job } = await stage.run({ command: "exit 4", runTimeoutSeconds: 600, idleTimeoutSeconds: 600 });
    expect(job.outcome).toMatchObject({ reason: "exited", code: 4, signal: null });
  });

  stage.behaviour(
    "a silence that is too long is stopped, on both streams together",
    ["idleTimeout"],
    async () => {
      const token = newToken();
      const elapsed = stopwatch();
      // It takes longer than the silence that is allowed, but is never so long silent.
      const tick = `echo out; sleep 0.3 ${token}; echo err >&2; sleep 0.3 ${token}`;
      const { told, job } = await stage.run({
        command: `for i in 1 2 3 4 5; do ${tick}; done; exec ${program("child")} ${token}`,
        idleTimeoutSeconds: 2,
      });
      expect(job.outcome).toMatchObject({ reason: "idle", code: null, signal: "SIGTERM", success: false });
      expect([textOf(told.stdout), withToken(token)]).toEqual(["out\n".repeat(5), []]);
      // The last word comes after nine pauses.
      expect(elapsed()).toBeGreaterThanOrEqual(4_690);
    },
  );

  stage.behaviour(
    "of two limits the one that is reached is told",
    ["runTimeout", "idleTimeout"],
    async () => {
      const command = [program("run-for-ever"), newToken()] as const;
      const idle = await stage.run({ command, runTimeoutSeconds: 600, idleTimeoutSeconds: 0.3 });
      const run = await stage.run({ command, runTimeoutSeconds: 0.3, idleTimeoutSeconds: 600 });
      expect([idle.job.outcome?.reason, run.job.outcome?.reason]).toEqual(["idle", "timeout"]);
    },
  );

  stage.behaviour("with more output than allowed it is stopped", ["outputLimit"], async () => {
    const token = newToken();
    const { told, job } = await stage.run({ command: [program("flood"), token], outputBytes: 100_000 });
    expect(job.outcome).toMatchObject({ reason: "output-limit", success: false });
    expect(withToken(token)).toEqual([]);
    expect(job.stdout).toMatchObject({ keptFrom: 0, truncated: true });
    expect(job.stdout.bytes).toBeGreaterThan(100_000);
    // No more than was asked for, from the start on.
    const expected = `${token}\n`.repeat(100_000 / token.length).slice(0, 100_000);
    expect([told.whole, textOf(told.stdout)]).toEqual([false, expected]);
    expect((await keptOf(stage.server, job.id, "stdout")).byteLength).toBe(100_000);
  });

  stage.behaviour("both streams count together", ["outputLimit"], async () => {
    const command = "printf 0123456789; printf 0123456789 >&2; exec sleep 30";
    const { job } = await stage.run({ command, outputBytes: 19 });
    expect(job.outcome?.reason).toBe("output-limit");
  });

  stage.behaviour("with just as much as allowed it goes on", ["outputLimit"], async () => {
    const command = "printf 0123456789; printf 0123456789 >&2; sleep 0.1; exit 4";
    const { told, job } = await stage.run({ command, outputBytes: 20 });
    expect(job).toMatchObject({ outcome: { reason: "exited", code: 4 }, stdout: { truncated: false } });
    expect([told.whole, textOf(told.stdout)]).toEqual([true, "0123456789"]);
  });
}

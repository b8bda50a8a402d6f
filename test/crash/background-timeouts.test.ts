// What a spec bounds is bounded, with the true reason, and nothing else is: no timeout fires before its time.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { isLiving } from "../support/proc.ts";
import { killByToken, newToken, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { background, ended, outputText, ran, type Spec, shell } from "./support/background.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

/** A busy machine may be late by so much, and a command may run for a moment before its time is taken. */
const lateSeconds = 8;
const earlySeconds = 0.2;

interface Timed {
  durationNanoseconds: number;
}

/** Runs it to its end, which must come after so many seconds, and not much later. */
async function ranFor(seconds: number, spec: Spec) {
  const job = await ran(server, spec);
  const took = (job as unknown as Timed).durationNanoseconds / 1e9;
  expect(took).toBeGreaterThanOrEqual(seconds - earlySeconds);
  expect(took).toBeLessThan(seconds + lateSeconds);
  return job;
}

const bySignal = (reason: string, signal: string) => ({ reason, code: null, signal, success: false });

describe.concurrent("runTimeoutSeconds", () => {
  test.each(["run-for-ever", "daemonize-cleared", "fork-many"])("ends the tree of %s", async (name) => {
    const token = newToken();
    const job = await ranFor(0.5, { command: [program(name), token], runTimeoutSeconds: 0.5 });
    expect(job.outcome).toMatchObject(bySignal("timeout", "SIGTERM"));
    expect(withToken(token)).toEqual([]);
  });

  test("is followed by the grace time, then by KILL", async () => {
    const token = newToken();
    const spec = { command: [program("ignore-term"), token], runTimeoutSeconds: 1.5, stopGraceSeconds: 0.7 };
    expect((await ranFor(2.2, spec)).outcome).toMatchObject(bySignal("timeout", "SIGKILL"));
    expect(withToken(token)).toEqual([]);
  });

  test("without a grace time kills at once", async () => {
    const token = newToken();
    const spec = { command: [program("run-for-ever"), token], runTimeoutSeconds: 0.3, stopGraceSeconds: 0 };
    expect((await ranFor(0.3, spec)).outcome).toMatchObject(bySignal("timeout", "SIGKILL"));
  });

  test("lets the command tidy up, and is the reason all the same", async () => {
    const proof = join(temporaryDirectory("proof"), "proof");
    const command = [program("clean-up-on-term"), newToken(), proof];
    const job = await ranFor(2, { command, runTimeoutSeconds: 2 });
    expect(job.outcome).toMatchObject({ reason: "timeout", code: 3, signal: null, success: false });
    expect([existsSync(proof), await outputText(server, job.id, "stdout")]).toEqual([true, "ready\n"]);
  });

  test("is of no concern to a command that ends before", async () => {
    const job = await ran(server, { shell: "exit 4", runTimeoutSeconds: 3_600 });
    expect(job.outcome).toMatchObject({ reason: "exited", code: 4 });
  });
});

describe.concurrent("idleTimeoutSeconds", () => {
  test("ends what says nothing", async () => {
    const token = newToken();
    const job = await ranFor(0.5, { command: [program("child"), token], idleTimeoutSeconds: 0.5 });
    expect(job.outcome).toMatchObject(bySignal("idle", "SIGTERM"));
    expect(withToken(token)).toEqual([]);
  });

  test.each([1, 2])("begins anew with each output on descriptor %d", async (descriptor) => {
    const ticks = `exec '${program("slow-ticks")}' ${newToken()} 8 0.3 >&${descriptor}`;
    const job = await ranFor(2.4, { shell: ticks, idleTimeoutSeconds: 1.5 });
    expect(job.outcome).toMatchObject({ reason: "exited", code: 0, success: true });
  });

  test("counts from the last output, which is kept", async () => {
    const script = `'${program("slow-ticks")}' $1 3 0.2; exec '${program("run-for-ever")}' $1`;
    const command = ["/bin/sh", "-c", script, "sh", newToken()];
    // Two ticks come after the first.
    const job = await ranFor(1.4, { command, idleTimeoutSeconds: 1 });
    expect(job.outcome).toMatchObject(bySignal("idle", "SIGTERM"));
    expect(await outputText(server, job.id, "stdout")).toBe("tick 1\ntick 2\ntick 3\n");
  });
});

describe.concurrent("limits together", () => {
  test("the first limit that is reached is the reason", async () => {
    const command = [program("ignore-term"), newToken()];
    const spec = { command, idleTimeoutSeconds: 1.5, runTimeoutSeconds: 2.4, stopGraceSeconds: 1 };
    expect((await ranFor(2.5, spec)).outcome).toMatchObject(bySignal("idle", "SIGKILL"));
  });

  test.each([25 * 86_400, 3_650 * 86_400])("a limit of %d seconds does not fire at once", async (seconds) => {
    const spec = { command: ["sleep", "0.3"], runTimeoutSeconds: seconds, idleTimeoutSeconds: seconds };
    const job = await ran(server, spec);
    expect(job.outcome).toMatchObject({ reason: "exited", code: 0 });
  });
});

describe.concurrent("leftovers", () => {
  const shapes = ["leave-behind", "background-child", "setsid-cleared", "daemonize", "daemonize-cleared"];

  test.each(shapes)("of %s are stopped when the spec says so", async (name) => {
    const token = newToken();
    const spec = { command: [program(name), token, "end"], leftovers: "stop", stopGraceSeconds: 1 };
    const job = await ran(server, spec);
    expect(job.outcome).toMatchObject({ reason: "exited", code: 0, success: true });
    expect(withToken(token)).toEqual([]);
  });

  test.each(shapes)("of %s are left alone otherwise", async (name) => {
    const token = newToken();
    const job = await ran(server, { command: [program(name), token, "end"] });
    expect(job.outcome).toMatchObject({ reason: "exited", code: 0, success: true });
    const [pid] = await untilLiving(token, 1);
    // A job that is stopped afterwards does not touch them.
    const other = await ran(server, {
      command: [program("run-for-ever"), newToken()],
      runTimeoutSeconds: 0.1,
    });
    expect([other.outcome?.reason, isLiving(pid ?? 0)]).toEqual(["timeout", true]);
    await killByToken(token);
  });

  test("of a command that ends by itself are left alone, also when its last words were too many", async () => {
    const token = newToken();
    const script = 'setsid sleep 120 "$1" </dev/null >/dev/null 2>&1 & printf 123456789';
    const { outcome, stdout } = await ran(server, { ...shell(script, token), limits: { outputBytes: 5 } });
    expect(stdout).toEqual({ bytes: 9, keptFrom: 0, truncated: true });
    // Which of both came first is not said; what is told must have happened.
    expect(withToken(token)).toHaveLength(outcome?.reason === "exited" ? 1 : 0);
    await killByToken(token);
  });

  test("that ignore TERM are killed after the grace time, and the end waits for that", async () => {
    const token = newToken();
    const script = `'${program("ignore-term")}' "$1" </dev/null >/dev/null 2>&1 & sleep 0.3; exit 6`;
    const command = ["/bin/sh", "-c", script, "sh", token];
    const { id } = await background(server, { command, leftovers: "stop", stopGraceSeconds: 0.5 });
    expect((await ended(server, id)).outcome).toMatchObject({ reason: "exited", code: 6 });
    expect(withToken(token)).toEqual([]);
  });
});

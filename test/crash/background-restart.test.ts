// The end of the server, in order or not: background jobs end with it, and the next one tells what became of them.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { stop } from "../support/jobs.ts";
import { signal } from "../support/proc.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { program, treeShapes } from "../support/programs.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import {
  background,
  ended,
  look,
  outputText,
  post,
  ran,
  refusal,
  type Spec,
  shell,
} from "./support/background.ts";
import { livingOf, millisecondsToEnd, shapes } from "./support/trees.ts";

afterAll(endEverything);

/** Some 20 s on an idle machine. */
const timeoutMilliseconds = patience(120_000);
const lost = { state: "lost", outcome: { reason: "lost", code: null, signal: null, success: false } };
/** Where a server keeps its jobs' files. */
const jobsOf = ({ dataDir }: Server) => join(dataDir, "jobs");
const again = ({ dataDir }: Server) => startServer({ dataDir });

/** A job that prints a line on each stream and goes on until the file is there, then ends with code 5. */
const patient = (token: string, gate: string) => ({
  ...shell(`echo out; echo err >&2; '${program("wait-for-file")}' "$1" "$2"; echo late; exit 5`, token, gate),
  survive: false,
});

async function untilSaid(server: Server, id: string): Promise<void> {
  const said = async () => (await outputText(server, id, "stderr")) === "err\n";
  await until(said, { describe: "the first lines" });
}

describe.concurrent("SIGTERM", () => {
  test("lets jobs end for the drain time, then stops them; all are told by the next server", async () => {
    const server = await startServer({ config: "[limits]\nshutdownDrainSeconds = 3\n" });
    const [token, gate] = [newToken(), join(temporaryDirectory("gate"), "gate")];
    const quick = await background(server, { ...patient(token, gate), alias: "quick" });
    const slow = await background(server, { ...patient(token, "/nowhere/gate"), alias: "slow" });
    for (const { id } of [quick, slow]) await untilSaid(server, id);
    const stopped = server.stop();
    const refused = async () => {
      const response = await post(server, { command: ["true"] });
      return response.status === 503 && (await refusal(response)).code === "shutting-down";
    };
    await until(refused, { describe: "new jobs to be refused" });
    writeFileSync(gate, "");
    expect(await ended(server, quick.id)).toMatchObject({ outcome: { reason: "exited", code: 5 } });
    expect(await stopped).toBe(0);
    await untilGone(token);

    const next = await again(server);
    const whole = { bytes: 9, keptFrom: 0, truncated: false };
    expect(await look(next, quick.id)).toMatchObject({
      outcome: { reason: "exited", code: 5 },
      stdout: whole,
    });
    const outcome = { reason: "shutdown", code: null, signal: "SIGTERM", success: false };
    expect(await look(next, slow.id)).toMatchObject({ state: "ended", outcome, stdout: { bytes: 4 } });
    expect(await outputText(next, quick.id, "stdout")).toBe("out\nlate\n");
    expect(await outputText(next, slow.id, "stdout")).toBe("out\n");
    expect(await ran(next, { command: ["true"], alias: "slow" })).toMatchObject({ outcome: { code: 0 } });
  });
});

describe.concurrent("SIGKILL", () => {
  test(
    "a moment after the end of a job leaves its true exit, whether a client had seen it or not",
    async () => {
      // Nothing is written behind before the kill.
      const config = "[limits]\nhistoryFlushSeconds = 5\n";
      let server = await startServer({ config });
      const told: [string, string, unknown][] = [];
      for (let turn = 0; turn < 10; turn += 1) {
        const end = turn % 3 === 2 ? "kill -USR1 $$" : `exit ${turn + 100}`;
        const { id } = await background(server, { shell: `echo out ${turn}; ${end}`, alias: "same" });
        if (turn % 2 === 0) await ended(server, id);
        // The record is blank until the end.
        else await until(() => readFileSync(join(jobsOf(server), id, "exit"), "latin1").trim() !== "");
        await Bun.sleep(Math.random() * 60);
        await server.kill9();
        server = await startServer({ dataDir: server.dataDir, config });
        const signaled = { reason: "signaled", code: null, signal: "SIGUSR1", success: false };
        const exited = { reason: "exited", code: turn + 100, signal: null, success: false };
        told.push([id, `out ${turn}\n`, turn % 3 === 2 ? signaled : exited]);
        for (const [known, text, outcome] of told) {
          expect<unknown>(await look(server, known)).toMatchObject({ state: "ended", outcome });
          expect(await outputText(server, known, "stdout")).toBe(text);
        }
      }
    },
    timeoutMilliseconds,
  );
});

describe.concurrent("files", () => {
  test("of a job that could not be started are gone, and its record says why", async () => {
    const server = await startServer();
    const refused = await post(server, { command: ["/no/such/program"], alias: "a" });
    expect(await refusal(refused)).toEqual({ status: 422, code: "start-failed" });
    expect(readdirSync(jobsOf(server))).toEqual([]);
    const { jobs } = (await (await server.request("/v1/jobs?state=failed")).json()) as {
      jobs: { id: string; failure: string }[];
    };
    expect(jobs).toMatchObject([{ failure: expect.stringContaining("/no/such/program") }]);
    const id = jobs[0]?.id ?? "";
    expect((await server.request(`/v1/jobs/${id}/stdout`)).status).toBe(404);
    await server.kill9();
    const next = await again(server);
    expect(await look(next, id)).toMatchObject({ state: "failed", alias: "a" });
    expect(await ran(next, { command: ["true"], alias: "a" })).toMatchObject({ state: "ended" });
  });

  test.each(["", '{"version":1,"job":{"id":"77'])(
    "of a start that never got as far as %p are gone",
    async (text) => {
      const server = await startServer();
      await server.kill9();
      const folder = join(jobsOf(server), "77");
      mkdirSync(folder, { mode: 0o700 });
      writeFileSync(join(folder, "spec.json"), text);
      writeFileSync(join(folder, "stdout"), "");
      const next = await again(server);
      expect(existsSync(folder)).toBe(false);
      expect((await next.request("/v1/jobs/77")).status).toBe(404);
    },
  );
});

describe("SIGKILL", () => {
  test(
    `ends all of ${shapes.length} trees within a second; they are lost, with what they had written`,
    async () => {
      const server = await startServer();
      const token = newToken();
      const ids: string[] = [];
      for (const shape of shapes) {
        const script = `echo "I am ${shape}"; echo err >&2; exec "$2" "$1"`;
        const spec = { ...shell(script, token, program(shape)), alias: shape, survive: false };
        ids.push((await background(server, spec)).id);
      }
      const processes = shapes.reduce((sum, shape) => sum + treeShapes[shape], 0);
      await untilLiving(token, processes, 20_000);
      for (const id of ids) await untilSaid(server, id);
      const gone = await millisecondsToEnd([{ token }], () => server.kill9());
      console.log(
        `${shapes.length} background trees gone ${Math.round(gone)} ms after SIGKILL of the server`,
      );
      expect(gone).toBeLessThanOrEqual(1_000);

      const next = await again(server);
      for (const [index, id] of ids.entries()) {
        const stderr = { bytes: 4, keptFrom: 0, truncated: false };
        const found = await look(next, id);
        expect(found).toMatchObject({ ...lost, alias: shapes[index] ?? "", stderr, stderrTail: "err\n" });
        expect([found.pid !== null, found.startedAt !== null]).toEqual([true, true]);
        expect(await outputText(next, id, "stdout")).toStartWith(`I am ${shapes[index]}\n`);
        expect(await ran(next, { command: ["true"], alias: shapes[index] })).toMatchObject({
          state: "ended",
        });
      }
      expect(livingOf([{ token }])).toEqual([]);
    },
    timeoutMilliseconds,
  );

  const kills = count(50, 500);
  /** Kills the server right after it has acknowledged a start, and gives the next one with what that tells. */
  async function killAfterStart(server: Server, spec: Spec) {
    const { id } = await background(server, { alias: "same", ...spec });
    signal(server.pid, "SIGKILL");
    await server.kill9();
    const next = await again(server);
    return { id, next, told: await look(next, id) };
  }

  /** One server after the other on the same data. */
  async function killAgainAndAgain(times: number): Promise<void> {
    let server = await startServer();
    const token = newToken();
    const ids: string[] = [];
    for (let turn = 0; turn < times; turn += 1) {
      const command = turn % 2 === 0 ? ["sleep", "120", token] : ["true"];
      const { id, next, told } = await killAfterStart(server, { command, survive: false });
      server = next;
      ids.push(id);
      const known = turn % 2 === 0 ? ["lost"] : ["lost", "exited"];
      expect(known).toContain(told.outcome?.reason ?? told.state);
      expect(told.alias).toBe("same");
    }
    expect(livingOf([{ token }])).toEqual([]);
    for (const id of ids) expect((await look(server, id)).outcome?.code ?? 0).toBe(0);
  }

  /** The same with jobs that survive: every other one goes on. */
  async function killBesideSurvivors(times: number): Promise<void> {
    let server = await startServer();
    const token = newToken();
    for (let turn = 0; turn < times; turn += 1) {
      const goesOn = turn % 2 === 0;
      const spec = goesOn ? { command: ["sleep", "120", token] } : { shell: "exit 7" };
      const { id, next, told } = await killAfterStart(server, { ...spec, survive: true });
      server = next;
      expect(told.alias).toBe("same");
      if (goesOn) expect([told.state, (await stop(server, id, 1)).status]).toEqual(["running", 200]);
      const outcome = goesOn ? { reason: "stopped" } : { reason: "exited", code: 7 };
      expect(await ended(server, id)).toMatchObject({ state: "ended", outcome });
    }
    expect(livingOf([{ token }])).toEqual([]);
  }

  test(
    `R13: ${kills} times right after the 201: each job is known, as lost, as it ended or as it goes on`,
    async () => {
      await Promise.all([killAgainAndAgain(kills / 2), killBesideSurvivors(kills / 2)]);
      report("R13", `${kills} servers killed right after a 201: all ${kills} jobs known`);
    },
    timeoutMilliseconds,
  );
});

// Contract v1, `tty`: a job at a terminal of its own, with job control, whose output is kept like any other.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Attached, attach } from "../support/attach.ts";
import { job as look, stop } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { problem } from "./support/v1.ts";
import { endOf, postJob, runJob, startJob, startProblem, textOf, untilWritten } from "./support/v1-start.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer({ atRest: true });
});
afterAll(endEverything);

const tty = { cols: 91, rows: 33 };
const raw = "stty raw -echo;";

async function shown(shell: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const { id } = await runJob(server, { shell, tty, ...more });
  return textOf(server, id);
}

function resize(id: string, size: unknown): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return server.request(`/v1/jobs/${id}/resize`, { method: "POST", headers, body: JSON.stringify(size) });
}

describe("the command", () => {
  test("is at a terminal of that size, on all three descriptors", async () => {
    expect(await shown("stty size; for d in 0 1 2; do [ -t $d ] && echo $d; done")).toBe(
      "33 91\r\n0\r\n1\r\n2\r\n",
    );
  });

  test("has it as its controlling terminal, in the foreground", async () => {
    const [name, control, group] = (
      await shown("tty; echo here > /dev/tty; ps -o tpgid=,pgid=,sid= -p $$")
    ).split("\r\n");
    expect(name).toMatch(/^\/dev\/pts\/\d+$/);
    expect(control).toBe("here");
    const [foreground, own, session] = group?.trim().split(/ +/) ?? [];
    expect([foreground, session]).toEqual([own, own]);
  });

  test("has TERM, unless the job has its own", async () => {
    expect(await shown('echo "$TERM"')).toBe("xterm-256color\r\n");
    expect(await shown('echo "$TERM"', { env: { TERM: "vt100" } })).toBe("vt100\r\n");
    expect(await shown('echo "$TERM"', { env: { TERM: "" } })).toBe("\r\n");
    const { id } = await runJob(server, { shell: "printenv TERM || echo none" });
    expect(await textOf(server, id)).toBe("none\n");
  });

  test("writes stdout and stderr to one place, which is kept as stdout", async () => {
    const { id } = await runJob(server, { shell: "echo out; echo err >&2", tty });
    const job = await endOf(server, id);
    expect(job).toMatchObject({ tty, stdout: { bytes: 10, keptFrom: 0 }, stderr: { bytes: 0 } });
    expect([await textOf(server, id), await textOf(server, id, "stderr")]).toEqual(["out\r\nerr\r\n", ""]);
  });

  test("has the soft limit of open files of any other, and the server keeps no descriptor of it", async () => {
    const { id } = await runJob(server, { shell: "ulimit -n" });
    const plain = await textOf(server, id);
    const before = server.openDescriptors();
    expect(await shown("ulimit -n")).toBe(plain.replace("\n", "\r\n"));
    await until(() => server.openDescriptors() <= before, { describe: "its descriptors to be closed" });
  });

  test("may be one that is not there", async () => {
    const refused = await startProblem(server, { command: ["/nowhere/at/all"], tty });
    expect(refused).toMatchObject({ status: 422, code: "start-failed" });
    expect(refused.detail).toContain("/nowhere/at/all");
  });

  test("tells how it ended", async () => {
    expect((await runJob(server, { shell: "exit 7", tty })).outcome).toMatchObject({ code: 7 });
    const killed = await runJob(server, { shell: "kill -9 $$", tty });
    expect(killed.outcome).toMatchObject({ reason: "signaled", signal: "SIGKILL" });
  });
});

describe("stdin is open", () => {
  const put = (id: string, body: string, query = "") =>
    server.request(`/v1/jobs/${id}/stdin${query}`, { method: "PUT", body });

  test("and what is put there is typed; its end is Ctrl-D, and it stays open", async () => {
    const { id } = await startJob(server, { shell: "stty -echo; echo ready; cat; echo again; cat", tty });
    await untilWritten(server, { id, text: "ready\r\n" });
    expect(await (await put(id, "one\n")).json()).toEqual({ offset: 4, closed: false });
    await untilWritten(server, { id, text: "ready\r\none\r\n" });
    expect(await (await put(id, "", "?close=true")).json()).toEqual({ offset: 4, closed: false });
    await untilWritten(server, { id, text: "ready\r\none\r\nagain\r\n" });
    expect(await (await put(id, "two\n", "?offset=4&close=true")).json()).toEqual({
      offset: 8,
      closed: false,
    });
    expect((await endOf(server, id)).outcome).toMatchObject({ code: 0 });
    expect(await textOf(server, id)).toBe("ready\r\none\r\nagain\r\ntwo\r\n");
  });

  test("and a command that does not read holds its writer back", async () => {
    const { id } = await startJob(server, { shell: `${raw} echo ready; sleep 60`, tty });
    await untilWritten(server, { id, text: "ready\n" });
    const writing = put(id, "x".repeat(1_000_000));
    const first = await Promise.race([writing.then(() => "taken"), Bun.sleep(500).then(() => "held")]);
    expect(first).toBe("held");
    expect((await stop(server, id, 0)).status).toBe(200);
    expect((await writing).status).toBe(409);
  });

  test("and a megabyte comes to one that does", async () => {
    const { id } = await startJob(server, {
      shell: `${raw} echo ready; head -c 1000000 | sha256sum`,
      tty,
    });
    await untilWritten(server, { id, text: "ready\n" });
    const bytes = Buffer.from(
      Array.from({ length: 1_000_000 }, (_, index) => (index * 31 + (index >> 8)) % 256),
    );
    const put = await server.request(`/v1/jobs/${id}/stdin`, { method: "PUT", body: bytes });
    expect(put.status).toBe(200);
    await endOf(server, id);
    const digest = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    expect(await textOf(server, id)).toBe(`ready\n${digest}  -\n`);
  });
});

describe("job control in bash:", () => {
  let shell: Attached;
  let id = "";
  beforeAll(async () => {
    const command = ["bash", "--norc", "--noprofile", "-i"];
    ({ id } = await startJob(server, { command, tty, env: { PS1: "READY> ", HISTFILE: "/dev/null" } }));
    shell = await attach(server, id);
    await shell.untilShown("READY> ");
  });

  const prompts = () => shell.output.stdout.split("READY> ").length - 1;
  /** Types a line, waits until the program in the foreground is that one, and for nothing else. */
  async function foreground(line: string, name: string): Promise<void> {
    shell.type(line);
    const leader = (await look(server, id)).pid ?? 0;
    const running = async () => {
      const found = Bun.spawnSync(["ps", "-o", "comm=", "--ppid", String(leader)]).stdout.toString();
      return found.includes(name);
    };
    await until(running, { describe: `${name} in the foreground` });
  }

  test("Ctrl-C ends what is in the foreground, and not the shell", async () => {
    const before = prompts();
    await foreground("sleep 100\n", "sleep");
    shell.type("\x03");
    await until(() => prompts() > before, { describe: "the next prompt" });
    shell.type("echo $?-interrupted\n");
    await shell.untilShown("130-interrupted");
  });

  test("Ctrl-Z stops it, fg goes on", async () => {
    await foreground("sleep 200\n", "sleep");
    shell.type("\x1a");
    await shell.untilShown("Stopped");
    shell.type("fg\n");
    await shell.untilShown(/Stopped[\s\S]*fg[\s\S]*sleep 200/);
    const before = prompts();
    shell.type("\x03");
    await until(() => prompts() > before, { describe: "the next prompt" });
  });

  test("a resize is told to the foreground job and seen by the next one", async () => {
    await foreground(
      "sh -c 'trap \"stty size; exit\" WINCH; echo trapped; while :; do sleep 0.02; done'\n",
      "sh",
    );
    await shell.untilShown("\rtrapped\r\n");
    shell.control({ type: "resize", cols: 101, rows: 44 });
    await shell.untilShown("44 101");
    expect((await resize(id, { cols: 60, rows: 20 })).status).toBe(200);
    await until(() => shell.all("resize").length === 2, { describe: "both sizes to be told" });
    shell.type("stty size\n");
    // What is typed before the shell has made the terminal its own again is not taken as it is meant.
    await shell.untilShown(/20 60\r\n[\s\S]*READY> $/);
    expect(shell.all("resize")).toEqual([
      { type: "resize", cols: 101, rows: 44 },
      { type: "resize", cols: 60, rows: 20 },
    ]);
    expect(await look(server, id)).toMatchObject({ tty });
  });

  test("Ctrl-D ends it", async () => {
    shell.type("\x04");
    expect(await shell.untilClosed()).toBe(1000);
    expect(shell.messages.at(-1)).toMatchObject({ type: "ended", outcome: { reason: "exited" } });
  });
});

describe("all that was written is kept before the end:", () => {
  test("300 times 5 KB, and exit", async () => {
    const script = `i=0; while [ $i -lt 300 ]; do printf '%05000d' $i; i=$((i+1)); done`;
    const expected = Array.from({ length: 300 }, (_, index) => String(index).padStart(5_000, "0")).join("");
    for (let turn = 0; turn < 3; turn += 1) {
      const job = await runJob(server, { shell: script, tty });
      expect(job.stdout).toEqual({ bytes: 1_500_000, keptFrom: 0, truncated: false });
      expect((await textOf(server, job.id)) === expected).toBe(true);
    }
  });

  test("300 jobs of one line each", async () => {
    const jobs = Array.from({ length: 300 }, (_, index) => index);
    for (let from = 0; from < jobs.length; from += 50) {
      const some = jobs.slice(from, from + 50);
      const said = await Promise.all(some.map((index) => shown(`printf 'line %s' ${index}`)));
      expect(said).toEqual(some.map((index) => `line ${index}`));
    }
  });

  test("a descendant that keeps the terminal does not hold the job up", async () => {
    const began = performance.now();
    const job = await runJob(server, { shell: "trap '' HUP; sleep 30 & echo leader", tty });
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await textOf(server, job.id)).toBe("leader\r\n");
  });
});

describe("limits hold:", () => {
  test("of output", async () => {
    const job = await runJob(server, { command: ["yes"], tty, limits: { outputBytes: 10_000 } });
    expect(job).toMatchObject({ outcome: { reason: "output-limit" }, stdout: { truncated: true } });
    expect(await textOf(server, job.id)).toBe("y\r\n".repeat(4_000).slice(0, 10_000));
  });

  test("of silence", async () => {
    const job = await runJob(server, { shell: "echo once; sleep 60", tty, idleTimeoutSeconds: 0.2 });
    expect(job.outcome).toMatchObject({ reason: "idle" });
  });

  test("of the run, with a shell that ignores TERM and hears the terminal hang up", async () => {
    const command = ["bash", "--norc", "-i"];
    const job = await runJob(server, { command, tty, runTimeoutSeconds: 0.5, stopGraceSeconds: 20 });
    expect(job.outcome).toMatchObject({ reason: "timeout", signal: "SIGHUP" });
  });
});

test("stdout alone can be asked for, which is streamed as it is kept", async () => {
  const headers = { accept: "application/octet-stream" };
  const response = await postJob(server, { shell: "stty size", tty }, { headers });
  expect([response.status, await response.text()]).toEqual([200, "33 91\r\n"]);
  const id = response.headers.get("errand-job-id") ?? "";
  expect(await textOf(server, id)).toBe("33 91\r\n");
});

describe("refused", () => {
  const sizes = [
    [{ cols: 0, rows: 24 }, "cols"],
    [{ cols: 80, rows: 0 }, "rows"],
    [{ cols: 1_001, rows: 24 }, "cols"],
    [{ cols: 80, rows: 1_001 }, "rows"],
    [{ cols: 80.5, rows: 24 }, "cols"],
    [{ cols: "80", rows: 24 }, "cols"],
    [{ cols: 80 }, "rows"],
    [{ cols: 80, rows: 24, depth: 3 }, "depth"],
    [[80, 24], ""],
    [null, ""],
    [true, ""],
  ] as const;

  test.each(sizes)("a terminal of the size %j", async (size, field) => {
    const refused = await startProblem(server, { command: ["true"], tty: size });
    expect([refused.status, refused.code]).toEqual([422, "invalid-spec"]);
    expect(refused.detail).toContain(field === "" ? "tty" : `tty.${field}`);
  });

  test.each(sizes)("a resize to %j", async (size) => {
    const { id } = await runJob(server, { command: ["true"], tty });
    const response = await resize(id, size);
    expect([response.status, await response.json()]).toMatchObject([422, { code: "invalid-spec" }]);
  });

  test.each([
    [{ mode: "detached" }, "tty"],
    [{ stdin: { text: "x" } }, "stdin"],
    [{ stdin: { base64: "eA==" } }, "stdin"],
    [{ mergeOutput: true }, "mergeOutput"],
    [{ discardOutput: true }, "discardOutput"],
  ])("a terminal together with %j", async (more, field) => {
    const refused = await startProblem(server, { command: ["true"], tty, ...more });
    expect([refused.status, refused.code]).toEqual([422, "invalid-spec"]);
    expect(refused.detail).toContain(field);
  });

  test("a resize without a terminal, of a job that does not run, and of none", async () => {
    const size = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(tty),
    };
    const plain = await startJob(server, { command: ["sleep", "60"] });
    const ended = await runJob(server, { command: ["true"], tty });
    const answers = [];
    for (const id of [plain.id, ended.id, "1", "x"]) {
      const { status, code } = await problem(server, `/v1/jobs/${id}/resize`, size);
      answers.push([status, code]);
    }
    expect(answers).toEqual([
      [409, "no-terminal"],
      [409, "not-running"],
      [404, "not-found"],
      [404, "not-found"],
    ]);
  });
});

// Contract rexec, "Request": what a command has inherited: descriptors, signals, limits, modes, priority.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { run, start } from "../support/jobs.ts";
import { groupOf, sessionOf, statusField } from "../support/proc.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

let server: Server;
beforeAll(async () => {
  // An operator with settings of his own, whose shell left signals ignored and blocked.
  const operator = [
    "prlimit",
    "--nofile=1024:4096",
    "nice",
    "-n",
    "5",
    "sh",
    "-c",
    'umask 027; exec "$@"',
    "sh",
  ];
  const signals = ["env", "--ignore-signal=PIPE,HUP,INT,QUIT,CHLD,USR1", "--block-signal=USR2,TERM"];
  server = await startServer({ prefix: [...operator, ...signals] });
});
afterAll(endEverything);

/** Runs `sleep` as a job and gives its pid: what /proc says of it was not made by a shell. */
async function sleeper(): Promise<number> {
  const token = newToken();
  await start(server, ["sleep", "100", token]);
  const [pid = 0] = await untilLiving(token, 1);
  return pid;
}

async function shell(script: string): Promise<string> {
  return (await run(server, ["sh", "-c", script])).text;
}

describe("descriptors", () => {
  test("0, 1 and 2 alone are open, and none is a socket", async () => {
    const folder = `/proc/${await sleeper()}/fd`;
    expect(readdirSync(folder).sort()).toEqual(["0", "1", "2"]);
    for (const descriptor of ["0", "1", "2"]) {
      expect(readlinkSync(`${folder}/${descriptor}`)).toMatch(/^(?:pipe:|\/)/);
    }
  });

  test("the same while other commands run and many have run", async () => {
    await Promise.all(Array.from({ length: 20 }, () => run(server, ["true"])));
    const pids = await Promise.all(Array.from({ length: 5 }, sleeper));
    for (const pid of pids) expect(readdirSync(`/proc/${pid}/fd`).sort()).toEqual(["0", "1", "2"]);
  });

  test("/dev/stdout and /proc/self/fd/1 can be opened", async () => {
    expect(await shell("echo x > /dev/stdout")).toBe("x\n");
    expect(await shell("echo x > /proc/self/fd/1")).toBe("x\n");
    expect(await shell("echo x | tee /dev/stdout")).toBe("x\nx\n");
  });

  test("/dev/stderr can be opened", async () => {
    const { text, job } = await run(server, ["sh", "-c", "echo x > /dev/stderr; echo y > /proc/self/fd/2"]);
    expect([text, job.stderrTail]).toEqual(["", "x\ny\n"]);
  });

  test("standard input is empty and can be opened by name", async () => {
    expect(await shell("cat /dev/stdin; cat /proc/self/fd/0; cat; echo $?")).toBe("0\n");
    expect((await run(server, [program("echo-stdin")])).text).toBe("[]");
    expect((await run(server, ["cat", "/dev/stdin"])).text).toBe("");
  });
});

describe("signals", () => {
  test("none is blocked or ignored, whatever the server was started with", async () => {
    const pid = await sleeper();
    for (const field of ["SigBlk", "SigIgn", "SigCgt"]) expect(statusField(pid, field)).toBe("0".repeat(16));
  });

  test("the command leads a session and a process group of its own", async () => {
    const pid = await sleeper();
    expect([groupOf(pid), sessionOf(pid)]).toEqual([pid, pid]);
  });
});

describe("the operator's settings", () => {
  test("are what the command says that it has", async () => {
    const { text } = await run(server, [program("print-state")]);
    expect(text.split("\n")).toEqual(
      expect.arrayContaining(["soft 1024", "hard 4096", "umask 0027", "nice 5", `ignored ${"0".repeat(16)}`]),
    );
  });

  test("hold for a command that the server starts in another directory and environment", async () => {
    const { text } = await run(server, ["sh", "-c", "ulimit -Sn; ulimit -Hn; umask; nice"], {
      cwd: "/",
      envs: { HOME: "/" },
    });
    expect(text).toBe("1024\n4096\n0027\n5\n");
  });

  test("the mask of modes holds for files that the command makes", async () => {
    const folder = temporaryDirectory("modes");
    writeFileSync(join(folder, "before"), "");
    const { text } = await run(server, ["sh", "-c", "touch made; stat -c %a made"], { cwd: folder });
    expect(text).toBe("640\n");
  });
});

// Contract flexideo, out-buffer-size and err-buffer-size: the size of each read, seen from outside; the output is whole.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { startCommand } from "../support/command.ts";
import { type Attributes, sh, shell } from "../support/flexideo.ts";
import { signal, statusField } from "../support/proc.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { missingTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";

/** Containers and hardened systems may forbid to look at other processes. */
const canTrace = missingTool("strace") === undefined && mayAttach() && (await traces());

function mayAttach(): boolean {
  const guard = "/proc/sys/kernel/yama/ptrace_scope";
  return process.getuid?.() === 0 || !existsSync(guard) || readFileSync(guard, "utf8").trim() === "0";
}

async function traces(): Promise<boolean> {
  const { code } = await startCommand(["strace", "-qq", "-e", "trace=none", "true"]).result;
  return code === 0;
}

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

/** What each read of the server has brought that began with the letter, as strace saw it. */
async function readsOf(
  letter: string,
  work: () => Promise<unknown>,
): Promise<{ asked: number; got: number }[]> {
  const path = join(temporaryDirectory("strace"), "calls");
  const traced = startCommand([
    "strace",
    "-f",
    "-e",
    "trace=read,readv,preadv,preadv2",
    "-s",
    "4",
    "-o",
    path,
    "-p",
    String(server.pid),
  ]);
  try {
    const attached = () => statusField(server.pid, "TracerPid") !== "0";
    await until(attached, { describe: "strace to look at the server" });
    await work();
  } finally {
    // It lets the server go.
    signal(traced.pid, "SIGINT");
    await traced.result;
  }
  const calls = readFileSync(path, "utf8").matchAll(callOf(letter));
  return [...calls].map(([, plain, vector, got]) => ({ asked: Number(plain ?? vector), got: Number(got) }));
}

/** A read that brought the letter and nothing else, begun and ended on one line or on two. */
function callOf(letter: string): RegExp {
  const bytes = `"${letter}+"(?:\\.\\.\\.)?`;
  const plain = `(?:\\bread\\(\\d+, |read resumed>)${bytes}, (\\d+)`;
  const vector = `\\[\\{iov_base=${bytes}, iov_len=(\\d+)[^)]*`;
  return new RegExp(`(?:${plain}|${vector})\\) += (\\d+)$`, "gm");
}

const total = 100_000;
/** A program that writes the letter so often, not before the server has begun to read. */
const write = (letter: string, redirect: string, count = total) =>
  sh(`sleep 0.05; head -c ${count} /dev/zero | tr '\\0' ${letter} ${redirect}`);

describe.skipIf(!canTrace)("seen by strace (skipped where it is missing or forbidden)", () => {
  test.each([
    ["out-buffer-size", "Q", "", 1],
    ["out-buffer-size", "W", "", 100],
    ["out-buffer-size", "X", "", 4_096],
    ["err-buffer-size", "Y", ">&2", 100],
    ["err-buffer-size", "Z", ">&2", 4_096],
  ] as const)("%s: no read of %s is larger", async (name, letter, redirect, size) => {
    const count = size === 1 ? 1_000 : total;
    const command = write(letter, redirect, count);
    const stream = redirect === "" ? "output" : "error";
    let written: string | undefined = "";
    const reads = await readsOf(letter, async () => {
      written = (await shell(server, { command, encode: "raw", [name]: size } as Attributes))[stream];
    });
    expect(written === letter.repeat(count)).toBe(true);
    expect(reads.reduce((sum, { got }) => sum + got, 0)).toBe(count);
    expect(Math.max(...reads.map(({ asked }) => asked))).toBeLessThanOrEqual(size);
  });

  test("without it a read may take more", async () => {
    const reads = await readsOf("V", () => shell(server, { command: write("V", ""), encode: "raw" }));
    expect(Math.max(...reads.map(({ asked }) => asked))).toBeGreaterThan(4_096);
  });
});

test.each([
  { "out-buffer-size": 1 },
  { "out-buffer-size": 7, "err-buffer-size": 1_048_576 },
  { "err-buffer-size": 1, "join-output": "true" },
  { "out-buffer-size": 3, "no-output": "true" },
])("%j changes the steps, not what is answered", async (attributes) => {
  const command = sh("yes 0123456789 | head -c 5000; yes ab | head -c 5000 >&2");
  const sizeOf = async (more: Attributes) => {
    const { status, output, error } = await shell(server, { command, ...more });
    return { status, output, error };
  };
  const { "out-buffer-size": _out, "err-buffer-size": _err, ...rest } = attributes;
  expect(await sizeOf(attributes)).toEqual(await sizeOf(rest));
});

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Errand, startErrand } from "./errand.ts";
import type { Plan } from "./plan.ts";
import { until } from "./processes.ts";
import { limitGoal, type Measure } from "./report.ts";
import { median, percentile } from "./statistics.ts";

const runs = 500;
const goalMilliseconds = 50;
const patienceMilliseconds = 5_000;

/** A leader, its child, a child in a session of its own, and that one's child. `$0` is the token, a number of seconds. */
const tree = `setsid sh -c 'sleep $0 & echo "pid=$$;pid=$!;"; wait' $0 & sleep $0 & echo "pid=$$;pid=$!;"; wait`;
const treeSize = 4;

/** P6: milliseconds from the client's FIN until no process of the command's tree is left. */
export async function measureDisconnect(plan: Plan, tell: (line: string) => void): Promise<Measure> {
  const errand = await startErrand(plan.launcher);
  const times: number[] = [];
  const pauses: number[] = [];
  let survived = 0;
  for (let run = 1; run <= runs && survived < 5; run++) {
    const { socket, pids, token } = await startTree(errand);
    const { spent, longestPause } = endAndWatch(socket, pids, token);
    if (Number.isNaN(spent)) survived += 1;
    times.push(Number.isNaN(spent) ? patienceMilliseconds : spent);
    pauses.push(longestPause);
    if (run % 100 === 0)
      tell(`  ${run} trees: p50 ${median(times).toFixed(1)} ms, p99 ${percentile(times, 99).toFixed(1)} ms`);
  }
  await errand.program.stop();
  const p99 = percentile(times, 99);
  const most = (percent: number) => percentile(times, percent).toFixed(1);
  return {
    id: "P6",
    title: `ms from the client's FIN to the whole tree gone, ${times.length} trees`,
    unit: "ms",
    rows: [],
    goals: [
      limitGoal(
        `p99 ≤ ${goalMilliseconds} ms when TERM is obeyed`,
        survived > 0 ? Number.POSITIVE_INFINITY : p99,
        goalMilliseconds,
        "ms",
      ),
    ],
    remarks: [
      `p50 ${most(50)} ms, p90 ${most(90)} ms, p99 ${most(99)} ms, longest ${most(100)} ms.`,
      `A tree: a shell, its child, a child in a session of its own with a child; ${treeSize} processes, all obey TERM.`,
      `Trees that outlived ${patienceMilliseconds / 1_000} s: ${survived}.`,
      `The watcher looked at all of them every ${median(pauses).toFixed(2)} ms at most (median of each run's longest pause).`,
    ],
  };
}

interface Tree {
  readonly socket: Bun.Socket;
  readonly pids: readonly number[];
  readonly token: string;
}

async function startTree({ port, token: bearer }: Errand): Promise<Tree> {
  // 600 s and digits that no other process has in its arguments.
  const token = `600.${randomBytes(6).readUIntBE(0, 6).toString().padStart(15, "0")}`;
  const body = JSON.stringify({ alias: `p6-${token}`, cmd: "/bin/sh", args: ["-c", tree, token] });
  const head = `POST /process HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${bearer}\r\n`;
  let answer = "";
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_, chunk) => {
        answer += chunk.toString("latin1");
      },
    },
  });
  socket.write(`${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  const pidsTold = () => [...answer.matchAll(/pid=(\d+);/g)].map(([, pid]) => Number(pid));
  await until(`the pids of a tree (${answer.slice(0, 200)})`, () => pidsTold().length >= treeSize);
  const pids = pidsTold();
  await until("the programs of a tree", () => pids.every((pid) => isAlive(pid, token)));
  return { socket, pids, token };
}

/** Closes the connection and looks without a rest, because what is measured takes a few milliseconds. */
function endAndWatch(socket: Bun.Socket, pids: readonly number[], token: string) {
  let left = pids;
  let longestPause = 0;
  const begin = performance.now();
  socket.end();
  for (let last = begin; left.length > 0; ) {
    left = left.filter((pid) => isAlive(pid, token));
    const now = performance.now();
    longestPause = Math.max(longestPause, now - last);
    last = now;
    if (now - begin > patienceMilliseconds) break;
  }
  const spent = left.length === 0 ? performance.now() - begin : Number.NaN;
  for (const pid of left) process.kill(pid, "SIGKILL");
  return { spent, longestPause };
}

/** A zombie has no arguments any more, and another process with the same pid has others. */
function isAlive(pid: number, token: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(token);
  } catch {
    return false;
  }
}

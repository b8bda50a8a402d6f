import { readFileSync } from "node:fs";
import { type Errand, startErrand } from "./errand.ts";
import type { Plan } from "./plan.ts";
import { limitGoal, type Measure } from "./report.ts";

const commands = 2_000;
const atOnce = 50;
const settleMilliseconds = 2_000;
const patienceMilliseconds = 20_000;

interface Memory {
  readonly pssKilobytes: number;
  readonly ownKilobytes: number;
}

/** P4: memory of all our processes, idle, with 2,000 attached commands, and after them. */
export async function measureMemory(plan: Plan, tell: (line: string) => void): Promise<Measure> {
  const errand = await startErrand(plan.launcher);
  await Bun.sleep(settleMilliseconds);
  const ours = [errand.program.pid, ...childrenOf(errand.program.pid)];
  const idle = memoryOf(ours);
  tell(`  idle: ${idle.pssKilobytes} KB in ${ours.length} processes`);
  const sockets = await startCommands(errand);
  await Bun.sleep(settleMilliseconds);
  const count = childrenOf(errand.program.pid).filter((pid) => !ours.includes(pid)).length;
  const busy = memoryOf(ours);
  tell(`  ${count} commands: ${busy.pssKilobytes} KB`);
  for (const socket of sockets) socket.end();
  const begin = performance.now();
  const left = () => childrenOf(errand.program.pid).filter((pid) => !ours.includes(pid)).length;
  while (left() > 0 && performance.now() - begin < patienceMilliseconds) await Bun.sleep(10);
  const stopSeconds = (performance.now() - begin) / 1_000;
  const leftOver = left();
  await Bun.sleep(settleMilliseconds);
  const after = memoryOf(ours);
  tell(`  after: ${after.pssKilobytes} KB`);
  await errand.program.stop();

  const each = count === commands ? (busy.pssKilobytes - idle.pssKilobytes) / commands : Number.NaN;
  const megabytes = ({ pssKilobytes, ownKilobytes }: Memory) =>
    `${(pssKilobytes / 1_024).toFixed(1)} MB (${(ownKilobytes / 1_024).toFixed(1)} MB of it anonymous)`;
  return {
    id: "P4",
    title: `memory (PSS of the server and the watchdog), ${commands} attached \`sleep\` (extra)`,
    unit: "",
    rows: [],
    goals: [
      limitGoal("≤ 16 KB over idle for each command", each, 16, "KB"),
      limitGoal("idle ≤ 60 MB", idle.pssKilobytes / 1_024, 60, "MB"),
    ],
    remarks: [
      `Idle: ${megabytes(idle)}. With ${count} commands: ${megabytes(busy)}. Afterwards: ${megabytes(after)}.`,
      `All connections closed at once: ${leftOver} commands left after ${stopSeconds.toFixed(2)} s.`,
      "The bench runs on the same Bun, so the pages of its program count a little less for the server than alone.",
    ],
  };
}

async function startCommands({ port, token }: Errand): Promise<Bun.Socket[]> {
  const sockets: Bun.Socket[] = [];
  for (let first = 0; first < commands; first += atOnce) {
    const batch = Array.from({ length: atOnce }, (_, index) =>
      startCommand(port, token, `p4-${first + index}`),
    );
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

async function startCommand(port: number, token: string, alias: string): Promise<Bun.Socket> {
  const body = JSON.stringify({ alias, cmd: "/bin/sleep", args: ["600"] });
  const head = `POST /process HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n`;
  const answered = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_, chunk) => {
        const answer = chunk.toString("latin1");
        if (answer.startsWith("HTTP/1.1 200")) answered.resolve();
        else answered.reject(new Error(`${alias}: ${answer.slice(0, 300)}`));
      },
      close: () => answered.reject(new Error(`${alias}: closed`)),
    },
  });
  socket.write(`${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await answered.promise;
  return socket;
}

function memoryOf(pids: readonly number[]): Memory {
  const sum = (field: string) =>
    pids.reduce((total, pid) => {
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      return total + Number(new RegExp(`^${field}: +(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
    }, 0);
  return { pssKilobytes: sum("Pss"), ownKilobytes: sum("Pss_Anon") };
}

function childrenOf(pid: number): number[] {
  const told = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return told === "" ? [] : told.split(" ").map(Number);
}

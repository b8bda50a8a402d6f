import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { startErrand } from "./errand.ts";
import { compile, type HttpPeer, startLighttpd, startNginx, startWebhook } from "./peers.ts";
import { has, type Plan, skipped } from "./plan.ts";
import { run, which } from "./processes.ts";
import { type Goal, type Measure, type Row, ratioGoal } from "./report.ts";
import { inTurns, median, medianRatio, type Subject } from "./statistics.ts";

const connectionCounts = [8, 64] as const;
const program = "/bin/true";
const warmUpSeconds = 3;

interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly errors: number;
}

/** P1: commands per second, one `/bin/true` for each request. */
export async function measureCommands(plan: Plan, tell: (line: string) => void): Promise<Measure> {
  const title = `commands/s, \`${program}\``;
  if (which("wrk") === undefined) return skipped("P1", title, "wrk");
  const remarks = [
    "Every server asks for a credential. Errors: answers other than 2xx, and broken connections.",
  ];
  const peers = await startPeers(plan, remarks);
  const limit = has("cc", remarks) ? await compile("spawn") : undefined;
  // A compiler that works while the program runs has done most of its work by then.
  for (const peer of peers) await load(peer, 8, warmUpSeconds);

  const latencies = new Map<string, Latency[]>();
  const subjects = connectionCounts.flatMap((connections): Subject[] => [
    ...peers.map((peer): Subject => {
      const id = `${peer.id} ${connections}`;
      const measure = async () => {
        const { rate, ...latency } = await load(peer, connections, plan.seconds);
        latencies.set(id, [...(latencies.get(id) ?? []), latency]);
        return rate;
      };
      return { id, name: `${peer.name}, ${connections} connections`, measure };
    }),
    ...(limit === undefined ? [] : [limitSubject(limit, connections, plan.seconds)]),
  ]);
  const values = await inTurns(subjects, plan.rounds, tell);
  const rows = subjects.map(
    ({ id, name }): Row => ({
      name,
      values: values.get(id) ?? [],
      extra: latencyText(latencies.get(id) ?? []),
    }),
  );
  const goals = connectionCounts.flatMap((connections) => goalsOf(values, connections));
  return { id: "P1", title, unit: "commands/s", extra: "latency p50, p99; errors", rows, goals, remarks };
}

async function startPeers(plan: Plan, remarks: string[]): Promise<HttpPeer[]> {
  const { url, token } = await startErrand(plan.launcher);
  const headers = [`Authorization: Bearer ${token}`, "Content-Type: application/json"];
  const peers: HttpPeer[] = [
    { id: "errand", name: "Errand", url: `${url}/process`, method: "POST", headers },
  ];
  if (has("webhook", remarks)) peers.push(await startWebhook());
  if (has("lighttpd", remarks)) peers.push(await startLighttpd());
  if (has("nginx", remarks) && has("fcgiwrap", remarks)) peers.push(await startNginx());
  return peers;
}

function limitSubject(spawn: string, connections: number, seconds: number): Subject {
  return {
    id: `limit ${connections}`,
    name: `limit: C \`posix_spawn\` and wait, no HTTP, ${connections} at once`,
    async measure() {
      const told = await run([spawn, String(seconds), String(connections), program], seconds + 10);
      const [count = 0, spent = 0] = told.trim().split(" ").map(Number);
      return count / spent;
    },
  };
}

async function load(
  peer: HttpPeer,
  connections: number,
  seconds: number,
): Promise<Latency & { rate: number }> {
  const script = join(import.meta.dir, "programs", "load.lua");
  const headers = peer.headers.flatMap((header) => ["-H", header]);
  const size = ["-t", "1", "-c", String(connections), "-d", `${seconds}s`];
  const request = [peer.url, "--", peer.method, randomBytes(6).toString("hex"), program];
  const told = await run(["wrk", ...size, ...headers, "-s", script, ...request], seconds + 10);
  const [requests = 0, microseconds = 0, refused = 0, broken = 0, p50 = 0, p99 = 0] =
    /^result (.+)$/m.exec(told)?.[1]?.split(" ").map(Number) ?? [];
  if (requests === refused) throw new Error(`${peer.name} ran no command: ${told.slice(-500)}`);
  const rate = (requests - refused) / (microseconds / 1e6);
  return { rate, errors: refused + broken, p50: p50 / 1_000, p99: p99 / 1_000 };
}

function goalsOf(values: ReadonlyMap<string, number[]>, connections: number): Goal[] {
  const ratio = (peer: string) =>
    medianRatio(values.get(`errand ${connections}`) ?? [], values.get(`${peer} ${connections}`) ?? []);
  const at = `${connections} connections:`;
  return [
    ratioGoal("floor", `${at} ≥ 0.9 × webhook`, ratio("webhook"), 0.9),
    ratioGoal("goal", `${at} ≥ 1.15 × webhook`, ratio("webhook"), 1.15),
    ratioGoal("goal", `${at} ≥ 1.0 × lighttpd CGI`, ratio("lighttpd"), 1.0),
    ratioGoal("reported", `${at} to nginx + fcgiwrap`, ratio("nginx"), 0),
    ratioGoal("reported", `${at} to the limit`, ratio("limit"), 0),
  ];
}

function latencyText(latencies: readonly Latency[]): string {
  if (latencies.length === 0) return "";
  const p50 = median(latencies.map((latency) => latency.p50));
  const p99 = median(latencies.map((latency) => latency.p99));
  const errors = latencies.reduce((sum, latency) => sum + latency.errors, 0);
  return `${p50.toFixed(1)} ms, ${p99.toFixed(1)} ms; ${errors}`;
}

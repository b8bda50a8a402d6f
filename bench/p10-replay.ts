import { statfsSync } from "node:fs";
import { type Errand, startErrand } from "./errand.ts";
import type { Plan } from "./plan.ts";
import { run, scratch } from "./processes.ts";
import { limitGoal, type Measure, type Row } from "./report.ts";
import { inTurns, median, type Subject } from "./statistics.ts";

const gigabyte = 1_000_000_000;
const outputBytes = 2 * gigabyte;
const middle = outputBytes / 2;
/** First bytes asked for in one round; each has a connection of its own. */
const tries = 20;
const mostMilliseconds = 10;
const leastBytesPerSecond = gigabyte;

/** P10: from the middle of a large output that is on record, how soon the first byte comes, and how fast the rest. */
export async function measureReplay(plan: Plan, tell: (line: string) => void): Promise<Measure> {
  const title = `replay from the middle of ${outputBytes / gigabyte} GB of kept output`;
  const { bavail, bsize } = statfsSync(scratch());
  if (bavail * bsize < 2 * outputBytes) {
    const remarks = [`Left out: the disk has less than ${(2 * outputBytes) / gigabyte} GB free.`];
    return { id: "P10", title, unit: "ms", rows: [], goals: [], remarks };
  }
  const config = `[limits]\nkeptOutputBytes = ${2 * outputBytes}\n`;
  const errand = await startErrand(plan.launcher, { config });
  const id = await write(errand);
  const job = `/v1/jobs/${id}`;
  const range = { Range: `bytes=${middle}-` };
  const subjects: Timed[] = [
    firstByte(errand, "raw", { path: `${job}/stdout`, headers: range }),
    firstByte(errand, "raw, follow", { path: `${job}/stdout?follow=true`, headers: range }),
    firstByte(errand, "events", { path: `${job}/events?cursor=${middle}-0`, headers: {} }),
  ];
  const soon = await inTurns(subjects, plan.rounds, tell);
  const fast = await inTurns([throughput(errand, `${job}/stdout`)], plan.rounds, tell);
  await errand.program.stop();
  const rows = subjects.map(
    ({ id: name, name: text, slowest }): Row => ({
      name: text,
      values: soon.get(name) ?? [],
      extra: slowest.map((one) => one.toFixed(1)).join(", "),
    }),
  );
  const rates = fast.get("rate") ?? [];
  const rate = median(rates);
  return {
    id: "P10",
    title,
    unit: "ms to the first byte",
    extra: "slowest of each round",
    rows,
    goals: [
      ...subjects.map(({ id: name }) =>
        limitGoal(
          `first byte of ${name} ≤ ${mostMilliseconds} ms`,
          median(soon.get(name) ?? []),
          mostMilliseconds,
          "ms",
        ),
      ),
      {
        kind: "goal",
        text: "≥ 1 GB/s",
        value: `${(rate / gigabyte).toFixed(2)} GB/s`,
        met: rate >= leastBytesPerSecond,
      },
    ],
    remarks: [
      `The first byte: of the body, over a new connection; the median of ${tries} in each round.`,
      `The rest: curl reads ${(outputBytes - middle) / gigabyte} GB into /dev/null; each round ${rates.map((one) => (one / gigabyte).toFixed(2)).join(", ")} GB/s.`,
      "The output is in the memory of the kernel where that has room. The performance page speaks of 10 GB, which is more than a shared disk should be asked for: an offset is found by bisection, whatever the length.",
    ],
  };
}

/** Runs a job whose output is that long; its id. */
async function write({ url, token }: Errand): Promise<string> {
  const command = ["sh", "-c", `yes "0123456789 abcdefghijklmnopqrstuvwxyz" | head -c ${outputBytes}`];
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ command });
  const answer = await fetch(`${url}/v1/jobs?wait=120`, { method: "POST", headers, body });
  const job = (await answer.json()) as { id: string; stdout: { bytes: number; truncated: boolean } };
  if (job.stdout.bytes !== outputBytes || job.stdout.truncated)
    throw new Error(`the output is not whole: ${JSON.stringify(job.stdout)}`);
  return job.id;
}

interface Asked {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Timed extends Subject {
  /** Of each round. */
  readonly slowest: number[];
}

function firstByte({ url, token }: Errand, id: string, { path, headers }: Asked): Timed {
  const slowest: number[] = [];
  const once = async () => {
    const control = new AbortController();
    const begin = performance.now();
    const answer = await fetch(url + path, {
      ...{ keepalive: false, signal: control.signal },
      headers: { Authorization: `Bearer ${token}`, Accept: "application/x-ndjson", ...headers },
    });
    const reader = answer.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    const spent = performance.now() - begin;
    if (!answer.ok || !value?.byteLength) throw new Error(`${path}: ${answer.status}`);
    control.abort();
    return spent;
  };
  return {
    id,
    slowest,
    name: `first byte, ${id}`,
    async measure() {
      const times: number[] = [];
      for (let turn = 0; turn < tries; turn += 1) times.push(await once());
      slowest.push(Math.max(...times));
      return median(times);
    },
  };
}

function throughput({ url, token }: Errand, path: string): Subject {
  return {
    id: "rate",
    name: "bytes/s of the second half",
    async measure() {
      const header = ["-H", `Authorization: Bearer ${token}`, "-r", `${middle}-`];
      const told = await run(
        ["curl", "-sS", "-o", "/dev/null", "-w", "%{size_download} %{speed_download}", ...header, url + path],
        60,
      );
      const [size = 0, speed = 0] = told.split(" ").map(Number);
      if (size !== outputBytes - middle) throw new Error(`curl read ${size} bytes`);
      return speed;
    },
  };
}

import { randomBytes } from "node:crypto";
import { type Errand, startErrand } from "./errand.ts";
import { has, type Plan, skipped } from "./plan.ts";
import { run, scratch, which } from "./processes.ts";
import { startCopy, startSocat, startSsh } from "./relays.ts";
import { type Measure, ratioGoal } from "./report.ts";
import { inTurns, medianRatio, type Subject } from "./statistics.ts";

const bytes = 4_000_000_000;
const command = `head -c ${bytes} /dev/zero`;
const patienceSeconds = 60;

/** P3: megabytes per second of one attached command's output, from the request to the last byte. */
export async function measureThroughput(plan: Plan, tell: (line: string) => void): Promise<Measure> {
  const title = `MB/s of one attached command, \`${command}\``;
  if (which("curl") === undefined) return skipped("P3", title, "curl");
  const remarks = [
    "curl reads Errand's answer as HTTP and the raw streams of socat and the copy as gopher, all into /dev/null.",
    "ssh: default ciphers, one shared connection (multiplexed: no key exchange in the time), stdout is /dev/null.",
  ];
  const subjects: Subject[] = [errandSubject(await startErrand(plan.launcher))];
  if (has("socat", remarks)) {
    subjects.push(curlSubject("socat", "socat relay", await startSocat(command, 0)));
    subjects.push(curlSubject("socat64", "socat relay with `-b 65536`", await startSocat(command, 65_536)));
  }
  if (has("sshd", remarks) && has("ssh", remarks)) subjects.push(sshSubject(await startSsh()));
  const copy = has("cc", remarks) ? await startCopy(bytes) : undefined;
  if (copy !== undefined) subjects.push(curlSubject("copy", "limit: C copy from the pipe to TCP", copy));

  const values = await inTurns(subjects, plan.rounds, tell);
  const ratio = (peer: string) => medianRatio(values.get("errand") ?? [], values.get(peer) ?? []);
  return {
    id: "P3",
    title,
    unit: "MB/s",
    rows: subjects.map(({ id, name }) => ({ name, values: values.get(id) ?? [] })),
    goals: [
      ratioGoal("floor", "≥ 1.0 × socat relay", ratio("socat"), 1),
      ratioGoal("goal", "≥ 1.2 × socat relay", ratio("socat"), 1.2),
      ratioGoal("goal", "≥ 2 × ssh", ratio("ssh"), 2),
      ratioGoal("reported", "to socat with blocks of 64 KiB", ratio("socat64"), 0),
      ratioGoal("reported", "to the limit", ratio("copy"), 0),
    ],
    remarks,
  };
}

function errandSubject({ url, token }: Errand): Subject {
  const headers = ["-H", `Authorization: Bearer ${token}`, "-H", "Content-Type: application/json"];
  const [cmd = "", ...args] = command.split(" ");
  return {
    id: "errand",
    name: "Errand",
    measure: () => {
      const alias = `p3-${randomBytes(6).toString("hex")}`;
      return curl([...headers, "-d", JSON.stringify({ alias, cmd, args }), `${url}/process`]);
    },
  };
}

function curlSubject(id: string, name: string, url: string): Subject {
  return { id, name, measure: () => curl([url]) };
}

async function curl(request: readonly string[]): Promise<number> {
  const told = ["-w", "%{size_download} %{time_total}"];
  const line = await run(["curl", "-sS", "-o", "/dev/null", ...told, ...request], patienceSeconds);
  const [size = 0, seconds = 0] = line.split(" ").map(Number);
  if (size !== bytes) throw new Error(`curl got ${size} bytes of ${bytes} from ${request.at(-1)}`);
  return size / seconds / 1e6;
}

function sshSubject(ssh: readonly string[]): Subject {
  const measure = async () => {
    const sink = Bun.file("/dev/null");
    const begin = performance.now();
    const child = Bun.spawn([...ssh, command], {
      cwd: scratch(),
      stdin: "ignore",
      stdout: sink,
      stderr: "ignore",
      timeout: patienceSeconds * 1_000,
    });
    const code = await child.exited;
    if (code !== 0) throw new Error(`ssh failed with ${code}`);
    return bytes / ((performance.now() - begin) / 1_000) / 1e6;
  };
  return { id: "ssh", name: "ssh, multiplexed", measure };
}

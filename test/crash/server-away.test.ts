// R7: what a job writes while no server lives is kept whole; and the shim keeps its limits without a server.
import { afterAll, describe, expect, test } from "bun:test";
import { createHash, randomFillSync } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { report } from "../support/scale.ts";
import { endEverything, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { digest, ended, look, type Spec, shell } from "./support/background.ts";
import { shimOf, survivor, untilDead } from "./support/surviving.ts";

afterAll(endEverything);

const partBytes = 10 * 1024 * 1024;
const parts = 10;

test(`R7: ${(partBytes * parts) / 1024 / 1024} MiB are written while no server lives, and kept whole`, async () => {
  const folder = temporaryDirectory("away");
  const [part, gate] = [join(folder, "part"), join(folder, "gate")];
  const bytes = randomFillSync(new Uint8Array(partBytes));
  writeFileSync(part, bytes);
  const token = newToken();
  const server = await startServer();
  const script = `echo before >&2; '${program("wait-for-file")}' "$1" "$2"
for turn in $(seq "$4"); do cat "$3"; echo "$turn" >&2; done; : > "$2.done"; exit 9`;
  const { id } = await survivor(server, shell(script, token, gate, part, String(parts)));
  const shim = shimOf(server, id);
  await untilLiving(token, 3);
  await server.kill9();
  const began = performance.now();
  writeFileSync(gate, "");
  await until(() => existsSync(`${gate}.done`), {
    timeoutMilliseconds: 30_000,
    describe: "all to be written",
  });
  const seconds = (performance.now() - began) / 1_000;
  await untilDead([shim]);
  const next = await startServer({ dataDir: server.dataDir });
  const stdout = { bytes: partBytes * parts, keptFrom: 0, truncated: false };
  expect(await look(next, id)).toMatchObject({ outcome: { code: 9, signal: null }, stdout });
  const hash = createHash("sha256");
  for (let turn = 0; turn < parts; turn += 1) hash.update(bytes);
  expect(await digest(next, id, "stdout")).toEqual({ bytes: stdout.bytes, sha256: hash.digest("hex") });
  report("R7", `${stdout.bytes} bytes in ${seconds.toFixed(1)} s without a server, hash equal`);
}, 60_000);

/** What the shim is to see to without a server, and what the next server must tell of it. */
const limits: Readonly<Record<string, { spec: (token: string) => Spec; outcome: object }>> = {
  "the run timeout": {
    spec: (token) => ({
      command: [program("ignore-term"), token],
      runTimeoutSeconds: 1.5,
      stopGraceSeconds: 0.2,
    }),
    outcome: { reason: "timeout", code: null, signal: "SIGKILL", success: false },
  },
  "the idle timeout": {
    spec: (token) => ({ command: [program("prompt"), token], idleTimeoutSeconds: 1.5, stopGraceSeconds: 5 }),
    outcome: { reason: "idle", code: null, signal: "SIGTERM", success: false },
  },
  "the limit of output": {
    spec: (token) => ({
      ...shell(`sleep 1.5 "$1"; exec "$2" "$1"`, token, program("flood")),
      limits: { outputBytes: 100_000 },
    }),
    outcome: { reason: "output-limit", code: null, success: false },
  },
};

describe("without a server", () => {
  test.concurrent.each(Object.keys(limits))(
    "%s stops the tree, and the next server says why",
    async (name) => {
      const { spec, outcome } = limits[name] ?? { spec: () => ({}), outcome: {} };
      const token = newToken();
      const server = await startServer();
      const { id } = await survivor(server, spec(token));
      const shim = shimOf(server, id);
      await server.kill9();
      await untilGone(token);
      await untilDead([shim]);
      const next = await startServer({ dataDir: server.dataDir });
      expect(await ended(next, id)).toMatchObject({ state: "ended", outcome });
    },
  );

  test("a timeout that has begun under one server is not begun anew by the next", async () => {
    const token = newToken();
    const server = await startServer();
    const began = performance.now();
    const { id } = await survivor(server, { command: ["sleep", "120", token], runTimeoutSeconds: 3 });
    await server.kill9();
    const next = await startServer({ dataDir: server.dataDir });
    expect((await look(next, id)).state).toBe("running");
    expect(await ended(next, id)).toMatchObject({ outcome: { reason: "timeout" } });
    expect(performance.now() - began).toBeLessThan(2 * 3_000);
  });
});

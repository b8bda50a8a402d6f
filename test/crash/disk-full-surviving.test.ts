// R6 for jobs whose server is away: the disk is full, and the shim keeps the true end and tells that output was cut.
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { run } from "../support/jobs.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { count, patience, report } from "../support/scale.ts";
import { endEverything, startServer } from "../support/server.ts";
import { look, output, post, ran, refusal, shell } from "./support/background.ts";
import { mountRefusal, smallDisk } from "./support/small-disk.ts";
import { shimOf, survivor, untilDead } from "./support/surviving.ts";

afterAll(endEverything);

const why = await mountRefusal();
const times = count(5, 50);
const diskBytes = 1024 * 1024;
const floodBytes = 2_000_000;

const ends = [
  ["exit 0", { reason: "exited", code: 0, signal: null }],
  ["exit 7", { reason: "exited", code: 7, signal: null }],
  ["exit 255", { reason: "exited", code: 255, signal: null }],
  ["kill -TERM $$", { reason: "signaled", code: null, signal: "SIGTERM" }],
  ["kill -KILL $$", { reason: "signaled", code: null, signal: "SIGKILL" }],
] as const;

/** What the flood begins with. */
function numbered(bytes: number): Buffer {
  const lines = Array.from({ length: bytes / 16 + 1 }, (_, line) => `${String(line).padStart(15, "0")}\n`);
  return Buffer.from(lines.join("")).subarray(0, bytes);
}

describe.skipIf(why !== undefined)(`R6 on a disk of ${diskBytes} bytes${why ? ` (${why})` : ""}`, () => {
  test(
    `${times} jobs that fill it while no server lives`,
    async () => {
      const disk = await smallDisk(diskBytes);
      let server = await startServer({ dataDir: disk.data });
      const gates = temporaryDirectory("gates");
      for (let turn = 0; turn < times; turn += 1) {
        const [end, outcome] = ends[turn % ends.length] ?? ends[0];
        const [token, gate] = [newToken(), join(gates, String(turn))];
        const script = `'${program("wait-for-file")}' "$1" "$2"; '${program("print-bytes")}' ${floodBytes}; ${end}`;
        const { id } = await survivor(server, shell(script, token, gate));
        await untilLiving(token, 3);
        const shim = shimOf(server, id);
        await server.kill9();
        writeFileSync(gate, "");
        await untilDead([shim]);
        disk.fill();
        server = await startServer({ dataDir: disk.data });
        const job = await look(server, id);
        const stdout = { bytes: floodBytes, keptFrom: 0, truncated: true };
        expect(job).toMatchObject({ state: "ended", outcome, stdout, stderr: { truncated: false } });
        const kept = await output(server, id, "stdout");
        expect(kept.length).toBeGreaterThan(0);
        expect(kept.equals(numbered(kept.length))).toBe(true);
        expect((await run(server, ["echo", "x"])).text).toBe("x\n");
        expect(await refusal(await post(server, { command: ["true"] }))).toEqual({
          ...{ status: 507, code: "storage-full" },
        });
        disk.free();
        expect((await server.request(`/v1/jobs/${id}`, { method: "DELETE" })).status).toBe(204);
        const next = await ran(server, { shell: "exit 3", survive: true });
        expect(next).toMatchObject({ outcome: { code: 3 } });
        expect((await server.request(`/v1/jobs/${next.id}`, { method: "DELETE" })).status).toBe(204);
      }
      report("R6", `${times} jobs cut by a full disk while no server lived: ends exact, told to be cut`);
    },
    patience(40_000),
  );
});

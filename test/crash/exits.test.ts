// R2: code and signal of an end are told exactly, and apart, whether the server lived at that moment or not.
import { afterAll, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { count, patience, report, spread } from "../support/scale.ts";
import { endEverything, startServer } from "../support/server.ts";
import { ended, shell } from "./support/background.ts";
import { atOnce, survivor } from "./support/surviving.ts";

afterAll(endEverything);

const startsAtOnce = 4;
/** Those that end a process that does nothing about them; the shell must be told some by number. */
const signals: Readonly<Record<string, number>> = {
  ...{ SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGILL: 4, SIGTRAP: 5, SIGABRT: 6, SIGBUS: 7, SIGFPE: 8 },
  ...{ SIGKILL: 9, SIGUSR1: 10, SIGSEGV: 11, SIGUSR2: 12, SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15 },
  ...{ SIGSTKFLT: 16, SIGXCPU: 24, SIGXFSZ: 25, SIGVTALRM: 26, SIGPROF: 27, SIGIO: 29, SIGPWR: 30 },
  SIGSYS: 31,
};

interface End {
  readonly script: string;
  readonly outcome: { reason: string; code: number | null; signal: string | null };
}

const codeEnds: End[] = Array.from({ length: 256 }, (_, code) => ({
  script: `exit ${code}`,
  outcome: { reason: "exited", code, signal: null },
}));
const signalEnds: End[] = Object.entries(signals).map(([signal, number]) => ({
  script: `ulimit -c 0; kill -${number} $$`,
  outcome: { reason: "signaled", code: null, signal },
}));
const ends = [
  ...spread(codeEnds, count(17, codeEnds.length)),
  ...spread(signalEnds, count(11, signalEnds.length)),
];

test(
  `R2: ${ends.length} ends while the server lives`,
  async () => {
    const server = await startServer();
    await atOnce(ends, startsAtOnce, async ({ script, outcome }) => {
      const { id } = await survivor(server, shell(script));
      expect(await ended(server, id)).toMatchObject({ state: "ended", outcome });
    });
    report("R2", `${ends.length} of ${ends.length} exact with the server alive`);
  },
  patience(30_000),
);

test(
  `R2: ${ends.length} ends while no server lives`,
  async () => {
    const server = await startServer();
    const [token, gate] = [newToken(), join(temporaryDirectory("gate"), "gate")];
    expect(Bun.spawnSync(["mkfifo", gate]).exitCode).toBe(0);
    const ids: string[] = [];
    await atOnce(ends, startsAtOnce, async ({ script }, index) => {
      ids[index] = (await survivor(server, shell(`: < "$2"; ${script}`, token, gate))).id;
    });
    await untilLiving(token, ends.length);
    await server.kill9();
    await untilLiving(token, ends.length);
    const writer = openSync(gate, "w");
    try {
      await untilGone(token, patience(10_000));
    } finally {
      closeSync(writer);
    }
    const next = await startServer({ dataDir: server.dataDir });
    for (const [index, { outcome }] of ends.entries()) {
      expect(await ended(next, ids[index] ?? "")).toMatchObject({ state: "ended", outcome });
    }
    report("R2", `${ends.length} of ${ends.length} exact with the server dead`);
  },
  patience(30_000),
);

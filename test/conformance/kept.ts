import { expect } from "bun:test";
import { newToken, untilGone, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { until } from "../support/wait.ts";
import { allValues, expectBytes, fileWith, textOf } from "./bytes.ts";
import { jobOf, keptOf, type Stage } from "./stage.ts";

/** What can be had later. */
export function kept(stage: Stage): void {
  const same = (bytes: Uint8Array, expected: Uint8Array) => Buffer.from(bytes).equals(Buffer.from(expected));

  stage.behaviour(
    "output is kept byte for byte, whatever the answer made of it",
    ["keptOutput"],
    async () => {
      const path = fileWith(stage, "kept", allValues);
      const { job } = await stage.run({ command: ["sh", "-c", `cat "$0"; cat "$0" >&2`, path] });
      for (const stream of ["stdout", "stderr", "stdout"] as const) {
        expect(same(await keptOf(stage.server, job.id, stream), allValues)).toBe(true);
      }
    },
  );

  stage.behaviour("output and record outlive the server", ["keptOutput"], async () => {
    const first = await stage.another();
    const { job } = await stage.run({ command: "printf 'a\\0\\377'; echo err >&2; exit 9" }, first);
    expect(await first.server.stop()).toBe(0);
    const second = await stage.another({ dataDir: first.server.dataDir });
    expect(await jobOf(second.server, job.id)).toEqual(job);
    expect([...(await keptOf(second.server, job.id, "stdout"))]).toEqual([97, 0, 255]);
    expect(textOf(await keptOf(second.server, job.id, "stderr"))).toBe("err\n");
  });

  stage.behaviour(
    "a start is answered while the command runs, and its output can be read",
    ["background"],
    async () => {
      const token = newToken();
      const gate = `gate-${token}`;
      const command = `printf before; ${program("wait-for-file")} ${token} ${stage.home}/${gate}; printf after`;
      const id = await stage.client.launch({ command });
      const running = await stage.running(token);
      expect(running).toMatchObject({ id, state: "running", outcome: null, mode: "background" });
      const written = async () => (await keptOf(stage.server, id, "stdout")).byteLength > 0;
      await until(written, { describe: "the first words" });
      expect(textOf(await keptOf(stage.server, id, "stdout"))).toBe("before");
      fileWith(stage, gate, "");
      expect((await jobOf(stage.server, id)).outcome).toMatchObject({ reason: "exited", code: 0 });
      expect(textOf(await keptOf(stage.server, id, "stdout"))).toBe("beforeafter");
    },
  );

  stage.behaviour(
    "a command of which nobody waits for the answer ends as any other",
    ["background"],
    async () => {
      const path = fileWith(stage, "unwatched", allValues);
      const ids = [];
      for (let turn = 0; turn < 10; turn += 1)
        ids.push(await stage.client.launch({ command: ["cat", path] }));
      expect(new Set(ids).size).toBe(10);
      for (const id of ids) {
        expect((await jobOf(stage.server, id)).outcome).toMatchObject({ reason: "exited", code: 0 });
        expect(same(await keptOf(stage.server, id, "stdout"), allValues)).toBe(true);
      }
    },
  );

  stage.behaviour("a command that is let go outlives its server", ["detached"], async () => {
    const token = newToken();
    const client = await stage.another();
    const id = await client.letGo({ command: [program("setsid-child"), token] });
    await untilLiving(token, 2);
    expect(await jobOf(client.server, id)).toMatchObject({
      mode: "detached",
      state: "detached",
      outcome: null,
    });
    expect(await client.server.stop()).toBe(0);
    await untilLiving(token, 2);
  });

  const survives = stage.has("survives");
  stage.behaviour(
    `a command that is kept ${survives ? "does, too" : "does not"}`,
    ["background"],
    async () => {
      const token = newToken();
      const client = await stage.another({ env: { ERRAND_LIMITS_SHUTDOWN_DRAIN_SECONDS: "0" } });
      const id = await client.launch({ command: [program("setsid-child"), token] });
      await untilLiving(token, 2);
      expect(await client.server.stop()).toBe(0);
      if (survives) expect(withToken(token)).toHaveLength(2);
      else await untilGone(token);
      const next = await stage.another({ dataDir: client.server.dataDir });
      if (survives) {
        const stop = await next.server.request(`/v1/jobs/${id}/stop`, { method: "POST" });
        expect([stop.status, await stop.json()]).toMatchObject([200, { id, survive: true }]);
        await untilGone(token);
      }
      const reason = survives ? "stopped" : "shutdown";
      expect((await jobOf(next.server, id)).outcome).toMatchObject({ reason, signal: "SIGTERM" });
    },
  );

  stage.behaviour("text in the answer is what is kept", ["keptOutput"], async () => {
    const { told, job } = await stage.run({ command: "printf 'é\\377\\303'; printf '\\357\\273\\277bom'" });
    expectBytes(stage, told.stdout, await keptOf(stage.server, job.id, "stdout"));
  });
}

import { afterAll, expect, test } from "bun:test";
import { rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, startServer } from "../support/server.ts";
import { ran, shell } from "./support/background.ts";

afterAll(endEverything);
for (const [way, conc] of [
  ["reset", 1],
  ["reset", 50],
  ["close", 50],
] as const)
  test(`leak ${way} ${conc}`, async () => {
    const server = await startServer({ config: "[limits]\nfollowers = 100000\n" });
    const job = await ran(server, shell("seq 1 200000"));
    const total = 2000;
    await Promise.all(
      Array.from({ length: conc }, async () => {
        for (let i = 0; i < total / conc; i++) {
          const c = await rawConnection(server);
          c.send(requestBytes(server, { method: "GET", path: `/v1/jobs/${job.id}/events` }));
          await c.until(() => c.length >= 30000 || c.ending !== "open", "x");
          if (c.answer().status !== 200) console.log("?");
          c[way]();
        }
      }),
    );
    const f = [server.openDescriptors()];
    for (let k = 0; k < 6; k++) {
      await Bun.sleep(1000);
      f.push(server.openDescriptors());
    }
    console.log(
      way,
      conc,
      "fds",
      f.join(" "),
      "est",
      Bun.spawnSync(["sh", "-c", `ss -tn | grep -c :${server.port}`]).stdout.toString(),
      server.memory().anonymousBytes / 1e6,
    );
    const t0 = performance.now();
    await server.stop();
    console.log("stop", performance.now() - t0);
  }, 60000);

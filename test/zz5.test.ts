import { afterAll, expect, test } from "bun:test";
import { background, shell } from "./crash/support/background.ts";
import { rawConnection } from "./support/raw.ts";
import { requestBytes } from "./support/raw-request.ts";
import { endEverything, startServer } from "./support/server.ts";

afterAll(endEverything);
for (const [name, delay] of [
  ["now", -1],
  ["tick", 0],
  ["5ms", 5],
  ["head", 100],
] as const)
  test(`leak ${name}`, async () => {
    const server = await startServer({ config: "[limits]\nfollowers = 1000\n" });
    const job = await background(server, shell("sleep 100"));
    const n = 300;
    for (let i = 0; i < n; i++) {
      const c = await rawConnection(server);
      c.send(requestBytes(server, { method: "GET", path: `/v1/jobs/${job.id}/events` }));
      if (delay >= 0) await Bun.sleep(delay === 100 ? 0 : delay);
      if (delay === 100) await c.untilHead();
      c.reset();
    }
    await Bun.sleep(500);
    // count free slots
    let ok = 0;
    const open = [];
    for (;;) {
      const a = new AbortController();
      const r = await server.request(`/v1/jobs/${job.id}/events`, { signal: a.signal });
      if (r.status !== 200) break;
      ok++;
      open.push(a);
      if (ok > 1001) break;
    }
    console.log(name, "free", ok, "fds", server.openDescriptors());
    for (const a of open) a.abort();
  }, 60000);

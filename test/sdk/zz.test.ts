import { test, expect, afterAll } from "bun:test";
import { CutJob } from "./support/cut-stream.ts";
import { ScriptedServer } from "./support/scripted-server.ts";
import { endEverything } from "../support/cleanup.ts";
import { Errand } from "../../src/sdk/errand.ts";
afterAll(endEverything);
test("one", async () => {
  const t0=performance.now();
  const one = async (seed: number) => {
  const cut = new CutJob(seed, 3_000);
  const log: string[]=[];
  const server = await ScriptedServer.start(async (asked, answer) => { const t=performance.now()-t0; await cut.events(asked, answer); log.push(`${t.toFixed(0)}-${(performance.now()-t0).toFixed(0)} ${asked.query}`)});
  const errand = new Errand({url: server.url});
  let n=0;
  try {
  for await (const e of errand.job("7").events({signal: AbortSignal.timeout(15000)})) { n++; log.push(`e${(performance.now()-t0).toFixed(0)}`);}
  } catch (e) { console.log(seed, String(e), n, server.open, cut.cuts, (performance.now()-t0).toFixed(0), log.join(" | ")); }
  };
    for (let seed = 0; seed < 100; seed += 25) {
      await Promise.all(Array.from({ length: 25 }, (_, index) => one(seed + index)));
    }
}, 80000);

// R11: a service that is restarted, in order: jobs that survive go on, and all that can be done with a job can be done
// with one of an earlier server.
import { afterAll, describe, expect, test } from "bun:test";
import { putStdin } from "../contract/support/v1-stdin.ts";
import { attach } from "../support/attach.ts";
import { Receiver } from "../support/callback-receiver.ts";
import { loopbackCallbacks, postJob, untilState, verified } from "../support/callbacks.ts";
import { eventsOf, openFrames } from "../support/event-stream.ts";
import { stop } from "../support/jobs.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { ended, look, outputText, post, ran, refusal, shell } from "./support/background.ts";
import { survivor } from "./support/surviving.ts";

afterAll(endEverything);

/** The end of a server that was asked to end, and the next one on its data. */
async function restart(server: Server, config?: string): Promise<Server> {
  expect(await server.stop()).toBe(0);
  return startServer({ dataDir: server.dataDir, ...(config === undefined ? {} : { config }) });
}

function order(server: Server, path: string, body: object): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return server.request(`/v1/jobs/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
}

async function untilSaid(server: Server, id: string, text: string): Promise<void> {
  let said = "";
  const there = async () => {
    said = await outputText(server, id, "stdout");
    return said === text;
  };
  await until(there, { describe: () => `${JSON.stringify(text)} instead of ${JSON.stringify(said)}` });
}

describe.concurrent("after a restart", () => {
  test("stdin goes on where it was, and can be closed", async () => {
    const server = await startServer();
    const { id } = await survivor(server, { ...shell("cat; echo end; exit 4"), stdin: "open" });
    await putStdin(server, id, "one\n");
    await untilSaid(server, id, "one\n");
    const next = await restart(server);
    await putStdin(next, id, "two\n");
    await untilSaid(next, id, "one\ntwo\n");
    await putStdin(next, id, "", "?close=true");
    expect(await ended(next, id)).toMatchObject({ outcome: { reason: "exited", code: 4 } });
    expect(await outputText(next, id, "stdout")).toBe("one\ntwo\nend\n");
  });

  test("a follower gets what was written before, meanwhile and after, and the end", async () => {
    const server = await startServer();
    const token = newToken();
    const { id } = await survivor(server, { command: [program("slow-ticks"), token, "30", "0.1"] });
    await until(async () => (await outputText(server, id, "stdout")) !== "");
    const next = await restart(server);
    const stream = await openFrames(next, `/v1/jobs/${id}/events`);
    await stream.untilOver();
    const events = eventsOf(stream);
    const text = events.map((event) => (event.type === "stdout" ? (event.text ?? "") : "")).join("");
    expect(text).toBe(Array.from({ length: 30 }, (_, index) => `tick ${index + 1}\n`).join(""));
    expect(events.at(-1)).toMatchObject({ type: "ended", job: { outcome: { code: 0 } } });
  });

  test("a signal reaches the command, and a stop its tree", async () => {
    const server = await startServer();
    const token = newToken();
    const script = 'trap "echo usr1" USR1; "$2" "$1" & echo ready; while :; do sleep 0.05 "$1"; done';
    const { id } = await survivor(server, shell(script, token, program("setsid-child")));
    await untilSaid(server, id, "ready\n");
    const next = await restart(server);
    expect((await order(next, `${id}/signal`, { signal: "SIGUSR1" })).status).toBe(200);
    await untilSaid(next, id, "ready\nusr1\n");
    expect((await stop(next, id, 1)).status).toBe(200);
    await untilLiving(token, 0);
    expect(await look(next, id)).toMatchObject({ state: "ended", outcome: { reason: "stopped" } });
  });

  test("an alias is held until the end, and a key names its job", async () => {
    const server = await startServer();
    const token = newToken();
    const spec = { command: [program("run-for-ever"), token], alias: "held", survive: true };
    const headers = { "content-type": "application/json", "idempotency-key": "the-key" };
    const once = (at: Server) =>
      at.request("/v1/jobs", { method: "POST", headers, body: JSON.stringify(spec) });
    const { id } = (await (await once(server)).json()) as { id: string };
    const next = await restart(server);
    expect(await refusal(await post(next, { command: ["true"], alias: "held" }))).toMatchObject({
      status: 409,
    });
    expect(await (await once(next)).json()).toMatchObject({ id, state: "running" });
    await stop(next, id, 1);
    expect(await ran(next, { command: ["true"], alias: "held" })).toMatchObject({ outcome: { code: 0 } });
    expect(await (await once(next)).json()).toMatchObject({ id, state: "ended" });
    await untilLiving(token, 0);
  });

  test("callbacks tell the start once and the end, though that came under another server", async () => {
    const receiver = await Receiver.start();
    const config = loopbackCallbacks([0.3, 0.3, 0.3]);
    const server = await startServer({ config });
    const callback = { url: receiver.url(), events: ["job.started", "job.ended"] };
    const started = await postJob(server, { ...shell("read line; exit 6"), stdin: "open", callback });
    const { id } = (await started.json()) as { id: string };
    await untilState(server, id, "delivered");
    let next = await restart(server, config);
    next = await restart(next, config);
    await putStdin(next, id, "go\n");
    const deliveries = await untilState(next, id, "delivered", { count: 2 });
    expect(deliveries.map(({ event }) => event)).toEqual(["job.started", "job.ended"]);
    const [, last] = receiver.received;
    expect(receiver.received).toHaveLength(2);
    const outcome = { reason: "exited", code: 6 };
    expect(last && verified(next, last)).toMatchObject({ type: "job.ended", job: { id, outcome } });
  });

  test("at a terminal one goes on typing where one was, and resizes it", async () => {
    const server = await startServer();
    const script = "stty raw -echo; echo ready; cat";
    const { id } = await survivor(server, { shell: script, tty: { cols: 80, rows: 24 } });
    const first = await attach(server, id);
    const { attacher } = await first.message("started");
    await first.untilShown("ready");
    first.type("abc");
    await first.untilShown("abc");
    await first.untilAcked(3);
    const [stopped] = await Promise.all([server.stop(), first.untilClosed()]);
    expect(stopped).toBe(0);
    const next = await startServer({ dataDir: server.dataDir });
    const second = await attach(next, id, { query: `?attacher=${attacher}&cursor=${first.cursor}` });
    expect(await second.message("started")).toMatchObject({
      ...{ attacher, stdinOffset: 3, size: { cols: 80, rows: 24 } },
    });
    second.type("def");
    await second.untilShown("def");
    await second.untilAcked(6);
    expect(second.output.stdout).toBe("def");
    second.control({ type: "resize", cols: 100, rows: 30 });
    const told = () => second.all("resize").at(-1);
    await until(() => told()?.cols === 100, { describe: "the new size" });
    const [again] = await Promise.all([next.stop(), second.untilClosed()]);
    expect(again).toBe(0);
    const last = await startServer({ dataDir: server.dataDir });
    const third = await attach(last, id, { query: `?attacher=${attacher}` });
    const size = { cols: 100, rows: 30 };
    expect(await third.message("started")).toMatchObject({ attacher, stdinOffset: 6, size });
    expect(await outputText(last, id, "stdout")).toEndWith("abcdef");
    expect((await stop(last, id, 1)).status).toBe(200);
  });
});

// A program that uses the installed package, in Node. Says what it saw as one line of JSON.
import assert from "node:assert/strict";
import {
  Cancelled,
  CommandFailed,
  ConnectionError,
  Errand,
  ErrandError,
  isOver,
  Sidecar,
  SidecarError,
  StreamCut,
} from "@errand/sdk";
import { ConnectionsError, sidecarConnection } from "@errand/sdk/connections";

const { url, token, cutting, cutOutput } = JSON.parse(process.argv[2]);
const errand = new Errand({ url, token });
const errorOf = (call) =>
  call.then(
    () => assert.fail("there was no error"),
    (error) => error,
  );

// A whole run, exact bytes, both streams.
const run = await errand.run(["sh", "-c", "printf 'ä\\377'; printf err >&2"]);
assert.deepEqual([...run.stdoutBytes], [0xc3, 0xa4, 0xff]);
assert.deepEqual([run.stdout, run.stderr, run.outcome.code], ["ä\ufffd", "err", 0]);

// Errors have their classes.
const failed = await errorOf(errand.run(["sh", "-c", "echo x; exit 3"]));
assert.ok(
  failed instanceof CommandFailed && failed.result.outcome.code === 3 && failed.result.stdout === "x\n",
);
const refused = await errorOf(errand.run(["/nonexistent"]));
assert.ok(refused instanceof ErrandError && refused.code === "start-failed" && refused.status === 422);
const nobody = await errorOf(new Errand({ url: "http://127.0.0.1:1" }).info());
assert.ok(nobody instanceof ConnectionError && !(nobody instanceof StreamCut));
const cancelled = await errorOf(errand.run(["sleep", "60"], { signal: AbortSignal.timeout(200) }));
assert.ok(cancelled instanceof Cancelled, String(cancelled));

// A job: input, events, output, end.
const job = await errand.start({ command: ["cat"], stdin: "open", labels: { from: "node" } });
const writer = job.stdin().getWriter();
await writer.write("first ");
await writer.write(new TextEncoder().encode("second"));
await writer.close();
assert.ok(isOver(await job.wait({ seconds: 10 })));
let text = "";
const types = new Set();
for await (const event of job.events()) {
  types.add(event.type);
  if (event.type === "stdout") text += event.text;
}
assert.equal(text, "first second");
assert.deepEqual([...types].sort(), ["ended", "started", "stdout"]);
assert.equal(await new Response(job.stdout({ from: 6 })).text(), "second");
const listed = [];
for await (const { id } of errand.list({ label: "from=node" })) listed.push(id);
assert.deepEqual(listed, [job.id]);
const held = await errand.start({ command: ["sleep", "60"] });
assert.equal((await held.stop({ graceSeconds: 1 })).outcome.reason, "stopped");

// A job's input and output over a WebSocket.
const live = await errand.start({ command: ["sh", "-c", "cat; echo err >&2; exit 4"], stdin: "open" });
const attachment = await live.attach();
// Read from the begin: as with pipes, who takes no output is soon told no more of what was taken.
const reading = Promise.all([attachment.stdout, attachment.stderr].map((one) => new Response(one).text()));
const keys = attachment.stdin.getWriter();
await keys.write("typed ");
await keys.write(new Uint8Array(300_000).fill(120));
await keys.close();
const [out, err] = await reading;
assert.equal(out, `typed ${"x".repeat(300_000)}`);
assert.deepEqual([err, (await attachment.ended).code, attachment.job.state], ["err\n", 4, "ended"]);
const shell = await errand.start({ command: ["sh"], tty: { cols: 81, rows: 25 } });
const terminal = await shell.attach({ replay: "screen", size: { cols: 99, rows: 33 } });
await terminal.stdin.getWriter().write("stty size; exit 6\r");
assert.match(await new Response(terminal.stdout).text(), /33 99\r\n/);
assert.equal((await terminal.ended).code, 6);
const missing = await errorOf(errand.job("1").attach());
assert.ok(missing instanceof ErrandError && missing.code === "not-found", String(missing));

// Streams that are cut at any byte.
const sums = await Promise.all(
  cutting.map(async (address) => {
    let bytes = 0;
    let sum = 0;
    for await (const event of new Errand({ url: address }).job("7").events()) {
      if (event.type !== "stdout") continue;
      bytes += event.bytes.byteLength;
      for (const byte of event.bytes) sum = (sum * 31 + byte) % 1_000_003;
    }
    return [bytes, sum];
  }),
);
const outputs = await Promise.all(
  cutOutput.map(async (address) => {
    const bytes = await new Response(new Errand({ url: address }).job("7").stdout()).arrayBuffer();
    return [bytes.byteLength, new Uint8Array(bytes).reduce((sum, byte) => (sum * 31 + byte) % 1_000_003, 0)];
  }),
);

// What is beside it.
assert.ok((await new Sidecar({ url }).check()).ok);
assert.throws(() => sidecarConnection("none"), ConnectionsError);
assert.equal(typeof SidecarError, "function");

console.log(JSON.stringify({ node: process.versions.bun === undefined, sums, outputs }));

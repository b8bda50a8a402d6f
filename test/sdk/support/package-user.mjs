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

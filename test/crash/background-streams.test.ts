// What goes in and what comes out of a background job: byte for byte, in order, and the timeline agrees.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readTimeline } from "../../src/spool/timeline.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { newToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { background, digest, ended, outputText, ran, shell } from "./support/background.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer({ config: `[limits]\nrequestBodyBytes = ${16 * 1024 * 1024}\n` });
});
afterAll(endEverything);

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const echo = program("echo-stdin");

describe("stdin given with the start", () => {
  const bytes = randomBytes(8_000_000);
  const stdin = { base64: bytes.toString("base64") };

  test.each([
    ["cat", ["cat"]],
    ["cat /dev/stdin", ["cat", "/dev/stdin"]],
    ["a pipeline of a shell", ["/bin/sh", "-c", "cat | cat"]],
  ])("of 8 MB comes through %s as it was", async (_name, command) => {
    const job = await ran(server, { command, stdin });
    expect(job.outcome).toMatchObject({ reason: "exited", code: 0 });
    const expected = { bytes: bytes.length, sha256: sha256(bytes) };
    expect(await digest(server, job.id, "stdout")).toEqual(expected);
  });

  test("reaches ten jobs at once, each its own", async () => {
    const parts = Array.from({ length: 10 }, (_, index) =>
      bytes.subarray(index * 70_000, (index + 1) * 70_000),
    );
    const jobs = await Promise.all(
      parts.map((part) =>
        ran(server, { command: ["sha256sum"], stdin: { base64: part.toString("base64") } }),
      ),
    );
    const said = await Promise.all(jobs.map(({ id }) => outputText(server, id, "stdout")));
    expect(said).toEqual(parts.map((part) => `${sha256(part)}  -\n`));
  });

  test.each([
    ["empty", { stdin: { text: "" } }, "[]"],
    ["not given", {}, "[]"],
    ["text", { stdin: { text: "\u00e9\u20ac\ud83e\udd8a\r\n\0" } }, "[\u00e9\u20ac\ud83e\udd8a\r\n\0]"],
  ])("that is %s is what the command reads", async (_name, given, expected) => {
    const job = await ran(server, { command: [echo], ...given });
    expect(await outputText(server, job.id, "stdout")).toBe(expected);
  });

  test("may be read in part or not at all", async () => {
    const none = await ran(server, { command: ["true"], stdin });
    expect(none).toMatchObject({ outcome: { reason: "exited", code: 0 }, stdout: { bytes: 0 } });
    const part = await ran(server, { command: ["head", "-c", "10"], stdin });
    expect(await digest(server, part.id, "stdout")).toEqual({
      bytes: 10,
      sha256: sha256(bytes.subarray(0, 10)),
    });
  });

  test("is there for descendants that outlive the command", async () => {
    const file = join(temporaryDirectory("stdin"), "out");
    const script = 'exec 3<&0; (sleep 0.2; cat <&3 >"$1.part"; mv "$1.part" "$1") >/dev/null 2>&1 & exit 0';
    expect((await ran(server, { ...shell(script, file), stdin })).outcome).toMatchObject({ code: 0 });
    const read = () => {
      try {
        return readFileSync(file);
      } catch {
        return null;
      }
    };
    expect(sha256(await until(read, { describe: "what the descendant has read" }))).toBe(sha256(bytes));
  });
});

describe("both streams", () => {
  const lines = 1_000;
  const script = `i=0; while [ $i -lt ${lines} ]; do echo "out $i"; echo "err $i" >&2; i=$((i + 1)); done`;
  const numbers = Array.from({ length: lines }, (_, index) => index);

  test(`are merged in the order of ${2 * lines} alternating lines`, async () => {
    const job = await ran(server, { shell: script, mergeOutput: true });
    const expected = numbers.map((number) => `out ${number}\nerr ${number}\n`).join("");
    expect(await outputText(server, job.id, "stdout")).toBe(expected);
    expect(await outputText(server, job.id, "stderr")).toBe("");
    expect(job).toMatchObject({ stdout: { bytes: expected.length }, stderr: { bytes: 0 }, stderrTail: "" });
  });

  test("are kept apart otherwise", async () => {
    const job = await ran(server, { shell: script });
    const said = async (stream: "stdout" | "stderr") => outputText(server, job.id, stream);
    expect(await said("stdout")).toBe(numbers.map((number) => `out ${number}\n`).join(""));
    expect(await said("stderr")).toBe(numbers.map((number) => `err ${number}\n`).join(""));
  });
});

describe("the timeline", () => {
  const timelineOf = (id: string) => readTimeline(readFileSync(join(server.dataDir, "jobs", id, "timeline")));

  test("agrees with what is kept, and with the times of the job", async () => {
    const script = `'${program("print-bytes")}' 3000000 & '${program("print-bytes")}' 1500000 >&2; wait`;
    const job = await ran(server, { shell: script });
    const sums = { stdout: 0, stderr: 0 };
    let last = Date.parse(job.startedAt ?? "") - 1;
    for (const { stream, bytes, at, cut } of timelineOf(job.id)) {
      sums[stream] += bytes;
      expect([bytes > 0, cut, at >= last]).toEqual([true, false, true]);
      last = at;
    }
    expect(last).toBeLessThanOrEqual(Date.parse(job.endedAt ?? "") + 1);
    expect(sums).toEqual({ stdout: 3_000_000, stderr: 1_500_000 });
    for (const stream of ["stdout", "stderr"] as const) {
      expect((await digest(server, job.id, stream)).bytes).toBe(sums[stream]);
    }
  });

  test("gives back the order in which the streams came", async () => {
    const folder = temporaryDirectory("gate");
    const wait = (gate: number) => `'${program("wait-for-file")}' "$1" "$2/${gate}"`;
    const script = `echo 1; ${wait(1)}; echo 22 >&2; ${wait(2)}; echo 333; ${wait(3)}; echo 4444 >&2`;
    const { id } = await background(server, shell(script, newToken(), folder));
    const streams = ["stdout", "stderr", "stdout"] as const;
    const lengths = { stdout: 0, stderr: 0 };
    for (const [index, stream] of streams.entries()) {
      lengths[stream] += index + 2;
      const came = async () => (await outputText(server, id, stream)).length === lengths[stream];
      await until(came, { describe: `line ${index + 1}` });
      writeFileSync(join(folder, String(index + 1)), "");
    }
    await ended(server, id);
    const told = timelineOf(id).map(({ stream, bytes }) => [stream, bytes]);
    expect<unknown>(told).toEqual([...streams.map((stream, index) => [stream, index + 2]), ["stderr", 5]]);
  });

  test("says where a stream was cut", async () => {
    const spec = { shell: "echo 12345; exec sleep 120", limits: { outputBytes: 4 } };
    const { id, outcome } = await ran(server, spec);
    expect(outcome?.reason).toBe("output-limit");
    const told = timelineOf(id).map(({ stream, bytes, cut }) => ({ stream, bytes, cut }));
    expect(told).toEqual([
      { stream: "stdout", bytes: 4, cut: false },
      { stream: "stdout", bytes: 0, cut: true },
    ]);
  });
});

// `errand.run` against the real server.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Errand } from "../../src/sdk/errand.ts";
import { Cancelled, CommandFailed, ConnectionError, ErrandError } from "../../src/sdk/errors.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

let server: Server;
let errand: Errand;
beforeAll(async () => {
  server = await startServer();
  errand = new Errand({ url: server.url, token: server.token });
});
afterAll(endEverything);

test("gives what a command has left", async () => {
  const cwd = temporaryDirectory("sdk");
  const result = await errand.run({ shell: 'pwd -P; echo "$A" >&2', cwd, env: { A: "ä" } });
  expect(result).toMatchObject({ stdout: `${cwd}\n`, stderr: "ä\n", truncated: false });
  expect(result.outcome).toEqual({ reason: "exited", code: 0, signal: null, success: true, detail: null });
  expect(result.job).toMatchObject({ state: "ended", mode: "attached", stdout: { bytes: cwd.length + 1 } });
});

test("arguments are passed on as they are", async () => {
  const args = ["", " ", "*", "$HOME", "ä\n€", "'\"\\"];
  const { stdoutBytes } = await errand.run(["printf", "%s\\0", ...args]);
  expect(Buffer.from(stdoutBytes).toString()).toBe(args.map((one) => `${one}\0`).join(""));
});

test("bytes are exact, much or little", async () => {
  const odd = await errand.run({ shell: "printf '\\377\\000\\303'; printf '\\200' >&2" });
  expect([...odd.stdoutBytes]).toEqual([0xff, 0, 0xc3]);
  expect([...odd.stderrBytes]).toEqual([0x80]);
  expect(odd.stdout).toBe("\ufffd\0\ufffd");
  const much = await errand.run({ shell: "head -c 20000000 /dev/zero | tr '\\0' 'x'" });
  expect(much.stdoutBytes.byteLength).toBe(20_000_000);
  expect(Buffer.from(much.stdoutBytes).equals(Buffer.alloc(20_000_000, "x"))).toBe(true);
});

test("the command reads what the spec gives", async () => {
  expect((await errand.run({ command: ["cat"], stdin: { text: "ä\n" } })).stdout).toBe("ä\n");
  expect((await errand.run({ command: ["cat"], stdin: { base64: "/wA=" } })).stdoutBytes).toEqual(
    Uint8Array.of(0xff, 0),
  );
});

describe("a failure", () => {
  test("of the command holds its result", async () => {
    const error = await errand
      .run({ shell: "echo out; echo err >&2; exit 3" })
      .catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(CommandFailed);
    expect(error).toMatchObject({
      result: { stdout: "out\n", stderr: "err\n", outcome: { reason: "exited", code: 3, signal: null } },
    });
  });

  test("is a result when it is wished, or when the code means success", async () => {
    const killed = await errand.run({ shell: "kill -9 $$" }, { check: false });
    expect(killed.outcome).toMatchObject({
      reason: "signaled",
      code: null,
      signal: "SIGKILL",
      success: false,
    });
    const allowed = await errand.run({ shell: "exit 3", successExitCodes: [0, 3] });
    expect(allowed.outcome).toMatchObject({ code: 3, success: true });
    const late = await errand.run({ command: ["sleep", "60"], runTimeoutSeconds: 0.3 }, { check: false });
    expect(late.outcome).toMatchObject({ reason: "timeout", success: false });
  });

  test("of the start is the server's", async () => {
    const error = await errand.run(["/nonexistent/program"]).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ErrandError);
    expect(error).toMatchObject({ code: "start-failed", status: 422 });
    const nowhere = errand.run({ command: ["true"], runTimeoutSeconds: -1 });
    await expect(nowhere).rejects.toMatchObject({ name: "ErrandError", code: "invalid-spec" });
  });

  test("of the credential, and of the address", async () => {
    const wrong = new Errand({ url: server.url, token: "wrong" }).run(["true"]);
    await expect(wrong).rejects.toMatchObject({ name: "ErrandError", code: "unauthorized", status: 401 });
    const nobody = new Errand({ url: "http://127.0.0.1:1" }).run(["true"]);
    await expect(nobody).rejects.toBeInstanceOf(ConnectionError);
  });
});

test("a signal stops the command and all below it", async () => {
  const controller = new AbortController();
  const name = `sdk-abort-${process.pid}`;
  const run = errand.run({ shell: "sleep 600 & sleep 600", labels: { name } }, { signal: controller.signal });
  run.catch(() => undefined);
  const found = async () => {
    for await (const job of errand.list({ label: `name=${name}`, state: "running" })) return job;
    return null;
  };
  await until(found, { describe: "the job to run" });
  controller.abort(new Error("enough"));
  await expect(run).rejects.toBeInstanceOf(Cancelled);
  await until(async () => (await found()) === null, { describe: "the job to end" });
});

test("many at once keep apart", async () => {
  const runs = Array.from({ length: 40 }, (_, index) => errand.run({ shell: `echo ${index}; exit 0` }));
  const found = (await Promise.all(runs)).map(({ stdout }) => stdout);
  expect(found).toEqual(Array.from({ length: 40 }, (_, index) => `${index}\n`));
});

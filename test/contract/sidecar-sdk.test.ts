// The SDK's Sidecar against the real server, in this runtime and in Node.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sidecarConnection } from "../../src/sdk/connections.ts";
import { Sidecar } from "../../src/sdk/sidecar.ts";
import { Receiver } from "../support/callback-receiver.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { command } from "../support/command.ts";
import { endedJob } from "../support/jobs.ts";
import { endEverything, projectRoot, type Server } from "../support/server.ts";
import { secretKey, startSidecar } from "../support/sidecar.ts";

let server: Server;
let sidecar: Sidecar;
beforeAll(async () => {
  server = await startSidecar();
  sidecar = new Sidecar({ url: server.url, secretKey });
});
afterAll(endEverything);

describe("shell", () => {
  test("gives what the command has left", async () => {
    const result = await sidecar.shell({ cmd: "echo ä; echo b >&2; exit 3" });
    expect(result).toEqual({
      ...{ status: 200, ok: true, message: "" },
      data: { stdout: "ä\n", stderr: "b\n", exitCode: 3, signal: null, jobId: expect.any(String) },
    });
  });

  test("passes everything on", async () => {
    const receiver = await Receiver.start();
    const workdir = temporaryDirectory("sdk");
    for (const envs of [{ A: "x=y" }, ["A=x=y"]]) {
      const { data } = await sidecar.shell({
        cmd: 'pwd -P; echo "$A"',
        workdir,
        envs,
        callbackUrl: receiver.url(),
      });
      expect(data.stdout).toBe(`${workdir}\nx=y\n`);
    }
    await receiver.untilReceived(2);
  });

  test("need not wait", async () => {
    const { data } = await sidecar.shell({ cmd: "sleep 0.2; echo later", wait: false });
    expect(data).toEqual({ jobId: expect.any(String) });
    expect((await endedJob(server, data.jobId)).outcome).toMatchObject({ code: 0 });
  });

  test("takes a token as well", async () => {
    const { data } = await new Sidecar({ url: server.url, token: server.token }).shell({ cmd: "echo token" });
    expect(data.stdout).toBe("token\n");
  });

  test("tells a refusal with its status and result", async () => {
    const wrong = new Sidecar({ url: server.url, secretKey: "wrong" }).shell({ cmd: "true" });
    const result = { status: 401, ok: false, message: "the signature does not match", data: null };
    await expect(wrong).rejects.toMatchObject({ name: "SidecarError", kind: "refused", status: 401, result });
    const badDirectory = sidecar.shell({ cmd: "true", workdir: "/nonexistent" });
    await expect(badDirectory).rejects.toMatchObject({ kind: "refused", status: 400 });
  });

  test("gives up in time, and the command runs on", async () => {
    const receiver = await Receiver.start();
    const call = sidecar.shell({ cmd: "sleep 1; echo done", timeout: 0.3, callbackUrl: receiver.url() });
    await expect(call).rejects.toMatchObject({ kind: "timeout", status: null, result: null });
    const [received] = await receiver.untilReceived(1);
    expect(received?.body).toContain("done");
  });
});

test("check says who answers", async () => {
  const { version } = await Bun.file(join(projectRoot, "package.json")).json();
  expect(await sidecar.check()).toMatchObject({ ok: true, status: 200, version });
});

test("a connection is found by its id", async () => {
  const path = join(temporaryDirectory("connections"), "connections.json");
  writeFileSync(path, JSON.stringify({ connections: [{ id: "here", url: server.url, secretKey }] }), {
    mode: 0o600,
  });
  const { data } = await sidecarConnection("here", path).shell({ cmd: "echo connected" });
  expect(data.stdout).toBe("connected\n");
});

describe("in Node", () => {
  const script = `
const { Sidecar, SidecarError } = await import(process.argv[2]);
const { sidecarConnection } = await import(process.argv[3]);
const { url, secretKey } = JSON.parse(process.argv[4]);
const sidecar = new Sidecar({ url, secretKey });
const kindOf = (call) => call.then(() => "none", (error) => [error instanceof SidecarError, error.kind, error.status]);
console.log(JSON.stringify({
  node: process.versions.bun === undefined,
  check: (await sidecar.check()).ok,
  shell: await sidecar.shell({ cmd: 'echo "$A"; echo ä >&2; kill -9 $$', envs: { A: "€" } }),
  started: await sidecar.shell({ cmd: "true", wait: false }),
  refused: await kindOf(new Sidecar({ url, secretKey: "wrong" }).shell({ cmd: "true" })),
  late: await kindOf(sidecar.shell({ cmd: "sleep 1", timeout: 0.2 })),
  nobody: await kindOf(new Sidecar({ url: "http://127.0.0.1:1" }).shell({ cmd: "true" })),
  connection: (await sidecarConnection("here").shell({ cmd: "echo connected" })).data.stdout,
}));
`;

  /** The source as one file for Node; for a browser it would be the same, so nothing of a runtime may be in it. */
  async function bundle(source: string, target: "browser" | "node", outdir: string): Promise<string> {
    const entry = join(projectRoot, "src/sdk", source);
    const out = join(outdir, source.replace(/\.ts$/, ".mjs"));
    const built = await command([process.execPath, "build", entry, `--target=${target}`, `--outfile=${out}`]);
    if (built.code !== 0) throw new Error(built.stderr);
    if (target === "browser")
      expect(readFileSync(out, "utf8")).not.toMatch(/node:|\bprocess\.|\bBun\.|require\(/);
    return out;
  }

  test("20 and newer it does the same", async () => {
    const directory = temporaryDirectory("node");
    const sidecarFile = await bundle("sidecar.ts", "browser", directory);
    const connectionsFile = await bundle("connections.ts", "node", directory);
    const main = join(directory, "main.mjs");
    writeFileSync(main, script);
    const path = join(directory, "connections.json");
    const connections = [{ id: "here", url: server.url, secretKey }];
    writeFileSync(path, JSON.stringify({ connections }), { mode: 0o600 });
    const arguments_ = [main, sidecarFile, connectionsFile, JSON.stringify({ url: server.url, secretKey })];
    const env = { ERRAND_CONNECTIONS: path };
    const { code, stdout, stderr } = await command(["node", ...arguments_], { env });
    expect([code, stderr]).toEqual([0, ""]);
    const jobId = expect.any(String);
    expect(JSON.parse(stdout)).toEqual({
      ...{ node: true, check: true, connection: "connected\n" },
      shell: {
        ...{ status: 200, ok: true, message: "" },
        data: { stdout: "€\n", stderr: "ä\n", exitCode: null, signal: "SIGKILL", jobId },
      },
      started: { status: 200, ok: true, message: "", data: { jobId } },
      refused: [true, "refused", 401],
      late: [true, "timeout", null],
      nobody: [true, "unreachable", null],
    });
  });
});

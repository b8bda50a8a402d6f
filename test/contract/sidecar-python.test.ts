// Contract sidecar: a Python client, built on `requests` as the published one is, works as it is.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Receiver } from "../support/callback-receiver.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { command } from "../support/command.ts";
import { newToken, untilGone, withToken } from "../support/processes.ts";
import { endEverything, type Server } from "../support/server.ts";
import { secretKey, startSidecar } from "../support/sidecar.ts";

const python = "/usr/bin/python3";
const script = join(import.meta.dir, "support/sidecar_client.py");
/** Where tests run by themselves it must be there: Debian's package python3-requests. */
const missing =
  process.env.CI === undefined &&
  Bun.spawnSync([python, "-c", "import requests"], { stderr: "ignore" }).exitCode !== 0;

let server: Server;
beforeAll(async () => {
  server = await startSidecar();
});
afterAll(endEverything);

/** What a Python program gets, with the parameters of the connector. */
async function call(parameters: Readonly<Record<string, unknown>>): Promise<unknown> {
  const asked = JSON.stringify({ url: server.url, secretKey, ...parameters });
  const { code, stdout, stderr } = await command([python, script, asked]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

describe.skipIf(missing)("a Python client", () => {
  test("gets (200, result) of a command that it waits for", async () => {
    expect(await call({ cmd: "hostname" })).toEqual([
      200,
      {
        data: {
          stderr: "",
          stdout: expect.stringMatching(/^\S+\n$/),
          exitCode: 0,
          signal: null,
          jobId: expect.stringMatching(/^\d+$/),
        },
        message: "",
        ok: true,
      },
    ]);
  });

  test("gets (200, result) of one that it does not wait for", async () => {
    const result = { data: { jobId: expect.stringMatching(/^\d+$/) }, message: "", ok: true };
    expect(await call({ cmd: "true", wait: false })).toEqual([200, result]);
  });

  test("passes a directory and variables, with any text", async () => {
    const workdir = temporaryDirectory("python");
    const envs = ["GREETING=ä €=😀"];
    const told = await call({ cmd: 'pwd -P; echo "$GREETING ü"', workdir, envs });
    expect(told).toMatchObject([200, { data: { stdout: `${workdir}\nä €=😀 ü\n` } }]);
  });

  test("is called back", async () => {
    const receiver = await Receiver.start();
    await call({ cmd: "echo called", wait: false, callback_url: receiver.url("/api/v1/al/auln-1") });
    const [received] = await receiver.untilReceived(1);
    expect(JSON.parse(received?.body ?? "")).toEqual({ kwargs: { stdout: "called\n", stderr: "" } });
  });

  test("that gives up after its 3 s leaves the command running, and its callback arrives", async () => {
    const receiver = await Receiver.start();
    const token = newToken();
    const told = await call({ cmd: `sleep ${token} 4; echo finished`, callback_url: receiver.url() });
    expect(told).toEqual({ raised: "ReadTimeout", status: null });
    expect(withToken(token)).toHaveLength(1);
    const [received] = await receiver.untilReceived(1);
    expect(JSON.parse(received?.body ?? "")).toEqual({ kwargs: { stdout: "finished\n", stderr: "" } });
    await untilGone(token);
  });

  test("raises on what is refused", async () => {
    expect(await call({ cmd: "true", secretKey: "wrong" })).toEqual({ raised: "HTTPError", status: 401 });
    expect(await call({ cmd: "true", workdir: "/nonexistent" })).toEqual({
      raised: "HTTPError",
      status: 400,
    });
    const callback_url = "http://169.254.169.254/";
    expect(await call({ cmd: "true", callback_url })).toEqual({ raised: "HTTPError", status: 403 });
  });
});

// Callbacks that are refused before anything runs, and what a receiver behind TLS must show.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Receiver } from "../support/callback-receiver.ts";
import { deliveriesOf, loopbackCallbacks, postJob, startCalling, untilState } from "../support/callbacks.ts";
import { atEnd, temporaryDirectory } from "../support/cleanup.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { missingTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";
import { list, problem } from "./support/v1.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

/** The answer to a job whose command would leave a file in that directory. */
function refused(directory: string, callback: unknown) {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ command: ["touch", join(directory, "ran")], callback });
  return problem(server, "/v1/jobs", { method: "POST", headers, body });
}

describe("a callback that is not allowed", () => {
  test("is refused with what is allowed, and nothing runs or is on record", async () => {
    const directory = temporaryDirectory("refused");
    const receiver = await Receiver.start();
    const hosts = ["127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]"];
    for (const host of hosts) {
      const { status, code, detail } = await refused(directory, { url: receiver.url("/", host) });
      expect([host, status, code]).toEqual([host, 403, "forbidden"]);
      expect(detail).toContain("callbacks.allowPrivate");
    }
    for (const url of ["", "ftp://example.com/", "http://", "http://example.com/\n", "x".repeat(3_000)])
      expect(await refused(directory, { url })).toMatchObject({ status: 422, code: "invalid-spec" });
    const specs = [{}, { url: 1 }, { url: "http://example.com", more: 1 }, [], "http://example.com", null];
    for (const callback of specs) expect(await refused(directory, callback)).toMatchObject({ status: 422 });
    const events = [[], ["job.paused"], "job.ended", ["job.ended", "job.ended", "job.ended"]];
    for (const some of events)
      expect(await refused(directory, { url: "http://example.com", events: some })).toMatchObject({
        status: 422,
      });
    expect([readdirSync(directory), (await list(server)).jobs, receiver.connections]).toEqual([[], [], 0]);
  });

  test("is refused for a job that nobody watches", async () => {
    const response = await postJob(server, {
      command: ["true"],
      mode: "detached",
      callback: { url: "http://example.com/" },
    });
    expect(response.status).toBe(422);
  });

  test("may stand for it by name: then the tries fail, and say why", async () => {
    const receiver = await Receiver.start();
    const once = await startServer({ config: "[callbacks]\nretrySeconds = []\n" });
    const id = await startCalling(once, receiver.url("/", "localhost"));
    const [delivery] = await untilState(once, id, "failed");
    expect(delivery).toMatchObject({ attempts: 1, lastStatus: null });
    expect(delivery?.lastError).toMatch(/^the name stands for \S+, which is not allowed/);
    expect(receiver.connections).toBe(0);
  });
});

describe("a callback that is allowed", () => {
  test("takes no proxy", async () => {
    const [receiver, proxy] = [await Receiver.start(), await Receiver.start()];
    const env: Record<string, string> = { NODE_USE_ENV_PROXY: "1", NO_PROXY: "", no_proxy: "" };
    for (const name of ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
      env[name] = proxy.url();
    const proxied = await startServer({ config: loopbackCallbacks([]), env });
    for (const host of ["127.0.0.1", "localhost"])
      await untilState(proxied, await startCalling(proxied, receiver.url("/", host)), "delivered");
    expect([receiver.received.length, proxy.connections]).toEqual([2, 0]);
  });
});

describe.skipIf(missingTool("openssl") !== undefined)(
  "a receiver behind TLS (needs openssl to make a certificate)",
  () => {
    test("must show a certificate for its name that is trusted", async () => {
      const { port, certificate } = await tlsReceiver("localhost");
      const verdicts: unknown[] = [];
      for (const env of [{}, { NODE_EXTRA_CA_CERTS: certificate }]) {
        const strict = await startServer({ config: loopbackCallbacks([]), env });
        for (const host of ["localhost", "127.0.0.1"]) {
          const id = await startCalling(strict, `https://${host}:${port}/`);
          const settled = async () => {
            const [delivery] = await deliveriesOf(strict, id);
            return delivery?.state !== "pending" && delivery?.state;
          };
          verdicts.push(await until(settled, { describe: "the callback to be settled" }));
        }
      }
      expect(verdicts).toEqual(["failed", "failed", "delivered", "failed"]);
    });
  },
);

/** A server with a certificate of its own for that name. */
async function tlsReceiver(name: string): Promise<{ port: number; certificate: string }> {
  const directory = temporaryDirectory("tls");
  const [key, certificate] = [join(directory, "key.pem"), join(directory, "certificate.pem")];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  const command = ["openssl", "req", ...kind, ...subject, "-keyout", key, "-out", certificate];
  expect(Bun.spawnSync(command, { stderr: "ignore" }).exitCode).toBe(0);
  const tls = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (_, response) => {
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => tls.listen(0, "127.0.0.1", resolve));
  atEnd(async () => void tls.close());
  return { port: (tls.address() as AddressInfo).port, certificate };
}

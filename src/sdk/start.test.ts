import { afterAll, describe, expect, test } from "bun:test";
import { errorOf, scripted } from "../../test/sdk/support/client.ts";
import type { Script } from "../../test/sdk/support/scripted-server.ts";
import { ended, endedJob, started, wireJob } from "../../test/sdk/support/wire.ts";
import { endEverything } from "../../test/support/cleanup.ts";
import { until } from "../../test/support/wait.ts";
import { ConnectionError } from "./errors.ts";

afterAll(endEverything);

describe("start", () => {
  test("in the background gives a job that is known", async () => {
    const { server, errand, asked } = await scripted((_, answer) => answer.json(wireJob(), 201));
    const job = await errand.start({ command: ["make"] });
    expect([job.id, job.record?.state, job.captured]).toEqual(["7", "running", null]);
    expect(asked()).toEqual(["POST /v1/jobs"]);
    const [first] = server.asked;
    expect(first?.headers).toMatchObject({ "content-type": "application/json", accept: "application/json" });
    expect(first?.headers["idempotency-key"]).toBeUndefined();
    expect(JSON.parse(String(first?.body))).toEqual({ command: ["make"] });
  });

  test("with a wait brings the output along", async () => {
    const captured = {
      stdout: { text: "ä", truncated: false },
      stderr: { base64: "/2E=", truncated: true },
    };
    const { errand, asked } = await scripted((_, answer) => answer.json({ ...endedJob(), captured }, 201));
    const job = await errand.start({ shell: "x" }, { wait: 2.5 });
    expect(asked()).toEqual(["POST /v1/jobs?wait=2.5"]);
    expect(job.captured).toEqual({
      stdout: { bytes: Uint8Array.of(0xc3, 0xa4), text: "ä", truncated: false },
      stderr: { bytes: Uint8Array.of(0xff, 0x61), text: "\ufffda", truncated: true },
    });
  });

  test("with a wait that is over before the end brings none", async () => {
    const { errand } = await scripted((_, answer) => answer.json({ ...wireJob(), captured: null }, 201));
    expect((await errand.start({ shell: "x" }, { wait: 0 })).captured).toBeNull();
  });

  test("is not tried again after a cut, but with a key it is", async () => {
    const script: Script = ({ method }, answer, number) => {
      if (method === "GET") return answer.json(wireJob());
      if (number === 1) return answer.cut();
      answer.json(wireJob(), 201);
    };
    const plain = await scripted(script);
    await plain.errand.get("7");
    expect(await errorOf(plain.errand.start({ shell: "x" }))).toBeInstanceOf(ConnectionError);
    expect(plain.asked()).toHaveLength(2);
    const keyed = await scripted(script);
    await keyed.errand.get("7");
    await keyed.errand.start({ shell: "x" }, { idempotencyKey: "k" });
    expect(keyed.server.asked.map(({ headers }) => headers["idempotency-key"])).toEqual([
      undefined,
      "k",
      "k",
    ]);
    expect(keyed.server.asked[1]?.body.equals(keyed.server.asked[2]?.body ?? Buffer.alloc(0))).toBe(true);
  });

  test.each(["", "a b", "ä", "x".repeat(256)])("with the key %j is refused", async (idempotencyKey) => {
    const { errand, asked } = await scripted(() => undefined);
    expect(await errorOf(errand.start({ shell: "x" }, { idempotencyKey }))).toBeInstanceOf(TypeError);
    expect(asked()).toEqual([]);
  });

  test("attached opens the stream that events() reads, once", async () => {
    const { errand, asked } = await scripted(({ method }, answer) => {
      answer.stream("application/x-ndjson", { "errand-job-id": "7" });
      answer.chunk(started() + (method === "POST" ? ended("0-0") : ended("0-0")));
      answer.finish();
    });
    const job = await errand.start({ command: ["x"], mode: "attached" });
    expect([job.id, job.record]).toEqual(["7", null]);
    for (let turn = 0; turn < 2; turn += 1) {
      const types: string[] = [];
      for await (const { type } of job.events()) types.push(type);
      expect(types).toEqual(["started", "ended"]);
    }
    expect(job.record?.state).toBe("ended");
    expect(asked()).toEqual(["POST /v1/jobs", "GET /v1/jobs/7/events"]);
  });

  test("attached can be left without reading", async () => {
    const { errand, server } = await scripted((_, answer) => {
      answer.stream("application/x-ndjson", { "errand-job-id": "7" });
      answer.chunk(started());
    });
    const controller = new AbortController();
    const job = await errand.start({ command: ["x"], mode: "attached" }, { signal: controller.signal });
    // The signal of the start ended with it.
    controller.abort();
    await Bun.sleep(50);
    expect(server.open).toBe(1);
    job.disconnect();
    await until(() => server.open === 0, { describe: "the connection to be closed" });
  });

  test("attached needs an answer of Errand", async () => {
    const { errand } = await scripted((_, answer) => answer.json(wireJob()));
    expect(await errorOf(errand.start({ shell: "x", mode: "attached" }))).toBeInstanceOf(ConnectionError);
    expect(await errorOf(errand.start({ shell: "x", mode: "attached" }, { wait: 1 }))).toBeInstanceOf(
      TypeError,
    );
  });
});

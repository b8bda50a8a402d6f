import { afterAll, describe, expect, test } from "bun:test";
import { type Script, ScriptedServer } from "../../test/sdk/support/scripted-server.ts";
import { ended, endedJob, started, wireJob } from "../../test/sdk/support/wire.ts";
import { endEverything } from "../../test/support/cleanup.ts";
import { until, within } from "../../test/support/wait.ts";
import { Errand } from "./errand.ts";
import { Cancelled, ConnectionError, ErrandError } from "./errors.ts";
import type { ErrandOptions } from "./options.ts";

afterAll(endEverything);

async function scripted(script: Script, options: Partial<ErrandOptions> = {}) {
  const server = await ScriptedServer.start(script);
  const asked = () =>
    server.asked.map(
      ({ method, path, query }) =>
        `${method} ${path}${query.size === 0 ? "" : `?${decodeURIComponent(String(query))}`}`,
    );
  return { server, asked, errand: new Errand({ url: server.url, ...options }) };
}

async function errorOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await within(call);
  } catch (error) {
    return error;
  }
  throw new Error("there was no error");
}

describe("a client", () => {
  test.each<Partial<ErrandOptions>>([
    { url: "127.0.0.1:80" },
    { url: "ftp://a" },
    { url: "http://a/?b" },
    { url: "http://user:secret@a" },
    { token: "" },
    { token: "a\nb" },
    { token: "ä" },
    { reconnectSeconds: -1 },
    { reconnectSeconds: Number.NaN },
    { silenceSeconds: 0 },
  ])("of %j is refused", (options) => {
    expect(() => new Errand({ url: "http://127.0.0.1", ...options })).toThrow(/^(url|token|\w+Seconds): /);
  });

  test("sends its token, and goes through a path in front", async () => {
    const { server, errand } = await scripted((_, answer) => answer.json(wireJob()));
    await errand.get("7");
    await new Errand({ url: `${server.url}/behind/`, token: "t" }).get("a/b");
    expect(server.asked.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ["/v1/jobs/7", undefined],
      ["/behind/v1/jobs/a%2Fb", "Bearer t"],
    ]);
  });

  test("uses the fetch that it is given", async () => {
    const seen: string[] = [];
    const errand = new Errand({
      url: "http://nowhere.test",
      fetch: async (url) => {
        seen.push(url);
        return Response.json(wireJob());
      },
    });
    expect((await errand.get("7")).state).toBe("running");
    expect(seen).toEqual(["http://nowhere.test/v1/jobs/7"]);
  });

  test("follows no redirect, which would hand the token on", async () => {
    const other = await scripted((_, answer) => answer.json(wireJob()));
    const { errand } = await scripted(
      (_, answer) => answer.head(302, { location: `${other.server.url}/v1/jobs/7`, "content-length": "0" }),
      { token: "t" },
    );
    expect(await errorOf(errand.get("7"))).toBeInstanceOf(ConnectionError);
    expect(other.asked()).toEqual([]);
  });
});

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

describe("a job", () => {
  test("every call asks for what it says", async () => {
    const { errand, server, asked } = await scripted(({ method }, answer) =>
      method === "DELETE" ? answer.json(undefined, 204) : answer.json(wireJob("ended")),
    );
    const job = errand.job("7");
    expect(job.record).toBeNull();
    await job.get();
    expect(job.record?.state).toBe("ended");
    await job.stop();
    await job.stop({ graceSeconds: 2 });
    await job.signal("SIGINT");
    await job.resendCallback();
    await job.delete();
    expect(asked()).toEqual([
      "GET /v1/jobs/7",
      "POST /v1/jobs/7/stop",
      "POST /v1/jobs/7/stop",
      "POST /v1/jobs/7/signal",
      "POST /v1/jobs/7/callback/resend",
      "DELETE /v1/jobs/7",
    ]);
    expect(server.asked.map(({ body }) => body.toString())).toEqual([
      ...["", "{}", '{"graceSeconds":2}', '{"signal":"SIGINT"}', "", ""],
    ]);
  });
});

describe("list", () => {
  test("goes over all pages, as far as it is read", async () => {
    const { errand, asked } = await scripted(({ query }, answer) => {
      const page = Number(query.get("cursor") ?? 0);
      const jobs = [wireJob("ended", { id: `${page}a` }), wireJob("ended", { id: `${page}b` })];
      answer.json({ jobs, nextCursor: page < 2 ? String(page + 1) : null });
    });
    const ids: string[] = [];
    for await (const { id } of errand.list()) ids.push(id);
    expect(ids).toEqual(["0a", "0b", "1a", "1b", "2a", "2b"]);
    for await (const _ of errand.list()) break;
    expect(asked()).toHaveLength(4);
  });

  test("hands the query on", async () => {
    const { errand, asked } = await scripted((_, answer) => answer.json({ jobs: [], nextCursor: null }));
    const since = new Date("2031-01-31T12:00:00Z");
    const query = {
      state: ["running", "lost"],
      alias: "a b",
      label: "k=v",
      node: "n",
      since,
      pageSize: 7,
    } as const;
    for await (const _ of errand.list(query)) throw new Error("there is none");
    for await (const _ of errand.list({ state: "ended", since: "2031-01-31T12:00:00Z" }))
      throw new Error("none");
    expect(asked()).toEqual([
      "GET /v1/jobs?state=running,lost&alias=a+b&label=k=v&node=n&since=2031-01-31T12:00:00.000Z&limit=7",
      "GET /v1/jobs?state=ended&since=2031-01-31T12:00:00Z",
    ]);
  });
});

test("tokens, info and shutdown", async () => {
  const token = { id: "t1", name: "ci", scopes: ["run"], expiresAt: null, createdAt: null, source: "api" };
  const { errand, server, asked } = await scripted(({ method, path }, answer) => {
    if (path === "/v1/info") return answer.json({ version: "1.2.3", limits: {} });
    if (path === "/v1/shutdown") return answer.json(undefined, 202);
    if (method === "DELETE") return answer.json(undefined, 204);
    answer.json(
      method === "POST" ? { ...token, secret: "s" } : { tokens: [token] },
      method === "POST" ? 201 : 200,
    );
  });
  const expiresAt = new Date("2031-01-31T12:00:00Z");
  expect((await errand.tokens.create({ name: "ci", scopes: ["run"], expiresAt })).secret).toBe("s");
  expect((await errand.tokens.list()).map(({ id }) => id)).toEqual(["t1"]);
  await errand.tokens.revoke("t1");
  expect((await errand.info()).version).toBe("1.2.3");
  await errand.shutdown();
  expect(asked()).toEqual([
    ...["POST /v1/tokens", "GET /v1/tokens", "DELETE /v1/tokens/t1", "GET /v1/info", "POST /v1/shutdown"],
  ]);
  expect(JSON.parse(String(server.asked[0]?.body))).toEqual({
    ...{ name: "ci", scopes: ["run"], expiresAt: "2031-01-31T12:00:00.000Z" },
  });
});

describe("errors", () => {
  test("the server's have their code, status, words, field and time", async () => {
    const { errand } = await scripted((_, answer) =>
      answer.problem(429, "too-many-jobs", { "retry-after": "7" }),
    );
    const error = await errorOf(errand.job("7").signal("SIGINT"));
    expect(error).toBeInstanceOf(ErrandError);
    expect(error).toMatchObject({
      ...{ name: "ErrandError", message: "too-many-jobs: no: too-many-jobs", code: "too-many-jobs" },
      ...{ status: 429, detail: "no: too-many-jobs", field: null, retryAfterSeconds: 7 },
    });
  });

  test("an answer that is none of Errand is one of the connection", async () => {
    const answers: Script[] = [
      (_, answer) => answer.json({ hello: 1 }),
      (_, answer) => answer.json(null),
      (_, answer) => answer.head(204, {}),
      (_, answer) => answer.raw("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"),
      (_, answer) => answer.raw("HTTP/1.1 502 Bad\r\ncontent-length: 5\r\n\r\n<html"),
      (_, answer) => {
        answer.raw("nonsense\r\n\r\n");
        answer.cut();
      },
      (_, answer) => answer.cut(),
    ];
    for (const script of answers) {
      const { errand } = await scripted(script, { reconnectSeconds: 0 });
      expect(await errorOf(errand.get("7"))).toBeInstanceOf(ConnectionError);
    }
  });

  test("an answer that is cut is asked for again", async () => {
    const { errand, server } = await scripted((_, answer, number) => {
      if (number > 0) return answer.json(wireJob());
      answer.raw('HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"id": "7"');
      setTimeout(() => answer.cut(), 20);
    });
    expect((await errand.get("7")).id).toBe("7");
    expect(server.asked).toHaveLength(2);
  });

  test("a signal ends every call", async () => {
    const { errand, server } = await scripted(() => undefined);
    const job = errand.job("7");
    const calls = [
      (signal: AbortSignal) => errand.start({ shell: "x" }, { signal }),
      (signal: AbortSignal) => errand.start({ shell: "x", mode: "attached" }, { signal }),
      (signal: AbortSignal) => errand.run(["x"], { signal }),
      (signal: AbortSignal) => errand.list({}, { signal }).next(),
      (signal: AbortSignal) => errand.events({ signal }).next(),
      (signal: AbortSignal) => errand.info({ signal }),
      (signal: AbortSignal) => errand.tokens.list({ signal }),
      (signal: AbortSignal) => errand.shutdown({ signal }),
      (signal: AbortSignal) => job.get({ signal }),
      (signal: AbortSignal) => job.wait({ signal }),
      (signal: AbortSignal) => job.stop({ signal }),
      (signal: AbortSignal) => job.signal("SIGINT", { signal }),
      (signal: AbortSignal) => job.delete({ signal }),
      (signal: AbortSignal) => job.resendCallback({ signal }),
    ];
    const reason = new Error("enough");
    for (const call of calls) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), 20);
      const error = await errorOf(call(controller.signal));
      expect(error).toBeInstanceOf(Cancelled);
      expect(error).toMatchObject({ cause: reason });
    }
    await until(() => server.open === 0, { describe: "all connections to be closed" });
  });
});

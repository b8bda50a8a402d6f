import { afterEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { Sidecar, type SidecarOptions } from "./sidecar.ts";
import { SidecarError } from "./sidecarResult.ts";

interface Asked {
  method: string;
  path: string;
  headers: Headers;
  body: string;
}

const servers: Bun.Server<undefined>[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});

/** A server that answers so, and remembers what it was asked. */
function answering(answer: (asked: Asked) => Response | Promise<Response>) {
  const asked: Asked[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { method, headers, url } = request;
      const one = { method, headers, path: new URL(url).pathname, body: await request.text() };
      asked.push(one);
      return answer(one);
    },
  });
  servers.push(server);
  const url = `http://127.0.0.1:${server.port}`;
  return { url, asked, sidecar: (more: Partial<SidecarOptions> = {}) => new Sidecar({ url, ...more }) };
}

const data = { stderr: "", stdout: "my_host\n", exitCode: 0, signal: null, jobId: "1" };
const good = () => Response.json({ data, message: "", ok: true });

async function errorOf(call: Promise<unknown>): Promise<SidecarError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof SidecarError) return error;
    throw error;
  }
  throw new Error("there was a result");
}

describe("shell", () => {
  test("asks and answers as the contract says", async () => {
    const { sidecar, asked } = answering(good);
    const result = await sidecar({ secretKey: "ä secret" }).shell({ cmd: "hostname" });
    expect(result).toEqual({ status: 200, ok: true, message: "", data });
    expect(result.data.stdout).toBe("my_host\n");
    const [{ method, path, headers, body }] = asked as [Asked];
    expect([method, path, headers.get("content-type")]).toEqual(["POST", "/shell", "application/json"]);
    expect(JSON.parse(body)).toEqual({ command: "hostname", wait: true });
  });

  test("signs what it sends", async () => {
    const { sidecar, asked } = answering(good);
    await sidecar({ secretKey: "ä secret" }).shell({ cmd: "echo ä€😀" });
    const [{ headers, body }] = asked as [Asked];
    const [nonce, timestamp] = [headers.get("x-auth-nonce") ?? "", headers.get("x-auth-timestamp") ?? ""];
    expect(nonce).toMatch(/^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
    expect(Math.abs(Number(timestamp) - Date.now() / 1_000)).toBeLessThan(5);
    const signed = createHmac("sha1", "ä secret").update(`POST\n/shell\n${nonce}\n${timestamp}\n${body}`);
    expect(headers.get("x-auth-signature")).toBe(signed.digest("hex").toUpperCase());
    expect(headers.has("authorization")).toBe(false);
  });

  test("never uses a nonce twice", async () => {
    const { sidecar, asked } = answering(good);
    const client = sidecar({ secretKey: "a" });
    await Promise.all([client.shell({ cmd: "a" }), client.shell({ cmd: "a" }), client.shell({ cmd: "a" })]);
    expect(new Set(asked.map(({ headers }) => headers.get("x-auth-nonce"))).size).toBe(3);
  });

  test("sends a token instead, or nothing", async () => {
    const { sidecar, asked } = answering(good);
    await sidecar({ token: "t" }).shell({ cmd: "a" });
    await sidecar().shell({ cmd: "a" });
    expect(asked.map(({ headers }) => headers.get("authorization"))).toEqual(["Bearer t", null]);
    expect(asked.some(({ headers }) => headers.has("x-auth-signature"))).toBe(false);
  });

  test("sends all that is set, in the names of the wire", async () => {
    const { sidecar, asked } = answering(() =>
      Response.json({ data: { jobId: "7" }, message: "", ok: true }),
    );
    const more = { workdir: "/srv", envs: { A: "1", B: "x=y" }, callbackUrl: "http://a/" };
    const result = await sidecar().shell({ cmd: "make", wait: false, ...more });
    expect(result.data.jobId).toBe("7");
    await sidecar().shell({ cmd: "make", envs: ["C=3"] });
    expect(asked.map(({ body }) => JSON.parse(body))).toEqual([
      { command: "make", wait: false, workdir: "/srv", envs: ["A=1", "B=x=y"], callbackURL: "http://a/" },
      { command: "make", wait: true, envs: ["C=3"] },
    ]);
  });

  test("keeps a path in front out of what is signed", async () => {
    const { url, asked } = answering(good);
    await new Sidecar({ url: `${url}/behind/proxy/`, secretKey: "k" }).shell({ cmd: "a" });
    const [{ path, headers, body }] = asked as [Asked];
    expect(path).toBe("/behind/proxy/shell");
    const text = ["POST", "/shell", headers.get("x-auth-nonce"), headers.get("x-auth-timestamp"), body].join(
      "\n",
    );
    expect(headers.get("x-auth-signature")).toBe(
      createHmac("sha1", "k").update(text).digest("hex").toUpperCase(),
    );
  });

  test("a refusal is an error with its status and result", async () => {
    const refused = { data: null, message: "the nonce has been used before", ok: false };
    const { sidecar } = answering(() => Response.json(refused, { status: 401 }));
    const error = await errorOf(sidecar({ secretKey: "k" }).shell({ cmd: "a" }));
    expect(error).toMatchObject({ kind: "refused", status: 401, result: { status: 401, ...refused } });
    expect(error.message).toBe("401: the nonce has been used before");
  });

  test("a refusal of something else has no result", async () => {
    const { sidecar } = answering(() => new Response("Bad Gateway", { status: 502 }));
    const error = await errorOf(sidecar().shell({ cmd: "a" }));
    expect(error).toMatchObject({ kind: "refused", status: 502, result: null, message: "502: Bad Gateway" });
  });

  test.each([
    "hello",
    "null",
    "[]",
    "{}",
    '{"data":{},"ok":true}',
    '{"data":{},"message":1,"ok":true}',
    '{"message":"","ok":true}',
  ])("the answer %p is none of a Sidecar", async (text) => {
    const { sidecar } = answering(() => new Response(text));
    const error = await errorOf(sidecar().shell({ cmd: "a" }));
    expect(error).toMatchObject({ kind: "unreachable", status: 200, result: null });
  });

  test("a server that is not there", async () => {
    const { url } = answering(good);
    await servers.pop()?.stop(true);
    const error = await errorOf(new Sidecar({ url }).shell({ cmd: "a" }));
    expect(error).toMatchObject({ kind: "unreachable", status: null, result: null });
  });

  test("a time that is over, before the answer or within it", async () => {
    const late = answering(() => Bun.sleep(2_000).then(good));
    const error = await errorOf(late.sidecar().shell({ cmd: "a", timeout: 0.1 }));
    expect(error).toMatchObject({ kind: "timeout", status: null, result: null });
    expect(error.message).toEndWith("within 0.1 s");
    const cut = answering(() => new Response(new ReadableStream({ start: (out) => out.enqueue("{") })));
    expect((await errorOf(cut.sidecar().shell({ cmd: "a", timeout: 0.1 }))).kind).toBe("timeout");
  });

  test("a redirect is not followed: it would hand the credential on", async () => {
    const elsewhere = answering(good);
    const { sidecar } = answering(() => Response.redirect(`${elsewhere.url}/shell`, 307));
    expect((await errorOf(sidecar({ token: "t" }).shell({ cmd: "a" }))).kind).toBe("unreachable");
    expect(elsewhere.asked).toEqual([]);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e9])(
    "a timeout of %p is refused",
    async (timeout) => {
      await expect(new Sidecar({ url: "http://127.0.0.1:1" }).shell({ cmd: "a", timeout })).rejects.toThrow(
        RangeError,
      );
    },
  );

  test.each(["", "A=B"])("the name %p of a variable is refused", async (name) => {
    const call = new Sidecar({ url: "http://127.0.0.1:1" }).shell({ cmd: "a", envs: { [name]: "1" } });
    await expect(call).rejects.toThrow("is no name");
  });
});

describe("check", () => {
  const welcome = "Welcome to Errand.\n* Version: 0.1.0\n* Release Date: 2026-11-22\n";

  test("says who answers, without a credential", async () => {
    const { sidecar, asked } = answering(() => new Response(welcome));
    expect(await sidecar({ secretKey: "k" }).check()).toEqual({
      ...{ ok: true, status: 200, message: "" },
      ...{ version: "0.1.0", releaseDate: "2026-11-22" },
    });
    const [{ method, path, headers }] = asked as [Asked];
    expect([method, path, headers.has("x-auth-signature")]).toEqual(["GET", "/", false]);
  });

  test("says when something else answers, nobody, or nobody in time", async () => {
    const unknown = { ok: false, version: null, releaseDate: null };
    const other = answering(() => new Response("It works!"));
    expect(await other.sidecar().check()).toMatchObject({ ...unknown, status: 200 });
    const failing = answering(() => new Response(welcome, { status: 503 }));
    expect(await failing.sidecar().check()).toMatchObject({ ...unknown, status: 503 });
    const late = answering(() => Bun.sleep(2_000).then(() => new Response(welcome)));
    expect(await late.sidecar().check({ timeout: 0.1 })).toMatchObject({ ...unknown, status: null });
    expect(await new Sidecar({ url: "http://127.0.0.1:1" }).check()).toMatchObject({
      ...unknown,
      status: null,
    });
  });
});

describe("what can be no Sidecar is refused:", () => {
  test.each<[string, SidecarOptions]>([
    ["no address", { url: "" }],
    ["a host alone", { url: "127.0.0.1:8099" }],
    ["another protocol", { url: "ftp://127.0.0.1" }],
    ["a user", { url: "http://user:password@127.0.0.1" }],
    ["a query", { url: "http://127.0.0.1/?a" }],
    ["an empty key", { url: "http://127.0.0.1", secretKey: "" }],
    ["key and token", { url: "http://127.0.0.1", secretKey: "a", token: "b" }],
  ])("%s", (_what, options) => {
    expect(() => new Sidecar(options)).toThrow(TypeError);
  });

  test("and no secret is told", () => {
    expect(Bun.inspect(new Sidecar({ url: "http://127.0.0.1", secretKey: "hunter2" }))).not.toContain(
      "hunter2",
    );
    expect(() => new Sidecar({ url: "http://u:hunter2@127.0.0.1" })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("hunter2") }),
    );
  });
});

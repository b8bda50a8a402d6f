import { afterAll, describe, expect, test } from "bun:test";
import { errorOf, scripted } from "../../test/sdk/support/client.ts";
import type { Script } from "../../test/sdk/support/scripted-server.ts";
import { wireJob } from "../../test/sdk/support/wire.ts";
import { endEverything } from "../../test/support/cleanup.ts";
import { until } from "../../test/support/wait.ts";
import { Errand } from "./errand.ts";
import { Cancelled, ConnectionError, ErrandError } from "./errors.ts";
import type { ErrandOptions } from "./options.ts";

afterAll(endEverything);

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

  test("takes nothing of the browser's where it has a token", async () => {
    const seen: (string | undefined)[] = [];
    const fetch = async (_: string, { credentials }: RequestInit) => {
      seen.push(credentials);
      return Response.json(wireJob());
    };
    await new Errand({ url: "http://nowhere.test", fetch, token: "t" }).get("7");
    await new Errand({ url: "http://nowhere.test", fetch }).get("7");
    expect(seen).toEqual(["omit", undefined]);
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

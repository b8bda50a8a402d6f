import { afterAll, describe, expect, test } from "bun:test";
import { scripted } from "../../test/sdk/support/client.ts";
import { wireJob } from "../../test/sdk/support/wire.ts";
import { endEverything } from "../../test/support/cleanup.ts";

afterAll(endEverything);

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

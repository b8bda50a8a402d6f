// Contract v1, `GET /v1/jobs`: newest first, filtered, in pages that show each job once.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import { run, specOf, start } from "../support/jobs.ts";
import { newToken } from "../support/processes.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { list, problem } from "./support/v1.ts";

let server: Server;
/** Of all jobs but the running ones, oldest first. */
const ids: string[] = [];
let running = "";
let between = "";
const perKind = 6;

beforeAll(async () => {
  server = await startServer();
  const connection = await rawProcess(server, specOf(["sleep", "100", newToken()], { alias: "runs" }));
  running = connection.jobId;
  for (let turn = 0; turn < perKind; turn += 1) {
    ids.push((await run(server, ["true"], { alias: "ends" })).job.id);
    ids.push((await run(server, ["false"], { alias: `odd \u00e9&=,${turn}` })).job.id);
    expect((await start(server, ["/not/there"], { alias: "fails" })).status).toBe(404);
    ids.push((await list(server, "?limit=1")).jobs[0]?.id ?? "");
    if (turn === 2) between = (await list(server, "?limit=1")).jobs[0]?.createdAt ?? "";
  }
});
afterAll(endEverything);

const newestFirst = () => [...ids].reverse();
const idsOf = async (query: string) => (await list(server, query)).jobs.map(({ id }) => id);

describe("the list", () => {
  test("is newest first", async () => {
    expect(await idsOf("")).toEqual([...newestFirst(), running]);
    const numbers = (await idsOf("")).map(BigInt);
    expect(numbers).toEqual(numbers.toSorted((a, b) => (a < b ? 1 : -1)));
  });

  test("is filtered by state", async () => {
    expect(await idsOf("?state=running")).toEqual([running]);
    expect(await idsOf("?state=failed")).toEqual(newestFirst().filter((_, index) => index % 3 === 0));
    expect(await idsOf("?state=ended")).toEqual(newestFirst().filter((_, index) => index % 3 !== 0));
    expect(await idsOf("?state=failed,running")).toHaveLength(perKind + 1);
    expect(await idsOf("?state=starting,lost")).toEqual([]);
    for (const { state } of (await list(server, "?state=failed")).jobs) expect(state).toBe("failed");
  });

  test("is filtered by alias", async () => {
    expect(await idsOf("?alias=runs")).toEqual([running]);
    expect(await idsOf("?alias=ends")).toEqual(newestFirst().filter((_, index) => index % 3 === 2));
    expect(await idsOf(`?alias=${encodeURIComponent("odd \u00e9&=,4")}`)).toHaveLength(1);
    expect(await idsOf("?alias=end")).toEqual([]);
    expect(await idsOf("?alias=%25")).toEqual([]);
    expect(await idsOf("?alias=")).toEqual([]);
    expect(await idsOf(`?alias=${encodeURIComponent("' OR 1=1 --")}`)).toEqual([]);
  });

  test("is filtered by node", async () => {
    expect(await idsOf(`?node=${hostname()}`)).toHaveLength(ids.length + 1);
    expect(await idsOf("?node=elsewhere")).toEqual([]);
  });

  test("is filtered by time", async () => {
    const since = await idsOf(`?since=${between}`);
    // That time is a job's own; those of the same millisecond are in, too.
    expect(since.length).toBeGreaterThanOrEqual(3 * perKind - 9);
    expect(since).toEqual(newestFirst().slice(0, since.length));
    for (const { createdAt } of (await list(server, `?since=${between}`)).jobs) {
      expect(createdAt >= between).toBe(true);
    }
    const shifted = new Date(Date.parse(between) + 7_200_000).toISOString().replace("Z", "%2B02:00");
    expect(await idsOf(`?since=${shifted}`)).toEqual(since);
    expect(await idsOf("?since=1970-01-01T00:00:00Z")).toHaveLength(ids.length + 1);
    expect(await idsOf("?since=2999-01-01T00:00:00.000Z")).toEqual([]);
  });

  test("is filtered by all of them together", async () => {
    expect(await idsOf(`?state=ended&alias=ends&since=${between}&node=${hostname()}&limit=2`)).toEqual(
      newestFirst()
        .filter((_, index) => index % 3 === 2)
        .slice(0, 2),
    );
  });
});

describe("pages", () => {
  async function allPages(query: string): Promise<string[][]> {
    const pages: string[][] = [];
    let cursor: string | null = "";
    while (cursor !== null && pages.length < 100) {
      const page: Awaited<ReturnType<typeof list>> = await list(
        server,
        `${query}${cursor === "" ? "" : `&cursor=${cursor}`}`,
      );
      pages.push(page.jobs.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    return pages;
  }

  test.each([1, 2, 4, 5, 18, 19, 20, 500])("of %d cover all jobs, each once", async (limit) => {
    const pages = await allPages(`?limit=${limit}`);
    expect(pages.flat()).toEqual([...newestFirst(), running]);
    expect(pages.every((page) => page.length <= limit)).toBe(true);
  });

  test("cover a filtered list", async () => {
    expect((await allPages("?state=failed&limit=2")).flat()).toEqual(await idsOf("?state=failed"));
  });

  test("are not moved by jobs that start in between", async () => {
    const first = await list(server, "?alias=ends&limit=3");
    const own = await startServer();
    for (let turn = 0; turn < 5; turn += 1) await run(own, ["true"]);
    const before = await list(own, "?limit=2");
    await run(own, ["true"]);
    const after = await list(own, `?limit=2&cursor=${before.nextCursor}`);
    const all = (await list(own)).jobs.map(({ id }) => id);
    expect([...before.jobs, ...after.jobs].map(({ id }) => id)).toEqual(all.slice(1, 5));
    expect(first.jobs).toHaveLength(3);
  });

  test("end with a cursor of null, also when the last one is full", async () => {
    const limit = perKind;
    const first = await list(server, `?state=failed&limit=${limit}`);
    expect([first.jobs.length, first.nextCursor]).toEqual([limit, null]);
  });

  test("are of 50 when nobody says, and of 500 at most", async () => {
    expect((await list(server, "?limit=500")).jobs).toHaveLength(ids.length + 1);
    expect((await problem(server, "/v1/jobs?limit=501")).detail).toContain("500");
  });
});

describe("a bad parameter is 400 with what is allowed:", () => {
  test.each([
    ["stat=ended", "state"],
    ["State=ended", "state"],
    ["aliass=x", "alias"],
    ["limt=1", "limit"],
    ["cursr=1", "cursor"],
    ["sinc=x", "since"],
    ["nodes=x", "node"],
    ["qqqqqqqqqqqqqqqq=1", "alias"],
    ["wait=1", "known are"],
    ["state=dead", "running"],
    ["state=", "running"],
    ["state=ended,", "running"],
    ["state=ENDED", "ended"],
    ["state=ended&state=failed", "twice"],
    ["limit=1&limit=1", "twice"],
    ["limit=0", "1 to 500"],
    ["limit=-1", "1 to 500"],
    ["limit=1.5", "1 to 500"],
    ["limit=x", "1 to 500"],
    ["limit=", "1 to 500"],
    ["limit=1e2", "1 to 500"],
    ["limit=99999999999999999999", "1 to 500"],
    ["since=yesterday", "RFC 3339"],
    ["since=2026-01-31", "RFC 3339"],
    ["since=2026-13-31T00:00:00Z", "RFC 3339"],
    ["since=2026-01-31T00:00:00", "RFC 3339"],
    ["since=1768000000", "RFC 3339"],
    ["since=", "RFC 3339"],
    ["cursor=", "nextCursor"],
    ["cursor=0", "nextCursor"],
    ["cursor=-1", "nextCursor"],
    ["cursor=abc", "nextCursor"],
    ["cursor=9223372036854775808", "nextCursor"],
    ["cursor=1;DROP TABLE jobs", "nextCursor"],
  ])("%s", async (query, words) => {
    const { status, code, detail } = await problem(server, `/v1/jobs?${query}`);
    expect([status, code]).toEqual([400, "invalid-parameter"]);
    expect(detail).toContain(words);
  });
});

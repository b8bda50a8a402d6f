// Contract v1, `labels`: given with a start, shown with the job, asked for in the list.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { list, problem } from "./support/v1.ts";
import { endOf, startJob, startProblem } from "./support/v1-start.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const command = ["true"];
const idsOf = async (query: string) => (await list(server, query)).jobs.map(({ id }) => id);

describe("a job", () => {
  test("shows its labels as they were given, from its start on, and after a restart", async () => {
    const own = await startServer();
    const labels = { team: "core", "build/os.arch_1-x": "Linux ☃ é", empty: "", constructor: "1" };
    const job = await startJob(own, { command, labels });
    expect(job.labels).toEqual(labels);
    expect((await endOf(own, job.id)).labels).toEqual(labels);
    await own.stop();
    const again = await startServer({ dataDir: own.dataDir });
    expect((await endOf(again, job.id)).labels).toEqual(labels);
  });

  test("without any has none", async () => {
    expect((await startJob(server, { command })).labels).toEqual({});
  });

  test("may have 32 of the longest ones", async () => {
    const names = Array.from({ length: 32 }, (_, index) => `${index}`.padStart(63, "a"));
    const labels = Object.fromEntries(names.map((name) => [name, "x".repeat(255)]));
    expect((await startJob(server, { command, labels })).labels).toEqual(labels);
  });

  test("keeps them whatever its mode", async () => {
    const labels = { mode: "detached" };
    expect((await startJob(server, { command, labels, mode: "detached" })).labels).toEqual(labels);
  });
});

describe("the list", () => {
  test("finds jobs by a label, and by a label with its value", async () => {
    const one = await startJob(server, { command, labels: { suite: "list", kind: "a" } });
    const two = await startJob(server, { command, labels: { suite: "list", kind: "b=c" } });
    await startJob(server, { command, labels: { kind: "suite" } });
    expect(await idsOf("?label=suite")).toEqual([two.id, one.id]);
    expect(await idsOf("?label=suite%3Dlist")).toEqual([two.id, one.id]);
    expect(await idsOf("?label=kind=a")).toEqual([one.id]);
    // The first mark parts name and value.
    expect(await idsOf("?label=kind=b=c")).toEqual([two.id]);
    expect(await idsOf("?label=kind=")).toEqual([]);
    expect(await idsOf("?label=list")).toEqual([]);
    expect(await idsOf("?label=suit")).toEqual([]);
  });

  test("together with other conditions and over pages", async () => {
    const labels = { pages: "yes" };
    const jobs = [];
    for (let index = 0; index < 5; index += 1) jobs.push(await startJob(server, { command, labels }));
    await Promise.all(jobs.map(({ id }) => endOf(server, id)));
    const first = await list(server, "?label=pages&state=ended&limit=3");
    const second = await list(server, `?label=pages&state=ended&limit=3&cursor=${first.nextCursor}`);
    const found = [...first.jobs, ...second.jobs].map(({ id }) => id);
    expect(found).toEqual(jobs.map(({ id }) => id).reverse());
    expect(second.nextCursor).toBeNull();
    expect(await idsOf("?label=pages&state=failed")).toEqual([]);
  });

  test("takes a value for what it is, and no query of any kind", async () => {
    const value = `' OR 1=1 -- "$.x"`;
    const { id } = await startJob(server, { command, labels: { quoted: value } });
    expect(await idsOf(`?label=${encodeURIComponent(`quoted=${value}`)}`)).toEqual([id]);
    for (const name of ["'", '"', "$", "quoted' OR '1'='1", "%", "*"])
      expect(await idsOf(`?label=${encodeURIComponent(name)}`)).toEqual([]);
  });

  test.each(["label=", "label==x", "label=a&label=b"])("refuses %s", async (query) => {
    const found = await problem(server, `/v1/jobs?${query}`);
    expect([found.status, found.code]).toEqual([400, "invalid-parameter"]);
  });
});

const tooMany = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`l${index}`, ""]));

test.each([
  ["an array", ["a"]],
  ["a text", "a=b"],
  ["null", null],
  ["a number as value", { a: 1 }],
  ["null as value", { a: null }],
  ["an empty name", { "": "x" }],
  ["a name that is too long", { ["a".repeat(64)]: "x" }],
  ["a name with a space", { "a b": "x" }],
  ["a name that begins with a mark", { "-a": "x" }],
  ["a name beyond ASCII", { é: "x" }],
  ["a value that is too long", { a: "x".repeat(256) }],
  ["too many", tooMany],
])("%s is refused", async (_what, labels) => {
  const found = await startProblem(server, { command, labels });
  expect([found.status, found.code]).toEqual([422, "invalid-spec"]);
  expect(found.detail).toContain("labels");
});

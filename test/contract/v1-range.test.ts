// Contract v1, `GET /v1/jobs/{id}/stdout` and `/stderr`: parts of it, by Range and by tail.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { problem } from "./support/v1.ts";
import { getOutput, runJob, startJob, untilWritten } from "./support/v1-start.ts";
import { goOn, waitHere } from "./support/v1-stdin.ts";

const text = "0123456789";
const largeBytes = 1024 * 1024;

let server: Server;
let ended: string;
beforeAll(async () => {
  server = await startServer();
  const job = await runJob(server, { shell: `printf ${text}; printf ${text.toUpperCase()} >&2` });
  ended = job.id;
});
afterAll(endEverything);

async function part(range: string, id = ended) {
  const response = await getOutput(server, id, "stdout", { headers: { range } });
  const { status, headers } = response;
  return [status, headers.get("content-range"), await response.text()];
}

describe("a range of an ended job", () => {
  test.each([
    ["bytes=0-0", "bytes 0-0/10", "0"],
    ["bytes=2-5", "bytes 2-5/10", "2345"],
    ["bytes=0-", "bytes 0-9/10", text],
    ["bytes=9-", "bytes 9-9/10", "9"],
    ["bytes=5-999999999999999", "bytes 5-9/10", "56789"],
    ["bytes=-3", "bytes 7-9/10", "789"],
    ["bytes=-99", "bytes 0-9/10", text],
    [" bytes=1-2 ", "bytes 1-2/10", "12"],
  ])("%p", async (range, contentRange, body) => {
    expect(await part(range)).toEqual([206, contentRange, body]);
  });

  test.each(["bytes=10-", "bytes=10-20", "bytes=999999999999999-", "bytes=-0"])(
    "%p is not there",
    async (range) => {
      const found = await problem(server, `/v1/jobs/${ended}/stdout`, { headers: { range } });
      expect([found.status, found.code]).toEqual([416, "invalid-range"]);
      expect(found.detail).toContain("10 bytes");
    },
  );

  // RFC 9110: what a server does not understand, it ignores.
  test.each(["bytes=0-1,3-4", "items=0-1", "bytes=5-2", "bytes=a-b", "bytes=-", "bytes", "bytes=1"])(
    "%p is the whole",
    async (range) => {
      expect(await part(range)).toEqual([200, null, text]);
    },
  );

  test("each stream has its own", async () => {
    const response = await getOutput(server, ended, "stderr", { headers: { range: "bytes=-1" } });
    expect([response.status, await response.text()]).toEqual([206, text.toUpperCase().slice(-1)]);
  });

  test("the whole says that there are ranges", async () => {
    const response = await getOutput(server, ended, "stdout");
    expect([response.headers.get("accept-ranges"), response.headers.get("content-length")]).toEqual([
      "bytes",
      "10",
    ]);
    await response.text();
  });

  test("put together, parts are the whole", async () => {
    const { id } = await runJob(server, { shell: `seq 1 200000 | head -c ${largeBytes}` });
    const whole = await (await getOutput(server, id, "stdout")).text();
    const parts: string[] = [];
    for (let at = 0; at < largeBytes; at += 300_001) {
      const range = `bytes=${at}-${at + 300_000}`;
      const response = await getOutput(server, id, "stdout", { headers: { range } });
      expect(response.status).toBe(206);
      parts.push(await response.text());
    }
    expect(parts.join("") === whole).toBe(true);
  });
});

describe("tail", () => {
  test.each([
    [0, ""],
    [1, "9"],
    [10, text],
    [1_000, text],
  ])("%d bytes", async (tail, body) => {
    const response = await server.request(`/v1/jobs/${ended}/stdout?tail=${tail}`);
    expect([response.status, await response.text()]).toEqual([200, body]);
  });

  test.each(["tail=-1", "tail=x", "tail=", "tail=1.5", "tail=1&tail=2", "last=1", "follow=yes"])(
    "%s is refused",
    async (query) => {
      const found = await problem(server, `/v1/jobs/${ended}/stdout?${query}`);
      expect([found.status, found.code]).toEqual([400, "invalid-parameter"]);
    },
  );

  test("with a range is two ways to say one thing", async () => {
    const headers = { range: "bytes=0-1" };
    const found = await problem(server, `/v1/jobs/${ended}/stdout?tail=1`, { headers });
    expect([found.status, found.code]).toEqual([400, "invalid-parameter"]);
  });
});

describe("of a running job", () => {
  test("a range is of what is there by now; with follow it may begin where nothing is yet", async () => {
    const shell = `printf ${text}; ${waitHere}; printf abc`;
    const { id } = await startJob(server, { shell, stdin: "open" });
    await untilWritten(server, { id, text });
    expect(await part("bytes=8-", id)).toEqual([206, "bytes 8-9/10", "89"]);
    const path = `/v1/jobs/${id}/stdout`;
    expect((await problem(server, path, { headers: { range: "bytes=10-" } })).status).toBe(416);
    const followed = `${path}?follow=true`;
    for (const range of ["bytes=11-", "bytes=-1", "bytes=0-5"])
      expect((await problem(server, followed, { headers: { range } })).status).toBe(416);
    const [behind, inside] = await Promise.all(
      ["bytes=10-", "bytes=8-"].map((range) => server.request(followed, { headers: { range } })),
    );
    await goOn(server, id);
    expect([behind?.status, await behind?.text()]).toEqual([206, "abc"]);
    expect([inside?.status, await inside?.text()]).toEqual([206, "89abc"]);
  });
});

describe("HEAD", () => {
  test.each([
    ["", {}, 200, "10"],
    ["?tail=4", {}, 200, "4"],
    ["?follow=true", {}, 200, "10"],
    ["", { range: "bytes=2-5" }, 206, "4"],
  ])("of stdout%s with %p has the headers alone", async (query, headers, status, length) => {
    const connection = await rawConnection(server);
    const path = `/v1/jobs/${ended}/stdout${query}`;
    connection.send(requestBytes(server, { method: "HEAD", path, headers }));
    const answer = await connection.untilHead();
    expect([answer.status, answer.headers["content-length"]]).toEqual([status, length]);
    const bytes = connection.length;
    connection.send(requestBytes(server, { method: "GET", path: "/healthz" }));
    await connection.until(() => connection.length > bytes, "the next answer");
    const next = connection.bytes().subarray(bytes).toString();
    expect(next).toStartWith("HTTP/1.1 200 OK\r\n");
    connection.close();
  });

  test("of what is not there is 404", async () => {
    const response = await getOutput(server, "1", "stdout", { method: "HEAD" });
    expect(response.status).toBe(404);
  });
});

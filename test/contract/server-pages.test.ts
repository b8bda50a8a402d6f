// Contract v1 and rexec: the pages that need no credential, for people and for the platform.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { specOf } from "../support/jobs.ts";
import { signal } from "../support/proc.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const open = { credential: false } as const;

describe("without a credential", () => {
  test("/ greets with the version and the day of the release", async () => {
    const response = await server.request("/", open);
    expect([response.status, await response.text()]).toEqual([
      200,
      expect.stringMatching(
        /^Welcome to Errand\.\n\* Version: \d+\.\d+\.\d+\n\* Release Date: \d{4}-\d{2}-\d{2}\n$/,
      ),
    ]);
  });

  test.each([
    ["/healthz", "ok\n"],
    ["/readyz", "ready\n"],
  ])("%s answers %p", async (path, text) => {
    const response = await server.request(`${path}?verbose`, open);
    expect([response.status, await response.text()]).toEqual([200, text]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    const head = await server.request(path, { ...open, method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });
});

test("while the server drains it is not ready, but it is well, and it takes no new jobs", async () => {
  const draining = await startServer();
  const mark = newToken();
  await rawProcess(draining, specOf(["sleep", "100", mark]));
  await untilLiving(mark, 1);
  signal(draining.pid, "SIGTERM");
  const ready = () => draining.request("/readyz", open);
  const refused = async () => {
    const response = await ready();
    return response.status === 503 ? response.text() : undefined;
  };
  expect(await until(refused, { describe: "not ready" })).toBe("shutting down\n");
  expect((await draining.request("/healthz", open)).status).toBe(200);
  expect((await draining.request("/v1/jobs")).status).toBe(200);
  const start = await draining.request("/process", {
    method: "POST",
    body: JSON.stringify(specOf(["true"])),
  });
  expect([start.status, Number(start.headers.get("retry-after")) >= 1]).toEqual([503, true]);
  expect(await start.text()).toStartWith("[Rexec] ShuttingDown : ");
  // A second signal ends what is left at once.
  signal(draining.pid, "SIGTERM");
  await until(() => draining.process.exitCode !== null, { describe: "the end of the server" });
  expect(draining.process.exitCode).toBe(0);
});

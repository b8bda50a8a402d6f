// Contract v1, `POST /v1/shutdown`: the server takes no more jobs, lets the running ones end, and ends itself.
import { afterAll, describe, expect, test } from "bun:test";
import { idOf, start } from "../support/jobs.ts";
import { signal } from "../support/proc.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { makeToken } from "../support/tokens.ts";
import { within } from "../support/wait.ts";
import { problem } from "./support/v1.ts";

afterAll(endEverything);

const shutdown = (server: Server, credential = server.token) =>
  server.request("/v1/shutdown", { method: "POST", credential });

const ended = (server: Server) => within(server.process.exited, { describe: "the end of the server" });

describe("a shutdown", () => {
  test("is answered, and ends a server that has nothing to do", async () => {
    const server = await startServer();
    const response = await shutdown(server);
    expect([response.status, await response.text()]).toEqual([202, ""]);
    expect(await ended(server)).toBe(0);
    const told = server.logLines().filter(({ operation }) => operation === "server.shutdown");
    expect(told).toEqual([expect.objectContaining({ who: "local", result: "ok" })]);
  });

  test("lets a running job end, and takes no new one", async () => {
    const server = await startServer();
    const response = await start(server, ["sh", "-c", "read line </dev/null; sleep 1; echo done"]);
    expect(idOf(response)).not.toBe("");
    expect((await shutdown(server)).status).toBe(202);
    expect((await start(server, ["true"])).status).toBe(503);
    expect(await (await server.request("/readyz")).text()).toContain("shutting down");
    // Asking again is no second signal: the job still may end by itself.
    expect((await shutdown(server)).status).toBe(202);
    expect(await response.text()).toBe("done\n");
    expect(await ended(server)).toBe(0);
  });

  test("that a signal follows ends all jobs at once", async () => {
    const server = await startServer();
    await start(server, ["sleep", "100"]);
    expect((await shutdown(server)).status).toBe(202);
    signal(server.pid, "SIGTERM");
    expect(await ended(server)).toBe(0);
  });

  test("takes nothing but an empty object, and no parameters", async () => {
    const server = await startServer();
    const headers = { "content-type": "application/json" };
    for (const body of ["[]", '{"force":true}', "null", '"now"'])
      expect(await problem(server, "/v1/shutdown", { method: "POST", headers, body })).toMatchObject({
        status: 422,
        code: "invalid-spec",
      });
    const options = { method: "POST" };
    expect(await problem(server, "/v1/shutdown?now", options)).toMatchObject({ code: "invalid-parameter" });
    const { secret } = await makeToken(server, ["read", "run"]);
    expect((await shutdown(server, secret)).status).toBe(403);
    expect(await (await server.request("/readyz")).text()).toBe("ready\n");
    const last = await server.request("/v1/shutdown", { method: "POST", headers, body: "{}" });
    expect([last.status, await ended(server)]).toEqual([202, 0]);
  });
});

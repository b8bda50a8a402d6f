// Contract v1: a field that a body may not have is refused by name, with the nearest one that it may have.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { attach } from "../support/attach.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { postJob } from "./support/v1-start.ts";

let server: Server;
let id: string;
beforeAll(async () => {
  server = await startServer();
  const response = await postJob(server, { command: ["cat"], tty: { cols: 80, rows: 24 } });
  ({ id } = (await response.json()) as { id: string });
});
afterAll(endEverything);

const tokens = { name: "one", scopes: ["read"] };

describe("an unknown field", () => {
  test.each([
    ["resize", "/resize", { cols: 80, rows: 24, row: 3 }, '"row"; did you mean rows?'],
    ["resize that lacks one", "/resize", { columns: 80, rows: 24 }, '"columns"; did you mean cols?'],
    [
      "resize, near to none",
      "/resize",
      { cols: 8, rows: 8, elephants: 3 },
      '"elephants"; known are cols, rows',
    ],
    ["stop", "/stop", { grace: 5 }, '"grace"; did you mean graceSeconds?'],
    ["signal", "/signal", { sginal: "SIGINT" }, '"sginal"; did you mean signal?'],
    [
      "signal, beside the right one",
      "/signal",
      { signal: "SIGCONT", force: true },
      '"force"; known are signal',
    ],
    ["tokens", "tokens", { ...tokens, scope: "read" }, '"scope"; did you mean scopes?'],
    ["jobs", "jobs", { command: ["true"], allias: "a" }, '"allias"; did you mean alias?'],
    [
      "jobs, inside",
      "jobs",
      { command: ["true"], tty: { cols: 1, row: 1 } },
      '"tty.row"; did you mean rows?',
    ],
  ])("of %s", async (_name, path, body, hint) => {
    const place = path.startsWith("/") ? `/v1/jobs/${id}${path}` : `/v1/${path}`;
    const headers = { "content-type": "application/json" };
    const response = await server.request(place, { method: "POST", headers, body: JSON.stringify(body) });
    expect([response.status, await response.json()]).toMatchObject([
      422,
      { code: "invalid-spec", detail: expect.stringContaining(`unknown field ${hint}`) },
    ]);
  });

  test("of a control message of a WebSocket", async () => {
    const client = await attach(server, id);
    for (const message of [
      { type: "resize", cols: 80, rows: 24, row: 3 },
      { type: "signal", signal: "SIGCONT", signals: [] },
    ])
      client.send(3, JSON.stringify(message));
    await until(() => client.all("error").length === 2, { describe: "both refusals" });
    expect(client.all("error")).toMatchObject([
      { code: "invalid-request", detail: 'unknown field "row"; did you mean rows?' },
      { code: "invalid-request", detail: 'unknown field "signals"; did you mean signal?' },
    ]);
    client.cut();
  });
});

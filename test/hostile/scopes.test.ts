// Operation × scope × door: every credential gets exactly what its scopes are good for, at every call.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Operation, operationTable } from "../../src/core/scopes.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endedJob, type Job, newAlias } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { sidecarConfig } from "../support/sidecar.ts";
import { listTokens, makeToken, revokeToken } from "../support/tokens.ts";
import { until } from "../support/wait.ts";
import {
  type Asker,
  byToken,
  type Cell,
  cells,
  configuredTokens,
  signer,
  subsets,
} from "./support/scopes.ts";

const directory = temporaryDirectory("scopes");
const askers: Asker[] = [signer];
let server: Server;
let done = "";
const none = "1";
let asked = 0;

beforeAll(async () => {
  server = await startServer({ config: `${configuredTokens}\n${sidecarConfig}` });
  done = await endedJobId();
  askers.push(byToken("local", server.token, ["admin"]));
  for (const scopes of subsets) {
    const configured = `configured-${scopes.join("-")}`;
    askers.push(byToken(configured, configured, scopes));
    const { secret } = await makeToken(server, scopes);
    askers.push(byToken(`made-${scopes.join("-")}`, secret, scopes));
  }
  const expiresAt = new Date(Date.now() + 100).toISOString();
  const expired = await makeToken(server, ["admin"], { expiresAt });
  const revoked = await makeToken(server, ["admin"]);
  expect(await revokeToken(server, revoked.id)).toBe(204);
  await until(() => Date.now() > Date.parse(expiresAt), { describe: "the token to expire" });
  askers.push(byToken("expired", expired.secret, null), byToken("revoked", revoked.secret, null));
  askers.push({ name: "nobody", scopes: null, headers: () => ({}) });
});
afterAll(endEverything);

/** A job in the background, which has ended. */
async function endedJobId(): Promise<string> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ command: ["echo", "done"] });
  const { id } = (await (await server.request("/v1/jobs", { method: "POST", headers, body })).json()) as Job;
  return (await endedJob(server, id)).id;
}

/** The contract's words, not the server's table. */
const needed: Readonly<Record<Operation, readonly string[]>> = {
  "jobs.start": ["run"],
  "jobs.list": ["read"],
  "jobs.get": ["read"],
  "jobs.output": ["read"],
  "jobs.events": ["read"],
  "jobs.stop": ["run"],
  "jobs.signal": ["run"],
  "jobs.stdin": ["run"],
  "jobs.resize": ["run"],
  "jobs.attach": ["run"],
  "jobs.watch": ["read"],
  "jobs.forget": ["run"],
  "callbacks.resend": ["run"],
  "info.read": ["read"],
  "events.read": ["read"],
  "openapi.read": ["read", "run"],
  "tokens.manage": [],
  "server.shutdown": [],
};

function expected(cell: Cell, { name, scopes }: Asker): string {
  // A signature is known at one door alone.
  if (scopes === null || (name === "signer" && !cell.path.startsWith("/shell"))) return "401";
  const { operation } = cell;
  const may =
    operation === null ||
    scopes.includes("admin") ||
    needed[operation].some((scope) => scopes.includes(scope));
  if (may) return String(cell.allowed);
  return cell.method === "HEAD" ? "403" : `403 ${operation} needs the scope`;
}

/** Sends the request as this one; gives the status, with the words of the table where it is refused. */
async function ask(cell: Cell, asker: Asker, file: string): Promise<string> {
  asked += 1;
  const path = cell.path.replace("DONE", done).replace("NONE", none);
  const body = cell.body?.replace("FILE", file).replace("ALIAS", newAlias("scope"));
  const headers = { ...cell.headers, ...asker.headers(cell, body ?? "") };
  const aborted = new AbortController();
  const response = await server.request(path, {
    ...{ method: cell.method, headers, credential: false, signal: aborted.signal },
    ...(body === undefined ? {} : { body }),
  });
  // A stream of events of the whole server has no end.
  const endless = path === "/v1/events" && response.status === 200;
  const text = endless ? "" : await response.text();
  if (endless) aborted.abort();
  const [words = ""] = /[a-z]+\.[a-z]+ needs the scope/.exec(text) ?? [];
  return `${response.status} ${words}`.trim();
}

describe("gives everybody what is due:", () => {
  test.each(cells.map((cell, index) => [`${cell.method} ${cell.path}`, cell, index] as const))(
    "%s",
    async (_name, cell, index) => {
      const answers: [string, string][] = [];
      const wrongFiles: string[] = [];
      for (const asker of askers) {
        const file = join(directory, `${index}-${asker.name}`);
        const answer = await ask(cell, asker, file);
        answers.push([asker.name, answer]);
        const starts = cell.body?.includes("FILE") === true && /^20[01]$/.test(answer);
        if (starts) await until(() => existsSync(file), { describe: "the command to have run" });
        else if (existsSync(file)) wrongFiles.push(file);
      }
      expect(answers).toEqual(askers.map((asker) => [asker.name, expected(cell, asker)]));
      expect(wrongFiles).toEqual([]);
    },
  );

  test("at so many cells, among them one for every operation", async () => {
    expect(asked).toBe(cells.length * askers.length);
    expect(asked).toBeGreaterThanOrEqual(240);
    const operations = new Set(cells.flatMap(({ operation }) => operation ?? []));
    expect([...operations].sort()).toEqual(Object.keys(operationTable).sort() as Operation[]);
    expect(Object.keys(needed).sort()).toEqual(Object.keys(operationTable).sort());
    // Nothing that was refused has made a token, ended the server or run late.
    expect((await server.request("/readyz")).status).toBe(200);
    expect((await listTokens(server)).filter(({ name }) => name === "x")).toEqual([]);
  });
});

// A token, and what stands in a job's environment, are found in none of the places that outlive a request.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { idOf, newAlias, postBody, postProcess, run, specOf } from "../support/jobs.ts";
import { argumentsOf, childrenOf, environmentOf, readProcess } from "../support/proc.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { rawProcess } from "../support/raw-request.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

const canary = `canary-${crypto.randomUUID()}`;
const guess = `guess-${crypto.randomUUID()}`;
const alias = newAlias("seen");
const told: string[] = [];
let server: Server;

/** Does everything that could leave a trace, at the level of the log that says most. */
beforeAll(async () => {
  server = await startServer({ args: ["-vv"] });
  const envs = { SECRET: canary };
  const { text } = await run(server, ["sh", "-c", "echo $SECRET"], { alias, envs });
  expect(text).toBe(`${canary}\n`);
  await run(server, ["sh", "-c", "exit 3"], { envs });
  const mark = newToken();
  const killed = await rawProcess(server, specOf(["sleep", "100", mark], { envs }));
  await untilLiving(mark, 1);
  killed.close();
  // While it lives its own environment holds what it was given.
  await untilGone(mark);
  const bodies = [
    { alias, cmd: "/not/there", envs },
    { alias, cmd: "true", cwd: "/not/there", envs },
    { alias, cmd: "true", envs: { "A=B": canary } },
    { alias, cmd: "true", envs: { A: `${canary}\0` } },
    { alias, cmd: "true", envs: { A: [canary] } },
    { alias, cmd: 1, envs },
  ];
  for (const body of bodies) told.push(await (await postBody(server, JSON.stringify(body))).text());
  for (const authorization of [`Bearer ${guess}`, `Basic ${btoa(`u:${guess}`)}`, `Bearer ${guess} x`]) {
    const response = await server.request("/v1/jobs", { headers: { authorization } });
    told.push(await response.text(), JSON.stringify([...response.headers]));
  }
  for (const path of ["/process", "/v1/nope", "/nope"]) {
    told.push(await (await server.request(`${path}?token=${server.token}&guess=${guess}`)).text());
  }
  const long = await postProcess(server, specOf(["true"], { envs: { LONG: canary.repeat(1_000) } }));
  told.push(await long.text(), idOf(long));
  told.push(await (await server.request("/v1/jobs?limit=500")).text());
});
afterAll(endEverything);

/** All of a text or of the bytes of a file, in a form in which every byte can be found. */
function filesIn(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true });
  const plain = files.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(plain.map((path) => [path, readFileSync(path, "latin1")]));
}

/** The places whose text holds one of the secrets. */
function leaks(places: Readonly<Record<string, string>>, secrets: readonly string[]): string[] {
  return Object.entries(places).flatMap(([place, text]) =>
    secrets.flatMap((secret) => (text.includes(secret) ? [place] : [])),
  );
}

const isToken = (path: string) => path.endsWith("/token");

describe("neither the token, a guessed one, nor the value of a variable is in", () => {
  const secrets = () => [server.token, canary, guess, btoa(`u:${guess}`)];

  test("the log", () => {
    const log = server.logLines().map((line) => JSON.stringify(line));
    expect(log.some((line) => line.includes(alias))).toBe(true);
    expect(leaks(Object.fromEntries(log.map((line) => [line, line])), secrets())).toEqual([]);
  });

  test("the greeting", () => {
    const text = server.stdoutLines().join("\n");
    expect(text).toContain("curl");
    expect(leaks({ greeting: text }, secrets())).toEqual([]);
  });

  test("a file of the data directory but the token's own", async () => {
    // A list writes first what is pending.
    await (await server.request("/v1/jobs")).text();
    const files = filesIn(server.dataDir);
    expect(Object.values(files).some((text) => text.includes(alias))).toBe(true);
    const others = Object.entries(files).filter(([path]) => !isToken(path));
    expect(leaks(Object.fromEntries(others), secrets())).toEqual([]);
    const [, token = ""] = Object.entries(files).find(([path]) => isToken(path)) ?? [];
    expect([token.trim(), leaks({ token }, [canary, guess])]).toEqual([server.token, []]);
  });

  test("the arguments or the environment of the server and its watchdog", () => {
    const family = [server.pid, ...childrenOf(server.pid)];
    const watchdogs = family.filter((pid) => argumentsOf(pid).includes("watchdog"));
    expect(watchdogs).toHaveLength(1);
    const places = family.flatMap((pid) => [
      [`arguments of ${pid}`, argumentsOf(pid).join(" ")],
      [`environment of ${pid}`, environmentOf(pid).join(" ")],
      [`name of ${pid}`, readProcess(pid, "comm") ?? ""],
    ]);
    expect(leaks(Object.fromEntries(places), secrets())).toEqual([]);
  });

  test("an answer, of an error or of a list", () => {
    expect(told.some((text) => text.includes(alias))).toBe(true);
    expect(leaks(Object.fromEntries(told.map((text) => [text, text])), secrets())).toEqual([]);
  });

  test("the log or the data directory when the server has been killed and started again", async () => {
    const mark = newToken();
    const open = await rawProcess(server, specOf(["sleep", "100", mark], { envs: { SECRET: canary } }));
    await untilLiving(mark, 1);
    await server.kill9();
    open.close();
    const next = await startServer({ dataDir: server.dataDir, args: ["-vv"] });
    const lost = await next.request("/v1/jobs?state=lost");
    const list = await lost.text();
    expect(list).toContain(open.jobId);
    await next.stop();
    const files = Object.entries(filesIn(server.dataDir)).filter(([path]) => !isToken(path));
    const log = next.logLines().map((line) => JSON.stringify(line));
    expect(leaks({ ...Object.fromEntries(files), log: log.join("\n"), list }, secrets())).toEqual([]);
  });
});

describe("arguments, which may hold a secret, too,", () => {
  test("are on record but not in the log", async () => {
    const own = await startServer({ args: ["-vv"] });
    const argument = `--password=${canary}`;
    await run(own, ["echo", argument], { alias });
    await postProcess(own, specOf(["/not/there", argument], { alias }));
    await own.stop();
    const log = own.logLines().map((line) => JSON.stringify(line));
    expect(log.filter((line) => line.includes(alias))).not.toBeEmpty();
    expect(leaks(Object.fromEntries(log.map((line) => [line, line])), [canary])).toEqual([]);
  });
});

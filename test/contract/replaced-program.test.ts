// A server whose program is replaced while it runs, as an upgrade does, goes on with what it was started with.
import { afterAll, expect, test } from "bun:test";
import { cpSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { attach } from "../support/attach.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endEverything, projectRoot, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

afterAll(endEverything);

test("every door answers when its files are gone", async () => {
  const copy = temporaryDirectory("copy");
  for (const folder of ["bin", "scripts", "src"])
    cpSync(join(projectRoot, folder), join(copy, folder), { recursive: true });
  symlinkSync(join(projectRoot, "node_modules"), join(copy, "node_modules"));
  const server = await startServer({ program: join(copy, "bin/errand"), atRest: true });
  rmSync(join(copy, "src"), { recursive: true });

  const json = { "Content-Type": "application/json" };
  const post = (path: string, body: string, headers: Record<string, string>) =>
    server.request(path, { method: "POST", body, headers });
  const rexec = await post("/process", JSON.stringify({ alias: "a", cmd: "echo", args: ["x"] }), json);
  expect([rexec.status, await rexec.text()]).toEqual([200, "x\n"]);
  const sidecar = await post("/shell", JSON.stringify({ cmd: "echo x", wait: true }), json);
  expect(sidecar.status).toBe(200);
  const shell = '<request><shell command="echo x" call="sync"/></request>';
  const flexideo = await post("/solve", shell, { "Content-Type": "application/xml" });
  expect([flexideo.status, await flexideo.text()]).toEqual([200, expect.stringContaining("x\n")]);
  const spec = JSON.stringify({ command: ["cat"], stdin: "open" });
  const started = await post("/v1/jobs", spec, json);
  expect(started.status).toBe(201);
  const { id } = (await started.json()) as { id: string };
  const attached = await attach(server, id);
  attached.type("x\n");
  await until(() => attached.outputBytes === 2, { describe: "what was typed" });
  expect((await server.request("/v1/jobs?state=running")).status).toBe(200);
  expect((await server.request("/openapi.json")).status).toBe(200);
});

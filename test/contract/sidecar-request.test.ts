// Contract sidecar, "Wire protocol": the fields of POST /shell, and what is refused about each.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endEverything, type Server } from "../support/server.ts";
import { postShell, postText, refusal, shell, startSidecar } from "../support/sidecar.ts";

let server: Server;
let directory: string;
beforeAll(async () => {
  server = await startSidecar();
  directory = temporaryDirectory("sidecar");
});
afterAll(endEverything);

describe("command", () => {
  test("is run by /bin/sh -c, with all that a shell does", async () => {
    const { stdout } = await shell(server, `for i in 1 2; do echo "$i$0" | tr 1-2 a-b; done; echo $((6*7))`);
    expect(stdout).toBe("a/bin/sh\nb/bin/sh\n42\n");
  });

  test("may be called cmd; both must be the same", async () => {
    const response = await postShell(server, { cmd: "echo a" });
    expect(await response.json()).toMatchObject({ ok: true, data: { stdout: "a\n" } });
    expect((await shell(server, "echo b", { cmd: "echo b" })).stdout).toBe("b\n");
    const error = await refusal(await postShell(server, { command: "echo a", cmd: "echo b" }));
    expect(error).toEqual({
      status: 400,
      message: "the fields `command` and `cmd` differ: one of them is enough",
    });
  });

  test("may be empty, or hold any text", async () => {
    expect(await shell(server, "")).toMatchObject({ stdout: "", stderr: "", exitCode: 0 });
    expect((await shell(server, "printf %s 'ä€😀\u0301\t\u0001\n'")).stdout).toBe("ä€😀\u0301\t\u0001\n");
  });

  test("has no stdin", async () => {
    expect(await shell(server, "cat; readlink /proc/self/fd/0")).toMatchObject({
      stdout: "/dev/null\n",
      exitCode: 0,
    });
  });
});

describe("workdir", () => {
  test("is where the command runs", async () => {
    expect((await shell(server, "pwd -P", { workdir: directory })).stdout).toBe(`${directory}\n`);
  });

  test.each(["/nonexistent", "/etc/passwd"])("%s: the command could not be started", async (workdir) => {
    const error = await refusal(await postShell(server, { command: "true", workdir }));
    expect(error.status).toBe(400);
    expect(error.message).toMatch(
      /^(No such file or directory|Not a directory) \(os error \d+\): .*\/(nonex|etc)/,
    );
  });
});

describe("envs", () => {
  const show = 'printf "%s|" "$A" "$B" "$C" "$HOME"';

  test("KEY=VALUE strings are added to the environment", async () => {
    const { stdout } = await shell(server, show, { envs: ["A=1", "B=x=y z", "C="] });
    expect(stdout).toMatch(/^1\|x=y z\|\|\/.*\|$/);
  });

  test("an object of strings does the same", async () => {
    const { stdout } = await shell(server, show, { envs: { A: "1", B: "x=y z", C: "" } });
    expect(stdout).toMatch(/^1\|x=y z\|\|\/.*\|$/);
  });

  test("they extend it, and win over it", async () => {
    const { stdout } = await shell(server, 'echo "$HOME:$LANG:$PATH"', { envs: ["HOME=/x"] });
    expect(stdout).toMatch(/^\/x:C\.UTF-8:\/usr\//);
  });

  test("any text is a value, and no shell sees it before the command does", async () => {
    const value = "$(touch x)`id`;\n'\"\\ ä😀";
    for (const envs of [[`A=${value}`], { A: value }]) {
      expect((await shell(server, 'printf %s "$A"', { envs })).stdout).toBe(value);
    }
  });

  test("odd names are names", async () => {
    const body = `{"command":"env","envs":{"__proto__":"1","constructor":"2","a_B9":"3"}}`;
    const { data } = (await (await postText(server, body)).json()) as { data: { stdout: string } };
    for (const line of ["__proto__=1\n", "constructor=2\n", "a_B9=3\n"]) expect(data.stdout).toContain(line);
  });
});

test("null counts as missing, and unknown fields are ignored", async () => {
  const nothing = { wait: null, workdir: null, envs: null, callbackURL: null, callback_url: null };
  const unknown = { timeout: "x", shell: false, nested: { a: [null] } };
  expect((await shell(server, "echo ok", { ...nothing, ...unknown })).stdout).toBe("ok\n");
});

test("the content type may be missing", async () => {
  // A blob without a type makes a request without one.
  const body = new Blob([JSON.stringify({ command: "echo ok" })]);
  const response = await server.request("/shell", { method: "POST", body });
  expect(await response.json()).toMatchObject({ data: { stdout: "ok\n" } });
});

test("a query is ignored, and starts nothing", async () => {
  const response = await server.request("/shell?command=false&wait=false", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ command: "echo body" }),
  });
  expect(await response.json()).toMatchObject({ data: { stdout: "body\n" } });
});

describe("refused with 400, naming the field, and nothing runs:", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["no command", { command: undefined }, "missing field `command`"],
    ["a null command", { command: null }, "missing field `command`"],
    ["command", { command: ["touch", "x"] }, "field `command`: a string is needed, not an array"],
    ["command", { command: 7 }, "field `command`: a string is needed, not a number"],
    ["cmd", { command: undefined, cmd: {} }, "field `cmd`: a string is needed, not an object"],
    ["a NUL in command", { command: "echo a\0; touch x" }, "field `command`: a NUL character is not allowed"],
    ["wait", { wait: "false" }, "field `wait`: true or false is needed, not a string"],
    ["wait", { wait: 0 }, "field `wait`: true or false is needed, not a number"],
    ["workdir", { workdir: 1 }, "field `workdir`: a string is needed, not a number"],
    ["a NUL in workdir", { workdir: "/tmp\0" }, "field `workdir`: a NUL character is not allowed"],
    [
      "envs",
      { envs: "A=1" },
      "field `envs`: an array of KEY=VALUE strings or an object of strings is needed",
    ],
    ["an entry of envs", { envs: ["A=1", 2] }, "field `envs[1]`: a string KEY=VALUE is needed, not a number"],
    ["an entry without =", { envs: ["A"] }, 'field `envs[0]`: KEY=VALUE is needed, there is no "="'],
    ["an entry without name", { envs: ["=A"] }, "field `envs[0]`: the name of the variable is empty"],
    ["a NUL in envs", { envs: ["A=\0"] }, "field `envs[0]`: a NUL character is not allowed"],
    ["a value of envs", { envs: { A: 1 } }, 'field `envs["A"]`: a string is needed, not a number'],
    ["a name in envs", { envs: { "A=B": "1" } }, 'field `envs["A=B"]`: "=" is not allowed'],
    ["callbackURL", { callbackURL: 1 }, "field `callbackURL`: a string is needed, not a number"],
    [
      "callback_url",
      { callback_url: ["http://a"] },
      "field `callback_url`: a string is needed, not an array",
    ],
    [
      "two callbacks",
      { callbackURL: "http://a/", callback_url: "http://b/" },
      "`callbackURL` and `callback_url` differ",
    ],
    ["no URL", { callbackURL: "no url" }, "the callback's URL"],
    ["an empty URL", { callbackURL: "" }, "the callback's URL"],
    ["another protocol", { callbackURL: "ftp://127.0.0.1/" }, "the callback's URL must begin with http"],
  ])("%s %j", async (_what, fields, message) => {
    const proof = join(directory, "ran");
    const error = await refusal(await postShell(server, { command: `touch ${proof}`, ...fields }));
    expect(error.status).toBe(400);
    expect(error.message).toContain(message);
    expect(existsSync(proof)).toBe(false);
  });

  test.each([
    ["nothing", "", "the body is empty"],
    ["white space", " \r\n", "the body is no JSON"],
    ["a form", "command=ls&wait=true", "the body is no JSON"],
    ["a cut object", '{"command":"ls"', "the body is no JSON"],
    ["two objects", '{"command":"ls"}{}', "the body is no JSON"],
    ["a string", '"ls"', "a JSON object is needed, not a string"],
    ["an array", '[{"command":"ls"}]', "a JSON object is needed, not an array"],
    ["null", "null", "a JSON object is needed, not null"],
    ["what is too deep", `{"command":"ls","x":${"[".repeat(100_000)}`, "the body is no JSON"],
  ])("a body of %s", async (_what, body, message) => {
    const error = await refusal(await postText(server, body));
    expect(error.status).toBe(400);
    expect(error.message).toContain(message);
  });

  test("a body that is not UTF-8", async () => {
    const bytes = new Uint8Array(Buffer.from('{"command":"echo \xff"}', "latin1"));
    expect(await refusal(await postText(server, bytes))).toEqual({
      status: 400,
      message: "the body is not UTF-8",
    });
  });

  test("a command that is longer than the system takes", async () => {
    const error = await refusal(await postShell(server, { command: `true ${"x".repeat(200_000)}` }));
    expect(error).toMatchObject({ status: 400, message: expect.stringContaining("Argument list too long") });
  });
});

// Contract rexec, "Request": which bodies start a process and which are refused.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newAlias, postBody, postProcess } from "../support/jobs.ts";
import { newToken, withToken } from "../support/processes.ts";
import { rawConnection } from "../support/raw.ts";
import { requestBytes } from "../support/raw-request.ts";
import { errorOf } from "../support/rexec-error.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

/** What a request must never start: it would be found by its token. */
const token = newToken();
const sleeping = () => ({ alias: newAlias(), cmd: "sleep", args: ["100", token] });
const invalid = { status: 500, code: "InvalidCreateProcessRequest", type: "text/plain" };

async function refused(body: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const error = await errorOf(await postBody(server, body));
  expect(error).toMatchObject(invalid);
  expect(error.text).not.toBe("");
  expect(withToken(token)).toEqual([]);
  return error.text;
}

describe("fields", () => {
  test.each(["alias", "cmd"])("%s is required", async (field) => {
    const spec = { ...sleeping(), [field]: undefined };
    expect(await refused(JSON.stringify(spec))).toContain(field);
  });

  test.each(["alias", "cmd", "args", "cwd", "envs"])("an explicit null for %s is refused", async (field) => {
    expect(await refused(JSON.stringify({ ...sleeping(), [field]: null }))).toContain(field);
  });

  test.each([
    ["alias", 7],
    ["alias", ["a"]],
    ["cmd", true],
    ["cmd", ["sleep"]],
    ["args", "100"],
    ["args", { 0: "100" }],
    ["args", [100]],
    ["args", ["100", null]],
    ["cwd", 1],
    ["cwd", {}],
    ["envs", "A=1"],
    ["envs", ["A=1"]],
    ["envs", { A: 1 }],
    ["envs", { A: null }],
    ["envs", { A: ["1"] }],
  ])("a mistyped %s is refused: %j", async (field, value) => {
    expect(await refused(JSON.stringify({ ...sleeping(), [field]: value }))).toContain(field);
  });

  test("alias and cmd alone are enough", async () => {
    const response = await postProcess(server, { alias: newAlias(), cmd: "true" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  test("unknown fields are ignored", async () => {
    const body = JSON.stringify({
      alias: newAlias(),
      cmd: "echo",
      args: ["ok"],
      shell: "false",
      nothing: null,
    });
    const response = await postBody(server, body);
    expect([response.status, await response.text()]).toEqual([200, "ok\n"]);
  });

  test("a field named __proto__ or constructor has no effect", async () => {
    const body = `{"alias":"${newAlias()}","cmd":"env","__proto__":{"args":["-i"]},"constructor":1,"envs":{"__proto__":"x"}}`;
    const response = await postBody(server, body);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("__proto__=x\n");
  });
});

describe("bodies that are no request", () => {
  test.each([
    ["empty", ""],
    ["white space", " \r\n\t "],
    ["no JSON", "alias=a&cmd=ls"],
    ["a single quote", "{'alias':'a','cmd':'ls'}"],
    ["cut off", `{"alias":"a","cmd":"sleep","args":["100","${token}"]`],
    ["more after the end", `{"alias":"a","cmd":"sleep","args":["100","${token}"]} x`],
    ["a trailing comma", '{"alias":"a","cmd":"ls",}'],
    ["null", "null"],
    ["a number", "1"],
    ["a string", '"ls"'],
    ["an array", '["a","ls"]'],
    ["an array that holds a request", `[{"alias":"a","cmd":"sleep","args":["100","${token}"]}]`],
  ])("%s", async (_name, body) => {
    await refused(body);
  });

  test("not UTF-8", async () => {
    const [before, after] = ['{"alias":"a","cmd":"sleep","args":["100","', `","${token}"]}`];
    for (const bytes of [[0xff], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
      await refused(
        new Uint8Array(Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])),
      );
    }
  });

  test("UTF-16", async () => {
    await refused(new Uint8Array(Buffer.from(JSON.stringify(sleeping()), "utf16le")));
  });

  test("100,000 levels deep, as an argument", async () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    await refused(`{"alias":"a","cmd":"sleep","args":["100","${token}",${deep}]}`);
    await refused("[".repeat(100_000));
    await refused('{"a":'.repeat(100_000));
  });

  test("100,000 levels deep, as an unknown field: ignored or refused, and the server goes on", async () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    const response = await postBody(
      server,
      `{"alias":"${newAlias()}","cmd":"echo","args":["ok"],"x":${deep}}`,
    );
    if (response.status === 200) expect(await response.text()).toBe("ok\n");
    else expect(await errorOf(response)).toMatchObject(invalid);
    expect((await postProcess(server, { alias: newAlias(), cmd: "true" })).status).toBe(200);
  });

  test("a client that leaves within its body has started nothing", async () => {
    const connection = await rawConnection(server);
    const bytes = requestBytes(server, { body: JSON.stringify(sleeping()) });
    connection.send(bytes.subarray(0, bytes.length - 1));
    connection.halfClose();
    await connection.untilClosed();
    expect(withToken(token)).toEqual([]);
  });
});

describe("size", () => {
  test("a body of 500 kB of many arguments works", async () => {
    const args = Array.from({ length: 5000 }, (_, index) => String(index).padStart(90, "0"));
    const response = await postProcess(server, {
      alias: newAlias(),
      cmd: "printf",
      args: ["%s\\n", ...args],
    });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(`${args.join("\n")}\n`);
  });

  test("text outside ASCII arrives as it was sent", async () => {
    const args = ["ä€😀\u0301", "", " ", "\t\n\"'\\$`*", "\u0001\u007f"];
    const response = await postProcess(server, {
      alias: newAlias("ä€😀"),
      cmd: "printf",
      args: ["%s|", ...args],
    });
    expect(await response.text()).toBe(`${args.join("|")}|`);
  });
});

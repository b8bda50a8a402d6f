// Contract flexideo and config: the code pages `acp` and OEM, from the file, the environment and flags, and what they change.
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { knownCodePages } from "../../src/encoding/codePages.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { errand } from "../support/command.ts";
import { shell } from "../support/flexideo.ts";
import { endEverything, type ServerOptions, startServer } from "../support/server.ts";
import { accepted, refused } from "./support/checked.ts";

afterAll(endEverything);

const file = "[flexideo]\nacp = 1250\noem = 852\n";

describe.concurrent("--check tells", () => {
  test.each([
    [{}, "1252 for acp, 65001 for programs"],
    [{ config: file }, "1250 for acp, 852 for programs"],
    [{ config: "[flexideo]\n" }, "1252 for acp, 65001 for programs"],
    [{ config: file, env: { ERRAND_ACP: "1251" } }, "1251 for acp, 852 for programs"],
    [{ config: file, env: { ERRAND_ACP: "1251", ERRAND_OEM: "866" } }, "1251 for acp, 866 for programs"],
    [{ config: file, env: { ERRAND_OEM: "866" }, args: ["--oem", "437"] }, "1250 for acp, 437 for programs"],
    [{ args: ["--acp", "1257", "--oem=775"] }, "1257 for acp, 775 for programs"],
  ])("%j: %s", async (check, told) => {
    expect((await accepted(check))["take code pages"]).toBe(told);
  });
});

describe.concurrent("refused is", () => {
  test.each([
    [78, { config: "[flexideo]\nacp = 0\n" }, "flexideo.acp"],
    [78, { config: "[flexideo]\noem = 1252.5\n" }, "flexideo.oem"],
    [78, { config: '[flexideo]\noem = "852"\n' }, "flexideo.oem"],
    [78, { config: "[flexideo]\noem = 65536\n" }, "65535"],
    [78, { config: "flexideo = 1\n" }, "[flexideo]"],
    [78, { config: "[flexideo]\nacpp = 1252\n" }, 'did you mean "acp"?'],
    [64, { env: { ERRAND_ACP: "" } }, "ERRAND_ACP"],
    [64, { env: { ERRAND_OEM: "utf8" } }, "ERRAND_OEM"],
    [64, { env: { ERRAND_OEM: "-1" } }, "ERRAND_OEM"],
    [64, { args: ["--acp", "x"] }, "--acp"],
    [64, { args: ["--oem", "0"] }, "--oem"],
    [64, { args: ["--oem"] }, "--oem"],
  ] as const)("with %d: %j", async (code, check, words) => {
    expect(await refused(code, check)).toContain(words);
  });

  test("a number that is no code page, when the server starts", async () => {
    const args = ["serve", "--data", join(temporaryDirectory("page"), "data"), "--port", "0", "--oem", "9"];
    const { code, stdout, stderr } = await errand(args);
    expect([code, stdout]).toEqual([78, ""]);
    expect(stderr).toContain("flexideo.oem = 9: there is no code page of that number");
  });
});

describe("what they change", () => {
  /** What the bytes 0x9E 0xE7 are, and what "ž" is written as, by the names of requests. */
  async function meaning(options: ServerOptions) {
    const server = await startServer(options);
    const read = async (codepage: string | null) =>
      (await shell(server, { command: "printf '\\236\\347'", codepage, encode: "xml" })).output;
    const written = async (encoding: string | null) =>
      (await shell(server, { command: "cat", "input-encoding": encoding, encode: "hex" }, "é")).output;
    return {
      oem: await read(null),
      acp: await read("acp"),
      input: await written(null),
      inputAcp: await written("acp"),
    };
  }

  test("nothing set: UTF-8 and 1252", async () => {
    expect(await meaning({})).toEqual({ oem: "\ufffd\ufffd", acp: "žç", input: "c3a9", inputAcp: "e9" });
  });

  test("the file: programs speak OEM, input without a word stays UTF-8", async () => {
    expect(await meaning({ config: "[flexideo]\nacp = 437\noem = 1251\n" })).toEqual({
      oem: "ћз",
      acp: "₧τ",
      input: "c3a9",
      inputAcp: "82",
    });
  });
});

test("every code page of the encodings may be asked for", async () => {
  const server = await startServer();
  expect(knownCodePages.length).toBeGreaterThan(40);
  for (const codepage of knownCodePages) {
    const { status } = await shell(server, { command: "true", codepage });
    expect([codepage, status]).toEqual([codepage, "ok"]);
  }
});

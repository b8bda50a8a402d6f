// Contract flexideo, "<shell> attributes": every attribute with good and bad values, defaults, and what is ignored beside what.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { type Attributes, fetched, launch, sh, shell, shellTag, solve } from "../support/flexideo.ts";
import { endedJob, job } from "../support/jobs.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

/** The detail of an error, which must name what is wrong. */
async function wrong(attributes: Attributes, content = ""): Promise<string> {
  const { status, attributes: told, children } = await shell(server, attributes, content);
  expect([status, children]).toEqual(["error", []]);
  return told.detail ?? "";
}

const hello = "echo hello";

describe("a value that is not allowed is named, with what is:", () => {
  const bad: Readonly<Record<string, readonly string[]>> = {
    id: ["-1", "1.5", "x", "", " 1", "0x1", "1e3", "٣"],
    call: ["Sync", "ASYNC", "", "detached", "sync ", "true"],
    async: ["yes", "", "TRUE", "2"],
    "join-output": ["yes", "", "True", "2", "-1", "on"],
    "no-output": ["no", "", "FALSE", "00", "null"],
    survive: ["maybe", "", "10"],
    timeout: ["-1", "1.5", "x", "", "1s", "1e9", "315360001", "Infinity", "+1"],
    "retrieve-timeout": ["-1", "0.5", "x", "", "1 ", "315360001"],
    "out-buffer-size": ["-1", "0", "1.0", "x", "", "1048577", "4k"],
    "err-buffer-size": ["-1", "0", "0.1", "x", "", "1048577", "0x10"],
    "input-encoding": ["UTF8", "oem", "", "raw", "xml", "url", "0", "99999", "-1", "1252.0", "utf-8"],
    encode: ["RAW", "", "none", "hex ", "utf8", "1252"],
    codepage: ["UTF8", "oem", "", "hex", "base64", "0", "99999", "-1252", "cp1252"],
    "exit-code": ["-1", "256", "1.0", "x", "", "0x0"],
  };
  const rows = Object.entries(bad).flatMap(([name, values]) => values.map((value) => [name, value] as const));

  test.each(rows)("%s=%j", async (name, value) => {
    const detail = await wrong({ command: hello, [name]: value });
    expect(detail).toStartWith(`attribute ${name}=${JSON.stringify(value)}: `);
    expect(detail).toMatch(/ (?:is|are) allowed$/);
  });

  test.each(["", " ", "'a", 'a "b', "a\\", "''", '"" x', "\t\n"])("command=%j", async (command) => {
    expect(await wrong({ command })).toStartWith("attribute command=");
  });

  test("a long one is not told whole", async () => {
    expect((await wrong({ command: hello, timeout: "9".repeat(100_000) })).length).toBeLessThan(300);
  });
});

describe("refused are", () => {
  test.each([
    ["commnad", "command"],
    ["Command", "command"],
    ["join_output", "join-output"],
    ["timeOut", "timeout"],
    ["code-page", "codepage"],
  ])("the unknown attribute %s, with the nearest one", async (name, nearest) => {
    expect(await wrong({ command: hello, [name]: "1" })).toBe(
      `unknown attribute "${name}"; did you mean ${nearest}?`,
    );
  });

  test("an unknown one that is near to none, with all of them", async () => {
    const detail = await wrong({ command: hello, qqqqqqqqqqqqqqqqqqqq: "1" });
    for (const name of ["id", "command", "retrieve-timeout", "exit-code"]) expect(detail).toContain(name);
    expect((await wrong({ command: hello, [`q${"x".repeat(1_000)}`]: "1" })).length).toBeLessThan(500);
  });

  test("attributes of other namespaces, and an unknown one beside an id", async () => {
    expect(await wrong({ command: hello, "xml:lang": "cs" })).toContain('"xml:lang"');
    expect(await wrong({ id: 1, encdoe: "hex" })).toContain("encode");
    expect((await shell(server, { command: hello, xmlns: "urn:a", "xmlns:b": "urn:b" })).status).toBe("ok");
  });

  test("neither id nor command", async () => {
    expect(await wrong({})).toContain("command or id");
    expect(await wrong({ encode: "hex", timeout: 1 })).toContain("command or id");
  });

  test("an element in it", async () => {
    expect(await wrong({ command: "cat" }, "a<b>c</b>d")).toContain('"b"');
  });

  test("call and async that say different things", async () => {
    for (const [call, async] of [
      ["sync", "true"],
      ["detach", "1"],
      ["async", "false"],
    ] as const) {
      expect(await wrong({ command: hello, call, async })).toContain(`call="${call}" says something else`);
    }
  });
});

describe("id", () => {
  test("may have zeros in front, and any length", async () => {
    const id = await launch(server, hello);
    expect((await fetched(server, `000${id}`)).attributes.id).toBe(id);
    expect((await shell(server, { id: "9".repeat(500) })).status).toBe("not-found");
    expect((await shell(server, { id: "0" })).status).toBe("not-found");
  });

  test("makes everything else count for nothing but encode and codepage", async () => {
    const token = newToken();
    const id = await launch(server, "printf '\\344'");
    const ignored = {
      command: `sleep ${token} 100`,
      call: "nonsense",
      timeout: "-1",
      survive: "x",
      async: "x",
    };
    const more = { "exit-code": "7", "join-output": "x", "no-output": "true", "input-encoding": "x" };
    const answer = await fetched(server, id, { ...ignored, ...more, encode: "xml", codepage: "1252" });
    expect(answer).toMatchObject({ status: "ok", output: "ä" });
    expect(answer.attributes.command).toBe("printf '\\344'");
    expect(await wrong({ id, encode: "x" })).toContain("encode");
    expect(await wrong({ id, codepage: "x" })).toContain("codepage");
    await untilGone(token);
  });
});

describe("command", () => {
  test.each([
    ["/bin/echo a", "a\n"],
    ["echo   a\t b\nc", "a b c\n"],
    [`echo 'a  b' "c  d" e\\ f`, "a  b c  d e f\n"],
    [`echo "\\"\\\\\\$\\\`\\n" '\\n'`, `"\\$\`\\n \\n\n`],
    ["echo $HOME * ~ `id` ; | & > /x # y", "$HOME * ~ `id` ; | & > /x # y\n"],
    [`echo '' ""`, " \n"],
    ["echo a''b\"c\"'d'", "abcd\n"],
    ["echo žluťoučký 😀", "žluťoučký 😀\n"],
  ])("%j is split as a shell splits", async (command, output) => {
    expect(await shell(server, { command })).toMatchObject({ status: "ok", output });
  });

  test("is told as it was requested", async () => {
    for (const command of [hello, "echo  'a' \"b\" c\\ d", `echo &<>'"'`, "echo \t\n'x'"]) {
      expect((await shell(server, { command })).attributes.command).toBe(command);
      const id = await launch(server, command);
      expect((await fetched(server, id)).attributes.command).toBe(command);
    }
    expect((await shell(server, { command: "no-such  'program'" })).attributes.command).toBe(
      "no-such  'program'",
    );
  });

  test("that cannot be started is an error with the system's words", async () => {
    const { attributes } = await shell(server, { command: "/nonexistent/program x" });
    expect(attributes).toEqual({
      status: "error",
      command: "/nonexistent/program x",
      detail: expect.stringContaining("No such file or directory"),
    });
    for (const call of ["async", "detach"]) {
      expect(await wrong({ command: "/nonexistent/program", call })).toContain("No such file or directory");
    }
    expect(await wrong({ command: "/etc/passwd" })).toContain("Permission denied");
    expect(await wrong({ command: `echo ${"x".repeat(3_000_000)}` })).toContain("too long");
  });

  test("has the configured environment and no more", async () => {
    const { output } = await shell(server, { command: "env" });
    expect(output?.split("\n").map((line) => line.split("=")[0])).toEqual(
      expect.arrayContaining(["PATH", "HOME", "LANG"]),
    );
    expect(output).not.toContain("XDG_STATE_HOME");
  });
});

describe("call", () => {
  test.each([{}, { call: "sync" }, { async: "false" }, { async: "0" }, { call: "sync", async: "false" }])(
    "%j answers when it has ended, without an id",
    async (attributes) => {
      const answer = await shell(server, { command: "sleep 0.2", ...attributes });
      expect(answer.status).toBe("ok");
      expect(answer.attributes).not.toHaveProperty("id");
    },
  );

  test.each([{ call: "async" }, { async: "true" }, { async: "1" }, { call: "async", async: "true" }])(
    "%j answers at once, with an id",
    async (attributes) => {
      const token = newToken();
      const answer = await shell(server, { command: `sleep ${token} 100`, ...attributes });
      expect(answer).toMatchObject({ status: "running", children: [] });
      expect(Object.keys(answer.attributes)).toEqual(["status", "id", "command", "start"]);
      expect(answer.attributes.id).toMatch(/^[1-9][0-9]*$/);
      const [pid = 0] = await untilLiving(token, 1);
      process.kill(pid, "SIGKILL");
      expect((await fetched(server, answer.attributes.id ?? "")).attributes.result).toBe("137");
    },
  );

  test.each([{ call: "detach" }, { call: "detach", async: "0" }])(
    "%j starts and lets go",
    async (attributes) => {
      const token = newToken();
      const answer = await shell(server, { command: `sleep ${token} 100`, ...attributes });
      expect(answer).toMatchObject({ status: "detached", children: [] });
      expect(Object.keys(answer.attributes)).toEqual(["status", "command", "start"]);
      const [pid = 0] = await untilLiving(token, 1);
      process.kill(pid, "SIGKILL");
      await untilGone(token);
    },
  );

  test("detach ignores timeouts, outputs and survive, and gives input", async () => {
    const file = `${server.dataDir}/detached`;
    const script = sh(
      `cat > ${file}; sleep 1.5; echo "after $(readlink /proc/self/fd/2)" >> ${file}; mv ${file} ${file}.done`,
    );
    const ignored = { timeout: 1, "retrieve-timeout": 1, encode: "hex", survive: "true", "join-output": "1" };
    const answer = await shell(server, { command: script, call: "detach", ...ignored }, "given\n");
    expect(answer.status).toBe("detached");
    expect(
      await shell(server, { command: sh(`while ! cat ${file}.done 2>/dev/null; do sleep 0.05; done`) }),
    ).toMatchObject({
      output: "given\nafter /dev/null\n",
    });
  });
});

describe("join-output and no-output", () => {
  const both = sh("echo out; echo err >&2; echo again");
  test.each([
    [{}, "out\nagain\n", "err\n"],
    [{ "join-output": "false", "no-output": "0" }, "out\nagain\n", "err\n"],
    [{ "join-output": "true" }, "out\nerr\nagain\n", ""],
    [{ "join-output": "1", "no-output": "false" }, "out\nerr\nagain\n", ""],
    [{ "no-output": "true" }, undefined, "err\n"],
    [{ "no-output": "1" }, undefined, "err\n"],
    [{ "no-output": "true", "join-output": "true" }, undefined, undefined],
  ] as const)("%j: sync and fetched alike", async (attributes, output, error) => {
    const told = await shell(server, { command: both, ...attributes });
    expect([told.status, told.output, told.error]).toEqual(["ok", output, error]);
    const later = await fetched(server, await launch(server, both, attributes));
    expect([later.status, later.output, later.error]).toEqual(["ok", output, error]);
    expect(later.children.map(({ name }) => name)).toEqual(told.children.map(({ name }) => name));
  });

  test("join-output keeps the order of 1,000 lines that alternate", async () => {
    const script = "i=0; while [ $i -lt 500 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done";
    const { output, error } = await shell(server, { command: sh(script), "join-output": "true" });
    const lines = Array.from({ length: 500 }, (_, index) => `o${index}\ne${index}\n`);
    expect([output, error]).toEqual([lines.join(""), ""]);
  });
});

describe("survive", () => {
  test.each(["false", "0"])("%s is the default", async (survive) => {
    const id = await launch(server, hello, { survive });
    expect((await fetched(server, id)).output).toBe("hello\n");
  });

  test("true goes on when the server ends, however that ends", async () => {
    const token = newToken();
    const gate = join(temporaryDirectory("gate"), "gate");
    const command = sh(`echo before; '${program("wait-for-file")}' ${token} '${gate}'; echo after; exit 3`);
    let own = await startServer();
    const id = await launch(own, command, { survive: "true", "exit-code": 3 });
    for (const end of [() => own.stop(), () => own.kill9()]) {
      await end();
      own = await startServer({ dataDir: own.dataDir });
      expect((await shell(own, { id })).status).toBe("running");
    }
    writeFileSync(gate, "");
    expect(await fetched(own, id)).toMatchObject({ status: "ok", output: "before\nafter\n" });
  });

  test("false is stopped by force when the server ends", async () => {
    const own = await startServer({ env: { ERRAND_LIMITS_SHUTDOWN_DRAIN_SECONDS: "0" } });
    const token = newToken();
    const id = await launch(own, `sleep 100 ${token}`, { survive: "false" });
    await own.stop();
    await untilGone(token);
    const next = await startServer({ dataDir: own.dataDir });
    expect((await shell(next, { id })).status).toBe("killed");
  });

  test("true is ignored without async", async () => {
    expect(await shell(server, { command: hello, survive: "true" })).toMatchObject({
      status: "ok",
      output: "hello\n",
    });
    expect((await shell(server, { command: "true", survive: "1", call: "detach" })).status).toBe("detached");
  });
});

describe("timeout", () => {
  test("stops what runs longer, and nothing else", async () => {
    const token = newToken();
    const killed = await shell(server, { command: sh(`echo begun; exec sleep ${token} 100`), timeout: 2 });
    expect(killed).toMatchObject({ status: "killed", output: "begun\n" });
    expect(Number(killed.attributes.duration)).toBeWithin(2e9, 15e9);
    await untilGone(token);
    expect((await shell(server, { command: "sleep 0.3", timeout: 100 })).status).toBe("ok");
  });

  test("0 is none, and the longest is ten years", async () => {
    for (const timeout of [0, "00", 315_360_000]) {
      expect((await shell(server, { command: "sleep 0.2", timeout })).status).toBe("ok");
    }
  });
});

describe("exit-code", () => {
  test.each([
    [null, 0, "ok"],
    [null, 1, "fail"],
    [0, 0, "ok"],
    ["003", 3, "ok"],
    [3, 0, "fail"],
    [255, 255, "ok"],
    [255, 254, "fail"],
  ])("%j with a program that gives %d: %s", async (code, given, status) => {
    const answer = await shell(server, { command: sh(`exit ${given}`), "exit-code": code });
    expect([answer.status, answer.attributes.result]).toEqual([status, String(given)]);
    const id = await launch(server, sh(`exit ${given}`), { "exit-code": code });
    expect((await fetched(server, id)).status).toBe(status);
  });
});

test("a job started here is a job of v1, with what the attributes said", async () => {
  const id = await launch(server, "sh -c 'exit 4'", { "exit-code": 4, "retrieve-timeout": 60 });
  await endedJob(server, id);
  expect(await job(server, id)).toMatchObject({
    command: ["sh", "-c", "exit 4"],
    state: "ended",
    mode: "background",
    outcome: { reason: "exited", code: 4, success: true },
  });
});

test("one shell's mistakes are its own", async () => {
  const answers = await solve(server, shellTag({ command: hello, call: "x" }), shellTag({ command: hello }));
  expect(answers.map(({ status, output }) => [status, output])).toEqual([
    ["error", undefined],
    ["ok", "hello\n"],
  ]);
});

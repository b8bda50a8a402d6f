// Contract flexideo, "Envelope": what may be sent to /solve, what is refused as a whole, and what in its own answer.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parseXml, postXml, readAnswers, refusal, sh, shellTag, solve } from "../support/flexideo.ts";
import { newToken, untilGone, untilLiving } from "../support/processes.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

const hello = `<request>${shellTag({ command: "echo hello" })}</request>`;

/** The output of the only `<shell>` of a body; the answer must be 200. */
async function outputOf(body: string | Uint8Array<ArrayBuffer>): Promise<string | undefined> {
  const response = await postXml(server, body);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return readAnswers(text)[0]?.output;
}

function utf16(text: string, order: "le" | "be", { mark }: { mark: boolean }): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(mark ? `\ufeff${text}` : text, "utf16le");
  return new Uint8Array(order === "le" ? bytes : bytes.swap16());
}

describe("POST /solve", () => {
  test("answers XML that is not to be stored", async () => {
    const response = await postXml(server, hello);
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      "application/xml; charset=utf-8",
    ]);
    expect(response.headers.get("cache-control")).toContain("no-store");
    const [answer] = readAnswers(await response.text());
    expect(answer).toMatchObject({ name: "shell", status: "ok", output: "hello\n", error: "" });
  });

  test.each(["application/xml", "text/xml", "Text/XML; charset=utf-8", "application/xml;q=1"])(
    "takes the content type %s",
    async (type) => {
      const response = await postXml(server, hello, { headers: { "content-type": type } });
      expect(response.status).toBe(200);
    },
  );

  test.each([
    "text/plain",
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "x",
  ])("refuses the content type %s", async (type) => {
    const response = await postXml(server, hello, { headers: { "content-type": type } });
    expect(await refusal(response)).toMatchObject({ status: 403, number: 6 });
  });

  test("needs one from a browser, which asks first for these", async () => {
    const own = { origin: server.url };
    const asked = await postXml(server, hello, { headers: { ...own, "content-type": "application/xml" } });
    expect(asked.status).toBe(200);
    const plain = await postXml(server, hello, { headers: { ...own, "content-type": "text/plain" } });
    expect(plain.status).toBe(403);
    const foreign = await postXml(server, hello, { headers: { origin: "https://elsewhere.example" } });
    expect(await refusal(foreign)).toMatchObject({ status: 403 });
  });

  test.each(["GET", "PUT", "DELETE", "OPTIONS"])("is the only method: %s", async (method) => {
    const response = await server.request("/solve", { method });
    expect(response.headers.get("allow")).toBe("POST");
    expect(await refusal(response)).toMatchObject({ status: 405, number: 8 });
  });

  test("needs a credential", async () => {
    expect(await refusal(await postXml(server, hello, { credential: false }))).toMatchObject({ status: 401 });
    expect(await refusal(await postXml(server, hello, { credential: "x" }))).toMatchObject({ status: 401 });
  });

  test("is that path alone", async () => {
    for (const path of ["/solve/", "/Solve", "/solve%2f", "/%73olve"]) {
      const response = await server.request(path, { method: "POST", body: hello });
      expect([path, response.status]).toEqual([path, 501]);
    }
    expect((await server.request("/solve?a=b", { method: "POST", body: hello })).status).toBe(200);
  });
});

describe("an envelope", () => {
  test("may be empty", async () => {
    const response = await postXml(server, "<request/>");
    expect([response.status, await response.text()]).toEqual([200, "<response></response>"]);
  });

  test.each([
    ['<request session="7"/>', 200],
    ['<request target="x" session=""/>', 200],
    [
      '<request xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="a.xsd"/>',
      200,
    ],
    ['<request xmlns="urn:a"/>', 200],
    ["<!-- a --><?b c?><request><!-- d --> <?e?>\n</request><!-- f -->\n", 200],
    ['<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<request/>', 200],
    ['<request sesion="7"/>', 400],
    ["<request>text</request>", 400],
    ["<request><![CDATA[ ]]></request>", 400],
    ["<Request/>", 400],
    ["<requests/>", 400],
    ["<response/>", 400],
    ['<a:request xmlns:a="urn:a"/>', 400],
    ["<a:request/>", 400],
    ["", 400],
    [" ", 400],
    ["{}", 400],
    ["<request>", 400],
    ["<request/><request/>", 400],
    ["<request><shell</request>", 400],
    ['<request><shell id="1" id="2"/></request>', 400],
    ["<request>&nbsp;</request>", 400],
    ["<request>&#0;</request>", 400],
    ["<request>&constructor;</request>", 400],
    ['<?xml version="1.1"?><request>&#1;</request>', 400],
  ])("%j is answered %d", async (body, status) => {
    const response = await postXml(server, body);
    if (status === 200) expect(response.status).toBe(200);
    else expect(await refusal(response)).toMatchObject({ status, number: 1 });
  });

  test("of which a part is wrong is not carried out in part", async () => {
    const token = newToken();
    const started = shellTag({ command: `sleep ${token} 100`, call: "async" });
    expect((await postXml(server, `<request>${started}<shell></request>`)).status).toBe(400);
    await untilGone(token);
    expect(
      ((await (await server.request("/v1/jobs")).json()) as { jobs: unknown[] }).jobs,
    ).not.toContainEqual(expect.objectContaining({ command: ["sleep", token, "100"] }));
  });

  test("over the limit is refused with 413", async () => {
    const body = `<request><!--${"x".repeat(8 * 1024 * 1024)}--></request>`;
    expect(await refusal(await postXml(server, body))).toMatchObject({ status: 413, number: 11 });
  });
});

describe("a body", () => {
  const text = `<request>${shellTag({ command: "cat" }, "žluťoučký kůň 😀")}</request>`;
  const declared = (name: string) => `<?xml version="1.0" encoding="${name}"?>${text}`;

  test.each([
    ["UTF-8", Buffer.from(text)],
    ["UTF-8 with a mark", Buffer.from(`\ufeff${text}`)],
    ["UTF-8, declared", Buffer.from(declared("UTF-8"))],
    ["UTF-8 with a mark, declared", Buffer.from(`\ufeff${declared("utf-8")}`)],
    ["UTF-16 LE with a mark", utf16(text, "le", { mark: true })],
    ["UTF-16 BE with a mark", utf16(text, "be", { mark: true })],
    ["UTF-16 LE with a mark, declared", utf16(declared("UTF-16"), "le", { mark: true })],
    ["UTF-16 BE with a mark, declared", utf16(declared("utf-16"), "be", { mark: true })],
    ["UTF-16 LE, declared", utf16(declared("UTF-16LE"), "le", { mark: false })],
    ["UTF-16 BE, declared", utf16(declared("UTF-16BE"), "be", { mark: false })],
    ["UTF-16 LE, declared without its order", utf16(declared("UTF-16"), "le", { mark: false })],
    ["UTF-16 BE, declared without its order", utf16(declared("UTF-16"), "be", { mark: false })],
  ])("is taken in %s", async (_, bytes) => {
    expect(await outputOf(new Uint8Array(bytes))).toBe("žluťoučký kůň 😀");
  });

  test.each([
    ["UTF-16 without a mark or a declaration", utf16(text, "le", { mark: false })],
    [
      "UTF-16 without a mark, declared without a name",
      utf16(`<?xml version="1.0"?>${text}`, "be", { mark: false }),
    ],
    ["UTF-16 that says it is UTF-8", utf16(declared("UTF-8"), "le", { mark: true })],
    ["UTF-16 LE that says it is BE", utf16(declared("UTF-16BE"), "le", { mark: true })],
    ["UTF-8 that says it is UTF-16", Buffer.from(declared("UTF-16"))],
    ["another encoding", Buffer.from(declared("windows-1250"))],
    ["UTF-8 with a byte too many", Buffer.concat([Buffer.from(text), Buffer.of(0xff)])],
    [
      "UTF-8 that is overlong",
      Buffer.from(`<request><shell command="cat">\xc0\xaf</shell></request>`, "latin1"),
    ],
    [
      "UTF-8 with half a pair",
      Buffer.from(`<request><shell command="cat">\xed\xa0\x80</shell></request>`, "latin1"),
    ],
    ["UTF-16 with half a pair", utf16(text.replace("😀", "\ud83d"), "le", { mark: true })],
    ["UTF-16 with half a unit", Buffer.concat([utf16(text, "le", { mark: true }), Buffer.of(0x20)])],
    ["UTF-32", Buffer.concat([Buffer.of(0xff, 0xfe, 0, 0), Buffer.from("<\0\0\0a\0\0\0", "latin1")])],
    ["UTF-7", Buffer.from("+ADw-request/+AD4-")],
    ["a mark alone", Buffer.of(0xef, 0xbb, 0xbf)],
  ])("is refused in %s", async (_, bytes) => {
    expect(await refusal(await postXml(server, new Uint8Array(bytes)))).toMatchObject({
      status: 400,
      number: 1,
    });
  });
});

describe("elements", () => {
  test("other than shell are answered under their own name", async () => {
    const answers = await solve(
      server,
      '<save-file name="a"><data>x</data></save-file>',
      shellTag({ command: "echo on" }),
      "<Shell/>",
      '<x:shell xmlns:x="urn:&amp;x" x:y="" command="echo never"/>',
      '<sub:load-files xmlns:sub="urn:s" xmlns:more="urn:m" more:a=""><sub:a/></sub:load-files>',
      '<plain xmlns="urn:p"/>',
    );
    expect(answers.map(({ name, status }) => [name, status])).toEqual([
      ["save-file", "error"],
      ["shell", "ok"],
      ["Shell", "error"],
      ["x:shell", "error"],
      ["sub:load-files", "error"],
      ["plain", "error"],
    ]);
    expect(answers[0]?.attributes.detail).toContain('"save-file"');
    expect(answers[3]?.attributes).toMatchObject({ "xmlns:x": "urn:&x" });
  });

  test("of one request are carried out and answered in their order, whatever becomes of each", async () => {
    const file = `${server.dataDir}/order`;
    const write = (text: string) => shellTag({ command: sh(`sleep 0.05; echo ${text} >> ${file}`) });
    const answers = await solve(
      server,
      ...[
        write("1"),
        shellTag({ command: "no-such-program" }),
        write("2"),
        "<other/>",
        shellTag({ id: "1" }),
      ],
      ...[shellTag({ command: "false" }), write("3"), shellTag({ command: `cat ${file}` }), "<shell/>"],
    );
    expect(answers.map(({ status }) => status)).toEqual([
      ...["ok", "error", "ok", "error", "not-found"],
      ...["fail", "ok", "ok", "error"],
    ]);
    expect(answers[7]?.output).toBe("1\n2\n3\n");
  });

  test("are answered as each becomes known", async () => {
    const token = newToken();
    const body = `<request>${shellTag({ command: "echo first" })}${shellTag({ command: `sleep ${token} 100` })}</request>`;
    const response = await postXml(server, body);
    const reader = response.body?.getReader();
    let text = "";
    while (!text.includes("</shell>")) {
      const part = await reader?.read();
      if (part?.done !== false) throw new Error(`it ended: ${text}`);
      text += new TextDecoder().decode(part.value);
    }
    expect(parseXml(`${text}</response>`).children[0]?.attributes).toMatchObject({ status: "ok" });
    const [pid = 0] = await untilLiving(token, 1);
    process.kill(pid, "SIGKILL");
    for (;;) {
      const part = await reader?.read();
      if (part?.done !== false) break;
      text += new TextDecoder().decode(part.value);
    }
    expect(readAnswers(text).map(({ status }) => status)).toEqual(["ok", "fail"]);
  });

  test("may be many", async () => {
    const answers = await solve(server, ...Array.from({ length: 500 }, (_, id) => shellTag({ id })));
    expect(answers.map(({ status, attributes }) => [status, attributes.id])).toEqual(
      answers.map((_, id) => ["not-found", String(id)]),
    );
  });
});

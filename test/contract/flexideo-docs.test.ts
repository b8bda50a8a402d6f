// docs/protocol-flexideo.md: its requests are answered as it says, and its table of errors is the one of the source.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { flexideoErrors } from "../../src/http/flexideo/errors.ts";
import { fetched, postXml, readAnswers } from "../support/flexideo.ts";
import { endEverything, projectRoot, type Server, startServer } from "../support/server.ts";

const page = readFileSync(join(projectRoot, "docs/protocol-flexideo.md"), "utf8");
const blocks = [...page.matchAll(/^```xml\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text.trim());

let server: Server;
beforeAll(async () => {
  server = await startServer({ config: '[environment]\nPATH = "/usr/bin:/bin"\n' });
});
afterAll(endEverything);

/** Without what differs at each run, and without the line breaks that the page has for its readers. */
function comparable(answer: string): string {
  return answer
    .replace(/>\s+</g, "><")
    .replace(/<[^>]*>/g, (tag) => tag.replace(/\s+/g, " "))
    .replace(/\b(start|stop)="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g, '$1="(time)"')
    .replace(/\bduration="\d+"/g, 'duration="(nanoseconds)"')
    .replace(/\bid=("|&quot;)\d{10,}\1/g, "id=$1(id)$1")
    .replaceAll("><", ">\n<");
}

describe("the page's examples", () => {
  test("are pairs", () => {
    expect(blocks.length).toBeGreaterThan(10);
    expect(blocks.map((text) => /^<(\w+)/.exec(text)?.[1])).toEqual(
      blocks.map((_, index) => (index % 2 === 0 ? "request" : "response")),
    );
  });

  test("are answered as it says", async () => {
    /** Ids of the page, and what they are here. */
    const ids = new Map<string, string>();
    for (let index = 0; index < blocks.length; index += 2) {
      const [request = "", expected = ""] = blocks.slice(index);
      const body = request.replace(/\bid="(\d+)"/g, (all, id) => (ids.has(id) ? `id="${ids.get(id)}"` : all));
      for (const id of ids.values()) if (body.includes(id)) await fetched(server, id, { encode: "hex" });
      const answer = await (await postXml(server, body)).text();
      expect(comparable(answer)).toBe(comparable(expected));
      const [started] = readAnswers(answer);
      const shown = readAnswers(expected)[0]?.attributes.id;
      if (started?.status === "running") ids.set(shown ?? "", started.attributes.id ?? "");
    }
  }, 30_000);
});

test("the table of errors is the one of the source", () => {
  const rows = [...page.matchAll(/^\| (\d+) \| (\d+) \| `([a-z-]+)`/gm)].map(([, number, status, code]) => [
    code,
    { status: Number(status), number: Number(number) },
  ]);
  expect(rows).toEqual(Object.entries(flexideoErrors));
});

test("every attribute, status and form is on the page", () => {
  const attributes = [
    "id",
    "command",
    "call",
    "join-output",
    "no-output",
    "survive",
    "timeout",
    "retrieve-timeout",
  ];
  const more = [
    "out-buffer-size",
    "err-buffer-size",
    "input-encoding",
    "encode",
    "codepage",
    "exit-code",
    "async",
  ];
  const statuses = ["ok", "fail", "running", "detached", "killed", "not-found", "error"];
  for (const name of [...attributes, ...more, ...statuses]) expect(page).toContain(`\`${name}\``);
});

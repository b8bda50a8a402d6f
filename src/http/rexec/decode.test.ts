import { describe, expect, test } from "bun:test";
import { anything, array, assert, dictionary, json, property, record, string, uint8Array } from "fast-check";
import { ErrandError } from "../../core/errors.ts";
import { plainSpec } from "../../core/job.ts";
import { decode } from "./decode.ts";

const aliasBytes = 64;
const encode = (text: string) => new TextEncoder().encode(text);
const decodeText = (text: string) => decode(encode(text), aliasBytes);

/** The words of the refusal. Every error that is none of ours fails the test. */
function refusal(body: Uint8Array | string): string | undefined {
  try {
    decode(typeof body === "string" ? encode(body) : body, aliasBytes);
    return undefined;
  } catch (error) {
    if (error instanceof ErrandError && error.code === "invalid-request") return error.message;
    throw error;
  }
}

describe("a request", () => {
  test("needs alias and cmd alone", () => {
    expect(decodeText('{"alias":"a","cmd":"true"}')).toEqual({
      ...plainSpec,
      alias: "a",
      command: ["true"],
      cwd: null,
      env: {},
    });
  });

  test("has arguments, directory and variables, and may have more", () => {
    const spec = { alias: "a", cmd: "x", args: ["", "b c"], cwd: "/", envs: { A: "", B: "1" }, more: [1] };
    expect(decodeText(JSON.stringify(spec))).toEqual({
      ...plainSpec,
      alias: "a",
      command: ["x", "", "b c"],
      cwd: "/",
      env: { A: "", B: "1" },
    });
  });

  test("comes back as it was sent, whatever its texts", () => {
    const texts = string({ unit: "binary" }).filter((text) => text.isWellFormed());
    const specs = record({
      alias: texts,
      cmd: texts,
      args: array(texts),
      cwd: texts,
      envs: dictionary(texts, texts),
    });
    assert(
      property(specs, ({ alias, cmd, args, cwd, envs }) => {
        if (Buffer.byteLength(alias) > aliasBytes) return;
        const decoded = decodeText(JSON.stringify({ alias, cmd, args, cwd, envs }));
        expect([decoded.alias, decoded.command, decoded.cwd]).toEqual([alias, [cmd, ...args], cwd]);
        expect(Object.entries(decoded.env)).toEqual(Object.entries(envs));
      }),
    );
  });
});

describe("is refused with what is wrong:", () => {
  const spec = (more: string) => `{"alias":"a","cmd":"true",${more}}`;

  test.each([
    ["", "empty"],
    [" ", "no JSON"],
    ["{", "no JSON"],
    ["{'alias':1}", "no JSON"],
    ["null", "null"],
    ["[]", "an array"],
    ['"a"', "a string"],
    ["1", "a number"],
    ["{}", "alias"],
    ['{"alias":"a"}', "cmd"],
    ['{"cmd":"true"}', "alias"],
    ['{"alias":null,"cmd":"true"}', "alias"],
    ['{"alias":"a","cmd":null}', "cmd"],
    ['{"alias":1,"cmd":"true"}', "a number"],
    [spec('"args":null'), "args"],
    [spec('"args":"x"'), "args"],
    [spec('"args":{"0":"x"}'), "args"],
    [spec('"args":["a",1]'), "args[1]"],
    [spec('"args":[null]'), "args[0]"],
    [spec('"cwd":null'), "cwd"],
    [spec('"cwd":1'), "cwd"],
    [spec('"envs":null'), "envs"],
    [spec('"envs":["A=1"]'), "envs"],
    [spec('"envs":{"A":1}'), 'envs["A"]'],
    [spec('"envs":{"A":null}'), 'envs["A"]'],
    [`{"alias":"${"a".repeat(65)}","cmd":"true"}`, "64 bytes"],
    [`{"alias":"${"\u00e9".repeat(33)}","cmd":"true"}`, "64 bytes"],
  ])("%p", (text, words) => {
    expect(refusal(text)).toContain(words);
  });

  test("a field that every object has by itself is none of the request's", () => {
    expect(refusal('{"__proto__":{"alias":"a","cmd":"true"}}')).toContain("alias");
    expect(decodeText(spec('"__proto__":{"cwd":"/"}')).cwd).toBeNull();
    expect(decodeText(spec('"__proto__":{"args":["x"]}')).command).toEqual(["true"]);
    const { env } = decodeText(spec('"envs":{"__proto__":"x","constructor":"y"}'));
    expect(Object.entries(env)).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
  });

  test.each([[[0xff]], [[0xc3]], [[0xed, 0xa0, 0x80]], [[0xfe, 0xff, 0x00, 0x7b]]])(
    "the bytes %j",
    (bytes) => {
      expect(refusal(new Uint8Array(bytes))).toContain("UTF-8");
    },
  );

  test("nesting of any depth", () => {
    for (const depth of [1_000, 100_000, 1_000_000]) {
      const deep = "[".repeat(depth);
      expect(refusal(deep)).toBeString();
      expect(refusal(`{"a":${deep}${"]".repeat(depth)}}`)).toBeString();
    }
  });
});

describe("whatever comes, it is a spec or a refusal:", () => {
  test("bytes", () => {
    assert(property(uint8Array({ maxLength: 200 }), (bytes) => void refusal(bytes)));
  });

  test("JSON", () => {
    assert(property(json(), (text) => void refusal(text)));
  });

  test("fields of any kind", () => {
    const specs = record({
      alias: anything(),
      cmd: anything(),
      args: anything(),
      cwd: anything(),
      envs: anything(),
    });
    assert(
      property(specs, (spec) => {
        let text: string | undefined;
        try {
          text = JSON.stringify(spec);
        } catch {
          return;
        }
        const why = refusal(text ?? "");
        expect(why === undefined || why.length > 0).toBe(true);
      }),
    );
  });

  test("a right request with one byte changed", () => {
    const right = encode('{"alias":"a","cmd":"true","args":["b"],"cwd":"/","envs":{"A":"1"}}');
    for (let at = 0; at < right.length; at += 1) {
      for (const byte of [0x00, 0x22, 0x5c, 0x7d, 0x80, 0xff]) {
        const changed = right.slice();
        changed[at] = byte;
        refusal(changed);
      }
    }
    expect(refusal(right)).toBeUndefined();
  });
});

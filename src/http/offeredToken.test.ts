import { describe, expect, test } from "bun:test";
import { assert, property, string, uint8Array } from "fast-check";
import { ErrandError } from "../core/errors.ts";
import { offeredToken } from "./offeredToken.ts";

const protocolOf = (token: string | Uint8Array) => `errand.token.${Buffer.from(token).toString("base64url")}`;

/** The token as text; the code of the refusal; null when none is offered. */
function offered(header: string | undefined): string | null {
  try {
    const token = offeredToken(header);
    return token && Buffer.from(token).toString();
  } catch (error) {
    return error instanceof ErrandError ? error.code : "another error";
  }
}

test("a token is found wherever it stands among the subprotocols", () => {
  const own = protocolOf("the token");
  for (const header of [own, `errand.v1, ${own}`, `${own},errand.v1`, `a,\t${own} ,b`])
    expect([header, offered(header)]).toEqual([header, "the token"]);
});

test("any bytes but none come through, up to 4,096", () => {
  assert(
    property(uint8Array({ minLength: 1, maxLength: 4_096 }), (bytes) => {
      expect(Buffer.compare(offeredToken(`errand.v1, ${protocolOf(bytes)}`) ?? Buffer.of(), bytes)).toBe(0);
    }),
  );
  expect(offered(protocolOf("x".repeat(4_096)))).toHaveLength(4_096);
  expect(offered(protocolOf("x".repeat(4_097)))).toBe("unauthorized");
});

describe("there is none in", () => {
  const others = [undefined, "", ",", "errand.v1", "errand.token", "xerrand.token.YQ", "Errand.Token.YQ"];
  test.each(others)("%p", (header) => {
    expect(offered(header)).toBeNull();
  });
});

describe("is refused:", () => {
  test.each([
    ["nothing behind the dot", "errand.token."],
    ["one character, which is no byte", "errand.token.Y"],
    ["padding", "errand.token.YQ=="],
    ["bits that belong to no byte", "errand.token.YR"],
    ["the other alphabet", "errand.token.-_8+"],
    ["the other alphabet's slash", "errand.token._/8A"],
    ["a space within", "errand.token.YW Jj"],
    ["more behind a dot", "errand.token.YQ.YQ"],
    ["quotes", 'errand.token."YQ"'],
    ["a parameter", "errand.token.YQ;q=1"],
    ["an escape", "errand.token.%59%51"],
    ["two", "errand.token.YQ, errand.token.Yg"],
    ["the same one twice", "errand.token.YQ,errand.v1,errand.token.YQ"],
    ["a good one beside a bad one", "errand.token.YQ, errand.token."],
  ])("%s", (_name, header) => {
    expect(offered(header)).toBe("unauthorized");
    expect(offered(`errand.v1, ${header}`)).toBe("unauthorized");
  });

  test("whatever spells a token in another way, without a word of it", () => {
    assert(
      property(string({ maxLength: 40 }), (text) => {
        const found = offered(`errand.token.${text}`);
        if (text.includes(",") || found === "unauthorized") return;
        expect(protocolOf(offeredToken(`errand.token.${text}`) ?? "")).toBe(`errand.token.${text.trim()}`);
      }),
    );
    expect(() => offeredToken("errand.token.canary=")).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("canary") }),
    );
  });
});

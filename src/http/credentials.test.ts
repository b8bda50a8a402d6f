import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { assert, base64String, property, string } from "fast-check";
import { ErrandError } from "../core/errors.ts";
import { Credentials } from "./credentials.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const base64 = (text: string) => Buffer.from(text).toString("base64");
const first = "the-first_token.~+/=";
const second = "s\u00e9cond: with spaces and : colons";
const clock = { now: 1_000 };
const closed = { open: false, now: () => clock.now };
const credentials = new Credentials(
  [
    { name: "one", sha256: sha256(first), scopes: ["read"] },
    { name: "two", sha256: sha256(second), scopes: ["admin"] },
  ],
  closed,
);

/** The name of who that is; the code of the refusal. */
function check(authorization: string | undefined, own = credentials): string {
  try {
    return own.check(authorization).name;
  } catch (error) {
    return error instanceof ErrandError ? error.code : "another error";
  }
}

describe("is taken:", () => {
  test.each([
    ["Bearer", `Bearer ${first}`, "one"],
    ["BEARER with spaces", `BEARER   ${first}  `, "one"],
    ["Basic", `Basic ${base64(`user:${first}`)}`, "one"],
    ["basic without a user", `basic ${base64(`:${first}`)}`, "one"],
    ["a password with colons, spaces and more", `Basic ${base64(`u:${second}`)}`, "two"],
  ])("%s", (_name, authorization, name) => {
    expect(check(authorization)).toBe(name);
  });
});

describe("is refused:", () => {
  test.each([
    ["nothing", undefined],
    ["an empty text", ""],
    ["Bearer alone", "Bearer"],
    ["Bearer and a space", "Bearer "],
    ["no scheme", first],
    ["another scheme", `Token ${first}`],
    ["a longer scheme", `XBearer ${first}`],
    ["no space", `Bearer${first}`],
    ["a tab", `Bearer\t${first}`],
    ["more behind it", `Bearer ${first} x`],
    ["a line behind it", `Bearer ${first}\n`],
    ["two in one", `Bearer ${first}, Bearer ${first}`],
    ["another case", `Bearer ${first.toUpperCase()}`],
    ["its digest", `Bearer ${sha256(first)}`],
    ["a name", "Bearer one"],
    ["Basic that is no base64", "Basic ***"],
    ["Basic of base64url", `Basic ${Buffer.from(`\u00ff\u00ff:${first}`).toString("base64url")}-`],
    ["Basic without a colon", `Basic ${base64(first)}`],
    ["Basic with the token as the user", `Basic ${base64(`${first}:`)}`],
    ["Basic with a space behind the token", `Basic ${base64(`u:${first} `)}`],
    ["Basic that is empty", "Basic "],
  ])("%s", (_name, authorization) => {
    expect(check(authorization)).toBe("unauthorized");
  });

  test("any other text, without another error", () => {
    assert(property(string(), (text) => expect(check(text)).toBe("unauthorized")));
    assert(property(string(), (text) => expect(check(`Bearer ${text}`)).toBe("unauthorized")));
    assert(property(base64String(), (text) => expect(check(`Basic ${text}`)).toBe("unauthorized")));
  });

  test("everything, where there is no token", () => {
    expect(check(`Bearer ${first}`, new Credentials([], closed))).toBe("unauthorized");
  });
});

test("an open server knows everybody as anyone", () => {
  const open = new Credentials([{ name: "one", sha256: sha256(first), scopes: ["read"] }], {
    ...closed,
    open: true,
  });
  for (const authorization of [undefined, "", "Bearer wrong", `Bearer ${first}`]) {
    expect(open.check(authorization)).toEqual({ name: "anyone", scopes: ["admin"] });
  }
});

describe("a token", () => {
  const token = { name: "brief", sha256: sha256("brief"), scopes: ["run"] } as const;

  test("has the scopes that it was given", () => {
    expect(credentials.check(`Bearer ${first}`)).toEqual({ name: "one", scopes: ["read"] });
    expect(credentials.check(`Basic ${base64(`:${second}`)}`)).toEqual({ name: "two", scopes: ["admin"] });
  });

  test("counts from when it is accepted to when it is withdrawn", () => {
    const own = new Credentials([], closed);
    expect(check("Bearer brief", own)).toBe("unauthorized");
    own.accept(token);
    expect(check("Bearer brief", own)).toBe("brief");
    own.withdraw(token.sha256);
    own.withdraw(token.sha256);
    expect(check("Bearer brief", own)).toBe("unauthorized");
  });

  test("that has expired is refused, and its holder is told why", () => {
    const own = new Credentials([{ ...token, expiresAt: 2_000 }], closed);
    expect(check("Bearer brief", own)).toBe("brief");
    clock.now = 2_000;
    expect(() => own.check("Bearer brief")).toThrow("expired");
    expect(check("Bearer brief", own)).toBe("unauthorized");
    clock.now = 1_000;
  });

  test("keeps its rights when another with the same secret comes", () => {
    const own = new Credentials(
      [
        { ...token, scopes: ["admin"] },
        { ...token, name: "other" },
      ],
      closed,
    );
    own.accept({ ...token, scopes: ["read"] });
    expect(own.check("Bearer brief")).toEqual({ name: "brief", scopes: ["admin"] });
  });
});

test("no refusal repeats what was sent", () => {
  for (const authorization of ["Bearer canary-1", "canary-1", `Basic ${base64("u:canary-1")}`]) {
    expect(() => credentials.check(authorization)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("canary") }),
    );
  }
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callbackSecret, callbackSecretPath } from "./secret.ts";

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "errand-secret-"));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

const good = `whsec_${Buffer.alloc(24, 1).toString("base64")}`;

function file(text: string, mode = 0o600): string {
  const path = join(data, "given");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe("the secret of the data directory", () => {
  test("is made at first use, for its owner alone, and stays", () => {
    const secret = callbackSecret(data, null);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect([callbackSecret(data, null), readdirSync(data)]).toEqual([secret, ["callback-secret"]]);
    const path = callbackSecretPath(data);
    expect([statSync(path).mode & 0o777, readFileSync(path, "utf8")]).toEqual([0o600, `${secret}\n`]);
  });

  test("is made anew where a server died while it made one", () => {
    writeFileSync(`${callbackSecretPath(data)}.new`, "whse");
    expect([callbackSecret(data, null).length, readdirSync(data)]).toEqual([50, ["callback-secret"]]);
  });

  test("that others could have read is refused", () => {
    callbackSecret(data, null);
    for (const mode of [0o640, 0o604, 0o620, 0o666]) {
      chmodSync(callbackSecretPath(data), mode);
      expect(() => callbackSecret(data, null)).toThrow("only its owner can read");
    }
  });
});

describe("a secret file", () => {
  test("is taken instead, and nothing is made", () => {
    expect(callbackSecret(data, file(` ${good}\n`))).toBe(good);
    expect(readdirSync(data)).toEqual(["given"]);
  });

  test("that others can read, or that is no file, is refused", () => {
    for (const mode of [0o644, 0o640, 0o660])
      expect(() => callbackSecret(data, file(good, mode))).toThrow("chmod 600");
    expect(() => callbackSecret(data, data)).toThrow("must be a file");
    expect(() => callbackSecret(data, join(data, "none"))).toThrow("ENOENT");
  });

  test("that holds no secret is refused, and what it holds is not repeated", () => {
    const short = Buffer.alloc(23, 1).toString("base64");
    const long = Buffer.alloc(65, 1).toString("base64");
    const bad = [
      "",
      "whsec_",
      good.slice(6),
      `whsec_${short}`,
      `whsec_${long}`,
      `${good}!`,
      `${good} ${good}`,
    ];
    for (const text of [...bad, "x".repeat(5_000)]) {
      const refused = expect(() => callbackSecret(data, file(text)));
      refused.toThrow("must hold whsec_ and the base64 of 24 to 64 bytes");
      if (text.length > 8) refused.not.toThrow(text);
    }
  });
});

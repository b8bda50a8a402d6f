// A rule that cannot fail is none: the rules about documents of test/tidy.test.ts against small examples.

import { describe, expect, test } from "bun:test";
import { deadLinks, errorTableDifferences, readPage } from "./docs.ts";
import { blamed } from "./files.ts";
import { privateContent } from "./private.ts";

describe("documentation", () => {
  const pages = {
    "README.md":
      "[a](docs/a.md) [b](docs/a.md#the-b--c) [c](docs) [d](#top) [e](https://host/x.md) ![f](/LICENSE)\n# Top",
    "docs/a.md":
      "## The `B` & C!\n## Twice\n## Twice\n<a id='own'></a> [up](../README.md#top) [2](#twice-1) [o](#own)",
  };
  const exists = (path: string) => ["README.md", "LICENSE", "docs", "docs/a.md"].includes(path);

  test("good links pass, and what only looks like one", () => {
    expect(deadLinks(pages, exists)).toEqual([]);
    expect(readPage('`[a](b.md)`\n\n```\n[a](c.md)\n<a href="d.md">\n```\n<!-- [a](e.md) -->').links).toEqual(
      [],
    );
  });

  test.each([
    "[a](missing.md)",
    "[a](docs/a.md#missing)",
    "[a](#missing)",
    "[a](../outside.md)",
    "![a](missing.png)",
    "[a][r]\n\n[r]: missing.md",
    '<a href="missing.md">a</a>',
  ])("dead: %s", (text) => {
    expect(blamed(deadLinks({ ...pages, "new.md": text }, exists))).toEqual(["new.md"]);
  });

  test("the error table and its page are compared both ways", () => {
    const page =
      "| Code | Status |\n|---|---|\n| `one` | 400 |\n| `two` | 500 |\n\n| Other |\n|---|\n| `x` |";
    expect(readPage(page).codes).toEqual(["one", "two"]);
    expect(errorTableDifferences(["one", "two"], page)).toEqual([]);
    expect(blamed(errorTableDifferences(["one", "three"], page))).toEqual(["three", "two"]);
    expect(errorTableDifferences(["one"], "no table")).toHaveLength(1);
  });
});

describe("repository", () => {
  // Put together here, so that this file holds none itself.
  const url = (host: string) => ["https:", "", host, "zod"].join("/");

  test("a path of the checkout is found, and not a longer name", () => {
    const files = {
      "a.md": "see /some/where/src.",
      "b.md": "see /some/wherever",
      "c.md": "see x/some/where",
    };
    expect(blamed(privateContent(files, "/some/where"))).toEqual(["a.md"]);
    expect(privateContent({ "a.md": "/app/data" }, "/app")).toEqual([]);
  });

  test("registries are found, local and example ones are not", () => {
    const host = ["registry", "somewhere", "org"].join(".");
    const archive = `${url("host.org")}/-/zod-1.0.0.tgz`;
    const files = { ".npmrc": `registry=${url(host)}`, "a.md": archive, "b.md": url("localhost:4873") };
    expect(blamed(privateContent(files, "/a/b"))).toEqual([".npmrc", "a.md"]);
    expect(privateContent({ "a.md": url("registry.example.org") }, "/a/b")).toEqual([]);
  });

  test("hosts in the lock file are found", () => {
    const lock = JSON.stringify({ packages: { "": {}, "node_modules/zod": { resolved: "file:zod.tgz" } } });
    expect(privateContent({ "package-lock.json": lock }, "/a/b")).toHaveLength(1);
    expect(privateContent({ "package-lock.json": '{"packages":{"":{}}}' }, "/a/b")).toEqual([]);
  });
});

import { Database } from "bun:sqlite";
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { endEverything, temporaryDirectory } from "../../test/support/cleanup.ts";
import type { StoredToken } from "../core/tokens.ts";
import { migrate } from "./migrate.ts";
import { SqliteTokens } from "./tokens.ts";

afterAll(endEverything);

function open(path = join(temporaryDirectory("tokens"), "a.db")) {
  const database = new Database(path, { create: true, strict: true, safeIntegers: true });
  database.run("PRAGMA journal_mode = WAL");
  database.run("PRAGMA synchronous = NORMAL");
  migrate(database);
  return { database, path, tokens: new SqliteTokens(database) };
}

const token = (id: string, more: Partial<StoredToken> = {}): StoredToken => ({
  ...{ id, name: `name of ${id}`, sha256: id.repeat(64).slice(0, 64), scopes: ["read", "run"] },
  ...{ createdAt: 1_800_000_000_000, expiresAt: null },
  ...more,
});

describe("tokens", () => {
  test("are there for the next server as they were, oldest first, even when this one never closed", () => {
    const { tokens, path } = open();
    const later = token("a", { createdAt: 1_800_000_000_001, expiresAt: 1_900_000_000_000 });
    const earlier = token("b", { scopes: ["admin"] });
    for (const one of [later, earlier]) tokens.put(one);
    expect(open(path).tokens.all()).toEqual([earlier, later]);
  });

  test("that were removed do not come back", () => {
    const { tokens, path } = open();
    for (const id of ["a", "b"]) tokens.put(token(id));
    tokens.remove("a");
    tokens.remove("a");
    expect(
      open(path)
        .tokens.all()
        .map(({ id }) => id),
    ).toEqual(["b"]);
  });

  test("never have one secret or one id twice", () => {
    const { tokens } = open();
    tokens.put(token("a"));
    expect(() => tokens.put(token("a", { sha256: "f" }))).toThrow();
    expect(() => tokens.put(token("b", { sha256: token("a").sha256 }))).toThrow();
    expect(tokens.all()).toHaveLength(1);
  });

  test("get no right from what is not known", () => {
    const { tokens, database } = open();
    for (const id of ["a", "b"]) tokens.put(token(id));
    database.run(`UPDATE tokens SET scopes = '["read","root",7]' WHERE id = 'a'`);
    database.run(`UPDATE tokens SET scopes = '"admin"' WHERE id = 'b'`);
    expect(tokens.all().map(({ scopes }) => scopes)).toEqual([["read"], []]);
  });

  test("leave other records as quick as they were, also after a failure", () => {
    const { tokens, database } = open();
    const mode = () => database.query("PRAGMA synchronous").get();
    const before = mode();
    tokens.put(token("a"));
    expect(() => tokens.put(token("a"))).toThrow();
    tokens.remove("a");
    expect(mode()).toEqual(before);
  });

  test("that the disk cannot take are refused as such", () => {
    const { tokens, database } = open();
    tokens.put(token("a"));
    const pages = database.query<{ page_count: bigint }, []>("PRAGMA page_count").get()?.page_count;
    database.run(`PRAGMA max_page_count = ${pages}`);
    const put = () => tokens.put(token("b", { name: "b".repeat(100_000) }));
    expect(put).toThrow(expect.objectContaining({ code: "storage-full" }));
    expect(tokens.all()).toEqual([token("a")]);
  });

  test("nothing in a name is SQL", () => {
    const { tokens } = open();
    const names = ["'); DROP TABLE tokens; --", '"', "?", "\u{1f600}"];
    for (const [index, name] of names.entries()) tokens.put(token(String(index), { name }));
    expect(tokens.all().map(({ name }) => name)).toEqual(names);
  });
});

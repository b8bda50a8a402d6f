// Contract config, [[token]]: credentials beside the local one, kept as digests.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { idOf, specOf } from "../support/jobs.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { refused } from "./support/checked.ts";

afterAll(endEverything);

const secrets = { ci: "the secret of ci", deploy: "l\u00f6sung-42", short: "x" };
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const all = '["run", "read", "admin"]';

function tokenTable(name: string, digest: string, scopes = `scopes = ${all}`): string {
  return `[[token]]\nname = "${name}"\nsha256 = "${digest}"\n${scopes}\n`;
}

describe("a configured token", () => {
  let server: Server;
  beforeAll(async () => {
    const tables = Object.entries(secrets).map(([name, secret]) => tokenTable(name, sha256(secret)));
    const upper = tokenTable("upper", sha256("upper").toUpperCase());
    server = await startServer({ config: [...tables, upper].join("") });
  });

  const asPassword = (secret: string) => `Basic ${Buffer.from(`anybody:${secret}`).toString("base64")}`;

  test.each(Object.entries({ ...secrets, upper: "upper" }))(
    "%s opens the server as a password",
    async (name, secret) => {
      const headers = { authorization: asPassword(secret) };
      const body = JSON.stringify(specOf(["echo", "in"]));
      const response = await server.request("/process", { method: "POST", headers, body });
      expect([response.status, await response.text()]).toEqual([200, "in\n"]);
      const job = await (await server.request(`/v1/jobs/${idOf(response)}`, { headers })).json();
      expect(job).toMatchObject({ owner: name });
    },
  );

  test("opens it as a bearer, when it has no spaces", async () => {
    expect((await server.request("/v1/jobs", { credential: secrets.short })).status).toBe(200);
  });

  test.each([
    ["its digest", sha256(secrets.ci)],
    ["part of it", secrets.ci.slice(0, -1)],
    ["its name", "ci"],
    ["an empty text", ""],
  ])("does not do so by %s", async (_what, secret) => {
    const headers = { authorization: asPassword(secret) };
    expect((await server.request("/v1/jobs", { headers })).status).toBe(401);
  });

  test("leaves the local one as it is", async () => {
    const response = await server.request("/process", {
      method: "POST",
      body: JSON.stringify(specOf(["true"])),
    });
    const job = await (await server.request(`/v1/jobs/${idOf(response)}`)).json();
    expect(job).toMatchObject({ owner: "local" });
  });
});

describe("its scopes count:", () => {
  let server: Server;
  const subsets = ["read", "run", "admin", "read run", "read admin", "run admin", "admin run read"];
  beforeAll(async () => {
    const config = subsets.map((subset) =>
      tokenTable(
        subset,
        sha256(subset.replaceAll(" ", "-")),
        `scopes = ${JSON.stringify(subset.split(" "))}`,
      ),
    );
    server = await startServer({ config: config.join("") });
  });

  test.each(subsets)("%s", async (subset) => {
    const credential = subset.replaceAll(" ", "-");
    const ask = async (method: string, path: string, spec?: unknown) => {
      const body = spec === undefined ? {} : { body: JSON.stringify(spec) };
      return (await server.request(path, { method, credential, ...body })).status;
    };
    const has = (scope: string) => subset.includes(scope) || subset.includes("admin");
    expect({
      read: await ask("GET", "/v1/jobs"),
      run: await ask("POST", "/process", specOf(["true"])),
      admin: await ask("GET", "/v1/tokens"),
    }).toEqual({
      read: has("read") ? 200 : 403,
      run: has("run") ? 200 : 403,
      admin: has("admin") ? 200 : 403,
    });
  });
});

describe.concurrent("is refused:", () => {
  const digest = sha256("x");
  test.each([
    ["a token without scopes", tokenTable("a", digest, ""), "scopes"],
    ["no scope", tokenTable("a", digest, "scopes = []"), "scopes"],
    ["a scope twice", tokenTable("a", digest, 'scopes = ["run", "read", "read"]'), "scopes"],
    ["an unknown scope", tokenTable("a", digest, 'scopes = ["run", "read", "root"]'), "scopes"],
    ["a scope in another case", tokenTable("a", digest, 'scopes = ["Read"]'), "scopes"],
    ["all by a star", tokenTable("a", digest, 'scopes = ["*"]'), "scopes"],
    ["an empty scope", tokenTable("a", digest, 'scopes = [""]'), "scopes"],
    ["a number among scopes", tokenTable("a", digest, 'scopes = ["read", 1]'), "scopes"],
    ["a single command", tokenTable("a", digest, 'scopes = ["commands:build"]'), "not-available"],
    ["a tie to labels", `${tokenTable("a", digest)}labels = { a = "b" }\n`, "not-available"],
    ["a tie to users", `${tokenTable("a", digest)}users = ["www"]\n`, "not-available"],
    ["a tie to directories", `${tokenTable("a", digest)}directories = ["/srv"]\n`, "not-available"],
    ["a mistyped key", `${tokenTable("a", digest)}scope = ["read"]\n`, 'did you mean "scopes"'],
    ["scopes as text", tokenTable("a", digest, 'scopes = "admin,read,run"'), "scopes"],
    ["no name", `[[token]]\nsha256 = "${digest}"\nscopes = ${all}\n`, "name"],
    ["an empty name", tokenTable("", digest), "name"],
    ["the name of the local one", tokenTable("local", digest), "local"],
    ["a name twice", tokenTable("a", digest) + tokenTable("a", sha256("y")), "two have the name"],
    ["a secret twice", tokenTable("a", digest) + tokenTable("b", digest.toUpperCase()), "same sha256"],
    ["no digest", `[[token]]\nname = "a"\nscopes = ${all}\n`, "sha256"],
    ["a short digest", tokenTable("a", digest.slice(1)), "sha256"],
    ["a digest of other letters", tokenTable("a", `g${digest.slice(1)}`), "sha256"],
    ["the secret itself", `${tokenTable("a", digest)}token = "x"\n`, "token"],
    ["a second one that is wrong", tokenTable("a", digest) + tokenTable("b", "x"), "token 2"],
  ])("%s", async (_what, config, words) => {
    expect(await refused(78, { config })).toContain(words);
  });
});

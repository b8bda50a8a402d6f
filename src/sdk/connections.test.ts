import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { endEverything, temporaryDirectory } from "../../test/support/cleanup.ts";
import { ConnectionsError, connectionsPath, readConnections, sidecarConnection } from "./connections.ts";
import { Sidecar } from "./sidecar.ts";

afterAll(endEverything);

function file(content: unknown, mode = 0o600): string {
  const path = join(temporaryDirectory("connections"), "connections.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content), { mode });
  chmodSync(path, mode);
  return path;
}

const one = { id: "build", url: "http://127.0.0.1:8099", secretKey: "hunter2" };
const two = { id: "test", url: "https://test.example", token: "t" };

describe("the file is looked for", () => {
  test.each([
    [{ ERRAND_CONNECTIONS: "/a/b.json", XDG_CONFIG_HOME: "/c" }, "/a/b.json"],
    [{ XDG_CONFIG_HOME: "/c" }, "/c/errand/connections.json"],
    [{}, join(homedir(), ".config/errand/connections.json")],
    [{ ERRAND_CONNECTIONS: "", XDG_CONFIG_HOME: "" }, join(homedir(), ".config/errand/connections.json")],
  ])("with %j", (environment, path) => {
    expect(connectionsPath(environment)).toBe(path);
  });
});

describe("a connection", () => {
  test("is found by its id", () => {
    const path = file({ connections: [one, two] });
    expect(readConnections(path)).toEqual([
      { ...one, token: undefined },
      { ...two, secretKey: undefined },
    ]);
    expect(sidecarConnection("test", path)).toBeInstanceOf(Sidecar);
  });

  test("that is not there: the known ones are named", () => {
    expect(() => sidecarConnection("biuld", file({ connections: [one, two] }))).toThrow(
      'there is no connection "biuld"; known are: "build", "test"',
    );
    expect(() => sidecarConnection("a", file({ connections: [] }))).toThrow("known are: none");
  });

  test("that can be none is told, without its secret", () => {
    const path = file({ connections: [{ ...one, url: "127.0.0.1" }] });
    expect(() => sidecarConnection("build", path)).toThrow(/connection "build": url: an address/);
  });
});

describe("a file is refused", () => {
  test.each([0o640, 0o604, 0o644, 0o660, 0o666, 0o620, 0o601])("with the mode %o", (mode) => {
    const path = file({ connections: [one] }, mode);
    expect(() => sidecarConnection("build", path)).toThrow(`chmod 600 ${path}`);
  });

  test.each([0o600, 0o400, 0o700])("but not with the mode %o", (mode) => {
    expect(readConnections(file({ connections: [one] }, mode))).toHaveLength(1);
  });

  test.each<[unknown, string]>([
    ["", "it is no JSON"],
    ['{"connections": [{"secretKey": "hunter2"', "it is no JSON"],
    [[], '{"connections": […]} is needed'],
    [{ connections: {} }, '{"connections": […]} is needed'],
    [{ connections: [1] }, "connections[0]: an object is needed"],
    [{ connections: [{ url: "http://a" }] }, "connections[0]: `id` is missing"],
    [{ connections: [one, { id: "a" }] }, "connections[1]: `url` is missing"],
    [{ connections: [{ ...one, secretKey: 7 }] }, "connections[0]: `secretKey` is no string"],
    [{ connections: [{ ...one, token: ["hunter2"] }] }, "connections[0]: `token` is no string"],
    [{ connections: [one, one] }, 'the connection "build" is there twice'],
  ])("with the content %j", (content, why) => {
    const path = file(content);
    let message = "";
    try {
      readConnections(path);
    } catch (error) {
      if (!(error instanceof ConnectionsError)) throw error;
      message = error.message;
    }
    expect(message).toStartWith(`${path}: ${why}`);
    expect(message).not.toContain("hunter2");
  });

  test("that is not there", () => {
    expect(() => readConnections("/nonexistent/connections.json")).toThrow(ConnectionsError);
  });
});

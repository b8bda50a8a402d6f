import { describe, expect, test } from "bun:test";
import { readServerAddress } from "./address.ts";

describe("an address of this machine is known in every spelling:", () => {
  test.each([
    "http://127.0.0.1:8910",
    "http://localhost:1/",
    "http://[::1]:1",
    "http://127.1:1",
    "http://0x7f.1",
    "http://2130706433",
    "http://[0:0:0:0:0:0:0:1]",
    "https://127.9.9.9",
  ])("%s", (text) => expect(readServerAddress(text)?.isLocal).toBe(true));
  test.each([
    "http://127.0.0.1.evil.example",
    "http://localhost.evil.example",
    "http://build.example",
    "http://10.0.0.1",
    "http://[::2]",
    "http://0.0.0.0:1",
  ])("and not %s", (text) => expect(readServerAddress(text)?.isLocal).toBe(false));
});

test("a Unix socket", () => {
  const socket = {
    shown: "unix:/run/e.sock",
    url: "http://localhost",
    socketPath: "/run/e.sock",
    isLocal: true,
  };
  expect(readServerAddress("unix:/run/e.sock")).toEqual(socket);
  expect(readServerAddress("unix:///run/e.sock")).toEqual(socket);
});

test("a path is for a proxy", () => {
  expect(readServerAddress("https://a.example/errand/")?.url).toBe("https://a.example/errand");
});

test.each([
  "",
  "8910",
  "127.0.0.1:8910",
  "ftp://x",
  "http://",
  "unix:",
  "unix:run",
  "http://u:p@x",
  "http://x/?a",
  "http://x/#a",
])("no address: %j", (text) => expect(readServerAddress(text)).toBeNull());

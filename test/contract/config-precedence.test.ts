// Contract config: flags win over the environment, which wins over the file.
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endEverything } from "../support/server.ts";
import { accepted, refused } from "./support/checked.ts";

afterAll(endEverything);

interface Setting {
  row: string;
  file: [text: string, shown: string];
  variable?: [name: string, value: string, shown: string];
  flag?: [args: string[], shown: string];
}

const settings: Readonly<Record<string, Setting>> = {
  listen: {
    row: "listen at",
    file: [`[server]\nlisten = ["127.0.0.1:1"]\n`, "127.0.0.1:1"],
    variable: ["ERRAND_LISTEN", "127.0.0.1:2, [::1]:3", "127.0.0.1:2, [::1]:3"],
    flag: [["--listen", "127.0.0.1:4", "--listen", "unix:/a"], "127.0.0.1:4, unix:/a"],
  },
  "ip and port": {
    row: "listen at",
    file: [`[server]\nlisten = ["127.0.0.1:1"]\n`, "127.0.0.1:1"],
    flag: [["-i", "::1", "-p", "5"], "[::1]:5"],
  },
  auth: {
    row: "authenticate by",
    file: [`[server]\nauth = "none"\n`, "nothing: open"],
    variable: ["ERRAND_AUTH", "token", "token (the local one and 0 configured)"],
    flag: [["--auth", "none"], "nothing: open"],
  },
  hosts: {
    row: "answer to hosts",
    file: [`[server]\nhosts = ["file"]\n`, "localhost, this host's name, IP addresses, file"],
    variable: ["ERRAND_HOSTS", "a,,b", "localhost, this host's name, IP addresses, a, b"],
  },
  origins: {
    row: "allow origins",
    file: [`[server]\norigins = ["https://file"]\n`, "https://file"],
    variable: ["ERRAND_ORIGINS", "https://a,http://b:1", "https://a, http://b:1"],
  },
  "trusted proxies": {
    row: "trust proxies",
    file: [`[server]\ntrustedProxies = ["10.0.0.1"]\n`, "10.0.0.1"],
    variable: ["ERRAND_TRUSTED_PROXIES", "10.0.0.2,fd00::/8", "10.0.0.2, fd00::/8"],
  },
  "a limit": {
    row: "change limits",
    file: ["[limits]\nstatusEvents = 3\n", "statusEvents = 3"],
    variable: ["ERRAND_LIMITS_STATUS_EVENTS", "4", "statusEvents = 4"],
    flag: [["--status-size", "5"], "statusEvents = 5"],
  },
  "another limit": {
    row: "change limits",
    file: ["[limits]\nstdoutChunks = 3\n", "stdoutChunks = 3"],
    variable: ["ERRAND_LIMITS_STDOUT_CHUNKS", "4", "stdoutChunks = 4"],
    flag: [["--stdout-size", "5"], "stdoutChunks = 5"],
  },
};

describe.concurrent("each setting has the value of the strongest that says one:", () => {
  test.each(Object.entries(settings))("%s", async (_name, { row, file, variable, flag }) => {
    const [config, fromFile] = file;
    expect((await accepted({ config }))[row]).toBe(fromFile);
    const env = variable === undefined ? {} : { [variable[0]]: variable[1] };
    if (variable !== undefined) expect((await accepted({ config, env }))[row]).toBe(variable[2]);
    if (flag !== undefined) expect((await accepted({ config, env, args: flag[0] }))[row]).toBe(flag[1]);
  });

  test("the data directory", async () => {
    const home = temporaryDirectory("home");
    const config = `[server]\ndata = "${join(home, "file")}"\n`;
    const row = "keep its data in";
    const env = { ERRAND_DATA: join(home, "variable") };
    expect((await accepted({ config, env }))[row]).toBe(join(home, "variable"));
    const args = ["--data", join(home, "flag")];
    expect((await accepted({ config, env, args }))[row]).toBe(join(home, "flag"));
  });
});

describe.concurrent("a wrong value is told with where it stands:", () => {
  test.each([
    ["ERRAND_LISTEN", "nowhere", "nowhere"],
    ["ERRAND_AUTH", "open", "open"],
    ["ERRAND_LIMITS_STOP_GRACE_SECONDS", "x", "ERRAND_LIMITS_STOP_GRACE_SECONDS"],
    ["ERRAND_LIMITS_STOP_GRACE_SECONDS", "", "ERRAND_LIMITS_STOP_GRACE_SECONDS"],
    ["ERRAND_LIMITS_MAX_RUNNING_JOBS", "1.5", "ERRAND_LIMITS_MAX_RUNNING_JOBS"],
    ["ERRAND_LIMITS_MAX_RUNNING_JOBS", "-1", "from 1 to 16000"],
  ])("%s=%s", async (name, value, words) => {
    expect(await refused(64, { env: { [name]: value } })).toContain(words);
  });
});

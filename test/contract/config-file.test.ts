// Contract config: what errand.toml may say, where it is found, and what is refused with which words.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { errand } from "../support/command.ts";
import { run } from "../support/jobs.ts";
import { endEverything, startServer } from "../support/server.ts";
import { accepted, refused } from "./support/checked.ts";

afterAll(endEverything);

function fileWith(text: string, mode = 0o644): string {
  const path = join(temporaryDirectory("file"), "some.toml");
  writeFileSync(path, text, { mode });
  return path;
}

function dataWith(text: string): string {
  const data = join(temporaryDirectory("data"), "data");
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(join(data, "errand.toml"), text);
  return data;
}

const hosts = (name: string) => `[server]\nhosts = ["${name}"]\n`;

describe.concurrent("the file", () => {
  test("is the one in the data directory, when it is there", async () => {
    const data = dataWith(hosts("beside.example"));
    const { stdout } = await errand(["serve", "--check", "--data", data]);
    expect(stdout).toContain("beside.example");
    expect(stdout).toContain(join(data, "errand.toml"));
  });

  test("of $ERRAND_CONFIG wins over that", async () => {
    const data = dataWith(hosts("beside.example"));
    const env = { ERRAND_CONFIG: fileWith(hosts("variable.example")) };
    const { stdout } = await errand(["serve", "--check", "--data", data], { env });
    expect(stdout).toContain("variable.example");
    expect(stdout).not.toContain("beside.example");
  });

  test("of --config wins over both", async () => {
    const data = dataWith(hosts("beside.example"));
    const env = { ERRAND_CONFIG: fileWith(hosts("variable.example")) };
    const args = ["serve", "--check", "--data", data, "--config", fileWith(hosts("flag.example"))];
    const { stdout } = await errand(args, { env });
    expect(stdout).toContain("flag.example");
    expect(stdout).not.toMatch(/beside|variable/);
  });

  test("is not needed", async () => {
    expect(await accepted({})).toMatchObject({
      "listen at": "127.0.0.1:8910",
      "read settings of": "no file",
      "authenticate by": expect.stringContaining("token"),
      "trust proxies": "none",
      "take signatures": "of nobody",
      "call back": "public addresses",
      "take code pages": expect.stringMatching(/^1252\b.*\b65001\b/),
      "change limits": "none",
    });
  });

  test.each(["--config", "ERRAND_CONFIG"])("that %s names must be there", async (how) => {
    const path = join(temporaryDirectory("missing"), "missing.toml");
    const check = how === "--config" ? { args: [how, path] } : { env: { [how]: path } };
    expect(await refused(78, check)).toContain(path);
  });

  test("is taken whole", async () => {
    const secret = fileWith("never-shown\n", 0o600);
    const config = `
[server]
listen = ["127.0.0.1:1234", "unix:/run/some.sock"]
auth = "none"
hosts = ["a.example", "b.example"]
origins = ["https://page.example"]
trustedProxies = ["10.0.0.0/8", "::1"]
[environment]
PATH = "/bin"
MORE = "x"
inherit = []
[[sidecar]]
name = "dff"
secretKey = "never-shown"
[[sidecar]]
name = "other"
secretKeyFile = "${secret}"
[callbacks]
allowPrivate = ["127.0.0.0/8", "::1"]
signingSecretFile = "${secret}"
retrySeconds = [0, 1.5, 86400]
[flexideo]
acp = 932
oem = 850
[limits]
stopGraceSeconds = 2.5
maxRunningJobs = 7
dataBytes = 16777216
`;
    const { stdout } = await errand(["serve", "--check", "--config", fileWith(config)]);
    expect(stdout).not.toContain("never-shown");
    expect(await accepted({ config })).toMatchObject({
      "listen at": "127.0.0.1:1234, unix:/run/some.sock",
      "answer to hosts": expect.stringContaining("a.example, b.example"),
      "allow origins": "https://page.example",
      "trust proxies": "10.0.0.0/8, ::1",
      "start jobs with": expect.stringMatching(/PATH.*MORE/),
      "take signatures": "dff, other",
      "call back": "public addresses, 127.0.0.0/8, ::1",
      "take code pages": expect.stringMatching(/^932\b.*\b850\b/),
      "change limits": "maxRunningJobs = 7, stopGraceSeconds = 2.5, dataBytes = 16777216",
    });
  });
});

describe.concurrent("an unknown key is refused with the nearest one:", () => {
  test.each([
    ["[sever]\n", "sever", "server"],
    ["[limit]\n", "limit", "limits"],
    ["[[tokens]]\n", "tokens", "token"],
    ["[server]\nlisen = []\n", "server.lisen", "listen"],
    ["[server]\nhost = []\n", "server.host", "hosts"],
    ["[server]\ntrusted_proxies = []\n", "server.trusted_proxies", "trustedProxies"],
    ["[limits]\nmaxRuningJobs = 1\n", "limits.maxRuningJobs", "maxRunningJobs"],
    ["[limits]\nstopGraceSec = 1\n", "limits.stopGraceSec", "stopGraceSeconds"],
    [`[[token]]\nnam = "a"\n`, "nam", "name"],
    ["[[sidecars]]\n", "sidecars", "sidecar"],
    [`[[sidecar]]\nname = "a"\nsecret = "b"\n`, "secret", "secretKey"],
    ["[callback]\n", "callback", "callbacks"],
    ["[callbacks]\nallowPrivat = []\n", "callbacks.allowPrivat", "allowPrivate"],
    ["[flexvideo]\n", "flexvideo", "flexideo"],
    ["[flexideo]\nacpp = 1252\n", "flexideo.acpp", "acp"],
    ["[limits]\ndataByte = 16777216\n", "limits.dataByte", "dataBytes"],
  ])("%j", async (config, key, nearest) => {
    const said = await refused(78, { config });
    expect(said).toContain(key);
    expect(said).toContain(`did you mean "${nearest}"?`);
    expect(said).toContain("file.toml");
  });

  test("or with all of them, when none is near", async () => {
    const said = await refused(78, { config: "[qqqqqqqqqqqqqqqqqqqqqqqqq]\n" });
    const sections = ["server", "environment", "token", "sidecar", "callbacks", "flexideo", "limits"];
    for (const name of sections) expect(said).toContain(name);
  });
});

describe.concurrent("what this build does not have is refused as not available:", () => {
  test.each([[`[server]\ntls = { certFile = "a" }\n`, "server.tls"]])("%j", async (config, key) => {
    const said = await refused(78, { config });
    expect(said).toContain(`"${key}"`);
    expect(said).toContain("not-available");
  });
});

describe.concurrent("a value of another type or out of its range is refused with what is allowed:", () => {
  test.each([
    ["this is no toml", "file.toml"],
    ["server = 1\n", "server"],
    [`[server]\nlisten = ["nowhere"]\n`, "nowhere"],
    [`[server]\nauth = "open"\n`, "open"],
    [`[server]\norigins = ["https://page.example/"]\n`, "https://page.example/"],
    [`[server]\ntrustedProxies = ["10.0.0.0/33"]\n`, "10.0.0.0/33"],
    [`[environment]\n"A=B" = "1"\n`, "A=B"],
    ["[limits]\nmaxRunningJobs = 16001\n", "16000"],
    ["[limits]\nstopGraceSeconds = nan\n", "limits.stopGraceSeconds"],
    ["[limits]\ndataBytes = 1\n", "16777216"],
    [`[sidecar]\nname = "a"\n`, "[[sidecar]]"],
    [`[[sidecar]]\nsecretKey = "b"\n`, "name"],
    [`[[sidecar]]\nname = ""\nsecretKey = "b"\n`, "name"],
    [`[[sidecar]]\nname = "a"\n`, "secretKey or secretKeyFile"],
    [`[[sidecar]]\nname = "a"\nsecretKey = ""\n`, "secretKey is empty"],
    [`[[sidecar]]\nname = "a"\nsecretKey = 5\n`, "a text is allowed"],
    [`[[sidecar]]\nname = "a"\nsecretKey = "b"\nsecretKeyFile = "/dev/null"\n`, "not both"],
    [`[[sidecar]]\nname = "a"\nsecretKeyFile = "/no/such/file"\n`, "/no/such/file"],
    [`${`[[sidecar]]\nname = "a"\nsecretKey = "b"\n`.repeat(2)}`, "two have the name"],
    ["flexideo = 5\n", "[flexideo]"],
    [`[flexideo]\nacp = "1252"\n`, "1 to 65535"],
    ["[flexideo]\nacp = 0\n", "1 to 65535"],
    ["[flexideo]\noem = 65536\n", "1 to 65535"],
    ["[flexideo]\noem = 850.5\n", "1 to 65535"],
    ["callbacks = []\n", "[callbacks]"],
    [`[callbacks]\nallowPrivate = "10.0.0.0/8"\n`, "a list of texts"],
    [`[callbacks]\nallowPrivate = ["10.0.0.0/33"]\n`, "10.0.0.0/33"],
    [`[callbacks]\nallowPrivate = ["localhost"]\n`, "localhost"],
    [`[callbacks]\nretrySeconds = ["5"]\n`, "a list of numbers"],
    [`[callbacks]\nretrySeconds = [-1]\n`, "0 to 2592000"],
    [`[callbacks]\nretrySeconds = [2592001]\n`, "0 to 2592000"],
    [`[callbacks]\nsigningSecretFile = 5\n`, "a text is allowed"],
  ])("%j", async (config, words) => {
    expect(await refused(78, { config })).toContain(words);
  });
});

test("a file with a secret that others can read is refused, and the secret is not told", async () => {
  for (const mode of [0o644, 0o640, 0o604]) {
    const secret = fileWith("never-shown\n", mode);
    const said = await refused(78, { config: `[[sidecar]]\nname = "a"\nsecretKeyFile = "${secret}"\n` });
    expect(said).toContain(secret);
    expect(said).not.toContain("never-shown");
  }
});

test("what the file says is what the server does", async () => {
  const data = dataWith(`[server]\nlisten = ["127.0.0.1:0"]\n[limits]\nrequestBodyBytes = 2048\n`);
  const server = await startServer({ dataDir: data, listen: [] });
  expect((await run(server, ["echo", "x"])).text).toBe("x\n");
  const body = " ".repeat(2_049);
  expect((await server.request("/process", { method: "POST", body })).status).toBe(413);
});

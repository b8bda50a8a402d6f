import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, run, scratch, start, until, which } from "./processes.ts";

/** What the measures need, by program: the Debian package that brings it. */
export const packages: Readonly<Record<string, string>> = {
  wrk: "wrk",
  curl: "curl",
  webhook: "webhook",
  lighttpd: "lighttpd",
  nginx: "nginx-light",
  fcgiwrap: "fcgiwrap",
  socat: "socat",
  sshd: "openssh-server",
  ssh: "openssh-client",
  cc: "gcc",
};

/** A server that runs one trivial command for each request, and how to ask it. */
export interface HttpPeer {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers: readonly string[];
}

const secret = "bench-only";
const basic = `Authorization: Basic ${Buffer.from(`bench:${secret}`).toString("base64")}`;

/** Compiles one of `programs/`; undefined when this machine has no C compiler. */
export async function compile(name: string): Promise<string | undefined> {
  const compiler = which("cc");
  if (compiler === undefined) return undefined;
  const program = join(scratch(), name);
  if (!existsSync(program)) {
    await run([compiler, "-O2", "-o", program, join(import.meta.dir, "programs", `${name}.c`)], 30);
  }
  return program;
}

/** Webhook answers when the command has ended only if it is to send the command's output. */
export async function startWebhook(): Promise<HttpPeer> {
  const hooks = join(scratch(), "hooks.json");
  const rule = { match: { type: "value", value: secret, parameter: { source: "header", name: "X-Secret" } } };
  const hook = { id: "true", "execute-command": "/bin/true", "include-command-output-in-response": true };
  const guard = { "trigger-rule": rule, "trigger-rule-mismatch-http-response-code": 403 };
  writeFileSync(hooks, JSON.stringify([{ ...hook, ...guard }]));
  const port = await freePort();
  start(["webhook", "-ip", "127.0.0.1", "-port", String(port), "-hooks", hooks]);
  const url = `http://127.0.0.1:${port}/hooks/true`;
  return answering({ id: "webhook", name: "webhook", url, method: "POST", headers: [`X-Secret: ${secret}`] });
}

export async function startLighttpd(): Promise<HttpPeer> {
  const { folder, kind } = await cgiFolder();
  const port = await freePort();
  const users = join(scratch(), "lighttpd.users");
  writeFileSync(users, `bench:${secret}\n`);
  const config = join(scratch(), "lighttpd.conf");
  writeFileSync(
    config,
    `server.modules = ("mod_auth", "mod_authn_file", "mod_cgi")
server.bind = "127.0.0.1"
server.port = ${port}
server.document-root = "${folder}"
server.upload-dirs = ("${scratch()}")
server.max-keep-alive-requests = 1000000
cgi.assign = (".cgi" => "")
auth.backend = "plain"
auth.backend.plain.userfile = "${users}"
auth.require = ("/" => ("method" => "basic", "realm" => "bench", "require" => "valid-user"))
`,
  );
  start([which("lighttpd") ?? "lighttpd", "-D", "-f", config]);
  const url = `http://127.0.0.1:${port}/answer.cgi`;
  return answering({ id: "lighttpd", name: `lighttpd ${kind}`, url, method: "GET", headers: [basic] });
}

export async function startNginx(): Promise<HttpPeer> {
  const { folder, kind } = await cgiFolder();
  const [port, home, workers] = [await freePort(), join(scratch(), "nginx"), 8];
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "users"), `bench:{PLAIN}${secret}\n`);
  const config = join(home, "nginx.conf");
  const folders = ["client_body", "fastcgi", "proxy", "scgi", "uwsgi"]
    .map((use) => `${use}_temp_path ${home}/${use};`)
    .join(" ");
  writeFileSync(
    config,
    `daemon off; pid ${home}/pid; error_log ${home}/error.log; ${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000; ${folders}
  server { listen 127.0.0.1:${port}; auth_basic bench; auth_basic_user_file ${home}/users;
    location / { fastcgi_pass unix:${home}/socket; fastcgi_param SCRIPT_FILENAME ${folder}/answer.cgi;
      fastcgi_param REQUEST_METHOD $request_method; fastcgi_param QUERY_STRING $query_string; } } }
`,
  );
  start([which("fcgiwrap") ?? "fcgiwrap", "-c", String(workers), "-s", `unix:${home}/socket`]);
  await until("fcgiwrap", () => existsSync(`${home}/socket`));
  start([which("nginx") ?? "nginx", "-e", `${home}/error.log`, "-c", config]);
  const name = `nginx + fcgiwrap, ${workers} workers, ${kind}`;
  return answering({ id: "nginx", name, url: `http://127.0.0.1:${port}/`, method: "GET", headers: [basic] });
}

/** Waits until the peer runs its command for the right credential, and makes sure that it asks for one. */
async function answering(peer: HttpPeer): Promise<HttpPeer> {
  const headers = peer.headers.map((header): [string, string] => {
    const colon = header.indexOf(": ");
    return [header.slice(0, colon), header.slice(colon + 2)];
  });
  const status = (sent: [string, string][]) =>
    fetch(peer.url, { method: peer.method, headers: sent }).then(
      (answer) => answer.status,
      () => 0,
    );
  await until(peer.name, async () => (await status(headers)) === 200);
  if ((await status([])) < 400) throw new Error(`${peer.name} does not ask for a credential`);
  return peer;
}

/** A folder with one CGI program: compiled, or a shell script where there is no compiler. */
async function cgiFolder(): Promise<{ folder: string; kind: string }> {
  const folder = join(scratch(), "cgi");
  mkdirSync(folder, { recursive: true });
  const compiled = await compile("answer");
  const program = join(folder, "answer.cgi");
  copyFileSync(compiled ?? join(import.meta.dir, "programs", "answer.sh"), program);
  chmodSync(program, 0o755);
  return { folder, kind: compiled === undefined ? "CGI (shell script: no C compiler)" : "CGI (C)" };
}

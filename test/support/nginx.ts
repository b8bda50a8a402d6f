import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { atEnd, guardProcess, temporaryDirectory } from "./cleanup.ts";
import type { Server } from "./running-server.ts";
import { until, within } from "./wait.ts";

/** Debian's; a user's PATH may lack its directory. */
const program = Bun.which("nginx") ?? Bun.which("/usr/sbin/nginx");

/** False where nginx is not installed. */
export const hasNginx = program !== null;

/**
 * nginx in front of a server, with what Debian's nginx.conf says and the one line that a user writes: `proxy_pass`. Gives
 * its address. More lines for its location may be given.
 */
export async function startNginx(server: Server, more = ""): Promise<string> {
  const home = temporaryDirectory("nginx");
  const port = await freePort();
  const config = join(home, "nginx.conf");
  const uses = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const folders = uses.map((use) => `${use}_temp_path ${home}/${use};`).join(" ");
  mkdirSync(join(home, "logs"));
  writeFileSync(
    config,
    `daemon off; pid ${home}/pid; error_log ${home}/logs/error.log;
${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 768; }
http {
  sendfile on; tcp_nopush on; types_hash_max_size 2048; default_type application/octet-stream; gzip on;
  access_log ${home}/logs/access.log; ${folders}
  server { listen 127.0.0.1:${port}; location / { proxy_pass ${server.url}; ${more} } }
}
`,
  );
  const child = Bun.spawn([program ?? "nginx", "-e", join(home, "logs/error.log"), "-c", config], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  guardProcess(child.pid);
  atEnd(async () => {
    // It ends its workers before itself.
    child.kill("SIGTERM");
    await within(child.exited, { describe: "the end of nginx" });
  });
  const url = `http://127.0.0.1:${port}`;
  const answers = async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${await child.stderr.text()}`);
    return fetch(`${url}/healthz`, { keepalive: false }).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await until(answers, { describe: "nginx to hand on" });
  return url;
}

/** nginx does not tell which port it has taken when it is told to take any. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

import { chmodSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "./peers.ts";
import { freePort, run, scratch, start, undoAtEnd, until, which } from "./processes.ts";

const socketFolder = "/run/sshd";

/** The command line that reads a raw stream from a loopback port to the end: curl's reader, as for HTTP. */
export function rawUrl(port: number): string {
  return `gopher://127.0.0.1:${port}/`;
}

/** A socat relay that starts the command for each connection; `blockBytes` 0 keeps socat's own block of 8 KiB. */
export async function startSocat(command: string, blockBytes: number): Promise<string> {
  const port = await freePort();
  const block = blockBytes === 0 ? [] : ["-b", String(blockBytes)];
  const listen = `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork`;
  start([which("socat") ?? "socat", ...block, listen, `EXEC:${command}`]);
  await until("socat", () => listens(port));
  return rawUrl(port);
}

/** The limit: a C program that copies the command's pipe to the connection. Undefined without a C compiler. */
export async function startCopy(bytes: number): Promise<string | undefined> {
  const program = await compile("copy");
  if (program === undefined) return undefined;
  return rawUrl(Number(await start([program, String(bytes)]).firstLine));
}

/**
 * An ssh server on a loopback port with keys of its own, and one connection that all commands share (multiplexed), so
 * that no key exchange is measured. Returns the command line before the remote command.
 */
export async function startSsh(): Promise<string[]> {
  const home = join(scratch(), "ssh");
  mkdirSync(home, { mode: 0o700 });
  const port = await freePort();
  for (const key of ["host", "client"]) {
    await run([which("ssh-keygen") ?? "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(home, key)]);
  }
  writeFileSync(join(home, "authorized"), `restrict ${readFileSync(join(home, "client.pub"), "utf8")}`);
  chmodSync(join(home, "authorized"), 0o600);
  const hostKey = readFileSync(join(home, "host.pub"), "utf8");
  writeFileSync(join(home, "known"), `[127.0.0.1]:${port} ${hostKey}`);
  // Started by root, sshd wants this empty folder, which its service makes where it runs.
  if (process.getuid?.() === 0 && !existsSync(socketFolder)) {
    mkdirSync(socketFolder, { mode: 0o755 });
    undoAtEnd(() => rmdirSync(socketFolder));
  }
  // Bun's os.userInfo() trusts $USER, which may be unset.
  const username = (await run(["id", "-un"])).trim();
  start([
    which("sshd") ?? "sshd",
    "-D",
    "-e",
    "-f",
    "/dev/null",
    "-h",
    join(home, "host"),
    ...option("-o", {
      ListenAddress: `127.0.0.1:${port}`,
      AuthorizedKeysFile: join(home, "authorized"),
      AllowUsers: username,
      PasswordAuthentication: "no",
      KbdInteractiveAuthentication: "no",
      PermitRootLogin: "prohibit-password",
      PidFile: "none",
      StrictModes: "no",
      UsePAM: "no",
    }),
  ]);
  await until("sshd", () => listens(port));
  const client = [
    "ssh",
    "-F",
    "/dev/null",
    "-S",
    join(home, "mux"),
    "-i",
    join(home, "client"),
    ...option("-o", {
      BatchMode: "yes",
      IdentitiesOnly: "yes",
      UserKnownHostsFile: join(home, "known"),
    }),
    "-p",
    String(port),
    "-l",
    username,
  ];
  start([...client, "-M", "-N", "127.0.0.1"]);
  await until("the shared ssh connection", () => existsSync(join(home, "mux")));
  return [...client, "127.0.0.1"];
}

function option(flag: string, options: Record<string, string>): string[] {
  return Object.entries(options).flatMap(([name, value]) => [flag, `${name}=${value}`]);
}

async function listens(port: number): Promise<boolean> {
  // Asked through the kernel's table: a connection would start the command.
  const row = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`;
  return readFileSync("/proc/net/tcp", "utf8").includes(row);
}

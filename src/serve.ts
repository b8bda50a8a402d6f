import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import { endSignal } from "./cli/endSignal.ts";
import { formatAddress, isLoopback } from "./config/address.ts";
import type { Address, Settings } from "./config/settings.ts";
import { Broker } from "./core/broker.ts";
import type { ErrandError } from "./core/errors.ts";
import { EventBus } from "./core/eventBus.ts";
import { IdSource } from "./core/ids.ts";
import type { Clock } from "./core/ports.ts";
import { releaseDate, version } from "./core/version.ts";
import { Clients } from "./http/clients.ts";
import { Credentials } from "./http/credentials.ts";
import type { Door } from "./http/exchange.ts";
import { Guard } from "./http/guard.ts";
import { listen, unlisten } from "./http/listen.ts";
import { nowhere, publicPages } from "./http/pages.ts";
import { RexecDoor } from "./http/rexec/door.ts";
import { type ErrandServer, makeServer } from "./http/server.ts";
import { V1Door } from "./http/v1/door.ts";
import { logFailures } from "./log/failures.ts";
import { logEnd, logStart, makeLogger, RefusalLog } from "./log/logger.ts";
import { localToken, openDataDirectory, tokenPath } from "./store/dataDirectory.ts";
import { checkSocketPlace } from "./store/safePlace.ts";
import { Store } from "./store/store.ts";
import { takeDataDirectory } from "./supervisor/dataLock.ts";
import { killTrees } from "./supervisor/killTrees.ts";
import { openFilesLimit } from "./supervisor/libc.ts";
import { LiveJobs, readLiveJobs } from "./supervisor/liveJobs.ts";
import { LocalSupervisor } from "./supervisor/supervisor.ts";
import { Watchdog } from "./supervisor/watchdog.ts";

const clock: Clock = {
  now: () => ({ wall: Date.now(), monotonic: Bun.nanoseconds() }),
  wall: () => Date.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** The rest of the descriptors is for jobs. */
const shareOfConnections = 0.5;
const forgetEveryMilliseconds = 60_000;
const forgetStepMilliseconds = 20;
const insecureWarningMilliseconds = 3_600_000;

interface ServeOptions {
  /** The program and arguments that start the watchdog, followed by the file of live jobs. */
  readonly watchdogCommand: readonly string[];
  /** Says where it listens and how to try it. */
  readonly greet: (addresses: readonly Address[], tokenFile: string) => void;
}

/** Puts a server together, serves until a signal ends it, and resolves when everything is ended. */
export async function serve(settings: Settings, options: ServeOptions): Promise<void> {
  const logger = await makeLogger(settings.logLevel, { pretty: process.stderr.isTTY === true });
  logFailures(logger);
  const { data, limits } = settings;
  openDataDirectory(data);
  for (const address of settings.listen) if (address.kind === "unix") checkSocketPlace(address.path);
  const lockDescriptor = await takeDataDirectory(join(data, "lock"));
  const node = hostname();
  const store = new Store({
    path: join(data, "errand.db"),
    flushSeconds: limits.historyFlushSeconds,
    onError: (error) => logger.error({ error: String(error) }, "the history cannot be written"),
  });
  const liveFile = join(data, "live");
  const alive = readLiveJobs(liveFile);
  // Its watchdog has done that, unless it was killed as well. Marks are random: after a reboot nobody carries one.
  const killed = await killTrees(new Set(alive.map(({ mark }) => mark)));
  if (!killed) logger.error("processes of the last server's jobs cannot be killed");
  const lost = store.recover(
    alive.map(({ id }) => id),
    node,
  );
  if (lost > 0)
    logger.warn({ jobs: lost }, "the last server did not end in order; its running jobs are lost");
  const liveJobs = new LiveJobs(liveFile, limits.maxRunningJobs);
  const watchdog = startWatchdog([...options.watchdogCommand, liveFile], lockDescriptor, logger);
  const supervisor = new LocalSupervisor({
    settings: {
      environment: settings.environment,
      directory: process.cwd(),
      softOpenFiles: settings.softOpenFiles,
    },
    limits,
    liveJobs,
    isHelper: (pid) => pid === watchdog?.pid,
  });
  const broker = new Broker({
    node,
    supervisor,
    history: store,
    aliases: store,
    clock,
    ids: new IdSource(clock.wall, 0, store.newestId()),
    bus: new EventBus(limits.statusEvents),
    limits,
    log: { started: (job) => logStart(logger, job), ended: (job) => logEnd(logger, job) },
  });
  const servers: ErrandServer[] = [];
  const addresses: Address[] = [];
  const parts = serverParts(settings, broker, logger);
  try {
    for (const address of settings.listen) {
      const server = makeServer(parts);
      addresses.push(await listen(server.server, address));
      servers.push(server);
    }
  } catch (error) {
    addresses.forEach(unlisten);
    throw error;
  }
  const timers = startTimers(settings, store, logger);
  warn(settings, logger);
  logger.info({ version, listen: addresses.map(formatAddress), data }, "listening");
  options.greet(addresses, tokenPath(data));

  await endSignal(logger, broker);
  for (const timer of timers) clearInterval(timer);
  await Promise.all(servers.map((server) => server.close(limits.lastAnswersSeconds)));
  addresses.forEach(unlisten);
  supervisor.close();
  watchdog?.end();
  store.close();
  logger.info("ended");
}

function serverParts(settings: Settings, broker: Broker, logger: Logger) {
  const { limits, auth } = settings;
  const local = {
    name: "local",
    sha256: createHash("sha256").update(localToken(settings.data)).digest("hex"),
  };
  const onInternalError = (error: unknown) => {
    const stack = error instanceof Error ? error.stack : undefined;
    logger.error({ error: String(error), stack }, "internal error");
  };
  const clients = new Clients(settings.trustedProxies);
  const refusals = new RefusalLog(logger);
  const credentials = new Credentials([local, ...settings.tokens], { open: auth === "none" });
  const rexec = new RexecDoor(broker, limits);
  const v1 = new V1Door({ broker, limits, version, onInternalError });
  const doorFor = (path: string): Door => {
    if (path === "/process") return rexec;
    return path.startsWith("/v1/") || path === "/v1" || path === "/openapi.json" ? v1 : nowhere;
  };
  return {
    limits,
    guard: new Guard({ hosts: settings.hosts, origins: settings.origins, credentials, clients }),
    publicPages: publicPages(broker, { version, releaseDate, insecure: isOpenToAll(settings) }),
    doorFor,
    connections: Math.min(limits.maxConnections, Math.floor(openFilesLimit() * shareOfConnections)),
    onInternalError,
    onRequest: logger.isLevelEnabled("trace")
      ? (request: IncomingMessage) =>
          logger.trace(
            { client: clients.address(request), method: request.method, path: withoutQuery(request.url) },
            "request",
          )
      : null,
    onRefused: (request: IncomingMessage, error: ErrandError) =>
      refusals.refused(clients.address(request), request.method, error.code),
  };
}

/** A query may hold what somebody took for a place for secrets. */
function withoutQuery(target: string | undefined): string | undefined {
  return target?.split("?", 1)[0];
}

function startWatchdog(command: readonly string[], lockDescriptor: number, logger: Logger): Watchdog | null {
  if (process.platform !== "linux") {
    logger.warn("there is no watchdog on this system: jobs outlive a server that is killed");
    return null;
  }
  return new Watchdog({ command, lockDescriptor, onLost: (message) => logger.error(message) });
}

function isOpenToAll({ auth, listen: addresses }: Settings): boolean {
  return auth === "none" && addresses.some((address) => !isLoopback(address));
}

function warn(settings: Settings, logger: Logger): void {
  if (process.getuid?.() === 0) logger.warn("running as root: commands run as root, too");
  if (isOpenToAll(settings))
    logger.warn("open to everybody: anyone who reaches this server can run commands");
}

function startTimers(settings: Settings, store: Store, logger: Logger): Timer[] {
  const { retainSeconds } = settings.limits;
  const forget = () => {
    // In steps, so that no step holds up the server.
    if (store.forgetBefore(Date.now() - retainSeconds * 1_000))
      setTimeout(forget, forgetStepMilliseconds).unref();
  };
  const timers = [setInterval(forget, forgetEveryMilliseconds)];
  if (isOpenToAll(settings))
    timers.push(setInterval(() => warn(settings, logger), insecureWarningMilliseconds));
  return timers;
}

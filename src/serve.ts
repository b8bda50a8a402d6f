import { hostname } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import { endSignal } from "./cli/endSignal.ts";
import { makeCallbacks } from "./compose/callbacks.ts";
import { clock } from "./compose/clock.ts";
import { sizeBeside } from "./compose/databaseSize.ts";
import { checkCodePages, serverParts } from "./compose/doors.ts";
import { recoverJobs } from "./compose/recover.ts";
import { adoptJobs, makeShims } from "./compose/shims.ts";
import { formatAddress, isLoopback } from "./config/address.ts";
import type { Address, Settings } from "./config/settings.ts";
import { Broker } from "./core/broker.ts";
import { EventBus } from "./core/eventBus.ts";
import { IdSource } from "./core/ids.ts";
import { DataQuota } from "./core/quota.ts";
import { Retention } from "./core/retention.ts";
import { version } from "./core/version.ts";
import { listen, unlisten } from "./http/listen.ts";
import { type ErrandServer, makeServer } from "./http/server.ts";
import { logFailures } from "./log/failures.ts";
import { logEnd, logStart, makeLogger } from "./log/logger.ts";
import { FileSpool } from "./spool/spool.ts";
import { openDataDirectory, tokenPath } from "./store/dataDirectory.ts";
import { checkSocketPlace } from "./store/safePlace.ts";
import { Store } from "./store/store.ts";
import { takeDataDirectory } from "./supervisor/dataLock.ts";
import { killTrees } from "./supervisor/killTrees.ts";
import { LiveJobs, readLiveJobs } from "./supervisor/liveJobs.ts";
import { ServiceManager } from "./supervisor/serviceManager.ts";
import { LocalSupervisor } from "./supervisor/supervisor.ts";
import { Watchdog } from "./supervisor/watchdog.ts";

/** Who waits for the server to answer comes first. */
const preloadMilliseconds = 100;
const insecureWarningMilliseconds = 3_600_000;
/** Between two looks for dead orphans. */
const reapMilliseconds = 500;

interface ServeOptions {
  /** The program and arguments that start the watchdog, followed by the file of live jobs. */
  readonly watchdogCommand: readonly string[];
  readonly shim: Pick<Parameters<typeof makeShims>[0], "runtime" | "program">;
  /** Says where it listens and how to try it. */
  readonly greet: (addresses: readonly Address[], tokenFile: string) => void;
}

/** Puts a server together, serves until a signal ends it, and resolves when everything is ended. */
export async function serve(settings: Settings, options: ServeOptions): Promise<void> {
  const logger = await makeLogger(settings.logLevel, { pretty: process.stderr.isTTY === true });
  logFailures(logger);
  const { data, limits } = settings;
  await checkCodePages(settings);
  openDataDirectory(data);
  for (const address of settings.listen) if (address.kind === "unix") checkSocketPlace(address.path);
  const lockDescriptor = await takeDataDirectory(join(data, "lock"));
  const node = hostname();
  const store = new Store({
    path: join(data, "errand.db"),
    flushSeconds: limits.historyFlushSeconds,
    limits,
    onError: (error) => logger.error({ error: String(error) }, "the history cannot be written"),
  });
  const quota = new DataQuota(limits.dataBytes);
  const spool = new FileSpool({
    ...{ data, limits, quota, wall: clock.wall },
    onError: (error) => logger.error({ error: String(error) }, "a job's record cannot be written"),
  });
  const liveFile = join(data, "live");
  const alive = readLiveJobs(liveFile);
  // Its watchdog has done that, unless it was killed as well. Marks are random: after a reboot nobody carries one.
  const killed = await killTrees(new Set(alive.map(({ mark }) => mark)));
  if (!killed) logger.error("processes of the last server's jobs cannot be killed");
  const { lost, survivors } = await recoverJobs({
    ...{ store, spool, data, node, limits, now: clock.wall() },
    alive: alive.map(({ id }) => id),
    onError: (error) => logger.error({ error: String(error) }, "a job cannot be recovered"),
  });
  quota.adopt(store.storedBytes());
  const retention = new Retention({
    ...{ clock, history: store, spool, quota, otherBytes: () => sizeBeside(data) },
    onError: (error) => logger.error({ error: String(error) }, "an old job cannot be removed"),
  });
  if (lost > 0)
    logger.warn(
      { jobs: lost },
      "the last server did not end in order; jobs that could not go on without it are lost",
    );
  const liveJobs = new LiveJobs(liveFile, limits.maxRunningJobs);
  const watchdog = startWatchdog([...options.watchdogCommand, liveFile], lockDescriptor, logger);
  const commands = {
    environment: settings.environment,
    directory: process.cwd(),
    softOpenFiles: settings.softOpenFiles,
  };
  const shims = makeShims({ data, ...options.shim, setup: { ...commands, limits }, logger });
  const supervisor = new LocalSupervisor({
    ...{ settings: commands, limits, liveJobs, reapMilliseconds },
    isHelper: (pid) => pid === watchdog?.pid || shims.owns(pid),
  });
  const broker = new Broker({
    ...{ node, supervisor, shims: process.platform === "linux" ? shims.supervisor : null },
    spool,
    history: store,
    aliases: store,
    clock,
    ids: new IdSource(clock.wall, 0, store.newestId()),
    bus: new EventBus(limits.statusEvents),
    limits,
    log: { started: (job) => logStart(logger, job), ended: (job) => logEnd(logger, job) },
  });
  await adoptJobs({ survivors, broker, shims: shims.supervisor, data, logger });
  const manager = new ServiceManager();
  const servers: ErrandServer[] = [];
  const addresses: Address[] = [];
  const callbacks = makeCallbacks({ settings, broker, store, logger });
  const onResend = () => callbacks.courier.wake();
  const insecure = isOpenToAll(settings);
  const { policy } = callbacks;
  const asked = Promise.withResolvers<void>();
  const shutdown = () => asked.resolve();
  const parts = serverParts({
    ...{ settings, broker, store, node, callbacks: policy, onResend, shutdown, logger, insecure },
  });
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
  retention.start();
  callbacks.courier.wake();
  const timers = startTimers(settings, logger);
  warn(settings, logger);
  logger.info({ version, listen: addresses.map(formatAddress), data }, "listening");
  // Before anybody is told: who hears that it is ready may end it at once.
  const end = endSignal({ logger, broker, asked: asked.promise, onFirst: () => manager.stopping() });
  options.greet(addresses, tokenPath(data));
  manager.ready();
  // Not with the first request, which may come when a newer version lies in the place of this one.
  const loading = setTimeout(async () => {
    for (const preload of [parts.preload, shims.preload]) await preload().catch(parts.onInternalError);
    // What loading has left over would stay for as long as nothing happens.
    Bun.gc(true);
    logger.info("all is loaded");
  }, preloadMilliseconds);

  await end;
  clearTimeout(loading);
  for (const timer of timers) clearInterval(timer);
  retention.stop();
  await callbacks.courier.stop(limits.lastAnswersSeconds);
  await Promise.all(servers.map((server) => server.close(limits.lastAnswersSeconds)));
  addresses.forEach(unlisten);
  supervisor.close();
  shims.supervisor.close();
  manager.close();
  watchdog?.end();
  store.close();
  logger.info("ended");
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

function startTimers(settings: Settings, logger: Logger): Timer[] {
  return isOpenToAll(settings)
    ? [setInterval(() => warn(settings, logger), insecureWarningMilliseconds)]
    : [];
}

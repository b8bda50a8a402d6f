import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Logger } from "pino";
import { defaultCodePages } from "../config/flexideo.ts";
import { ConfigError, type Settings } from "../config/settings.ts";
import type { Broker } from "../core/broker.ts";
import type { CallbackPolicy } from "../core/callbackPorts.ts";
import type { ErrandError } from "../core/errors.ts";
import { Idempotency } from "../core/idempotency.ts";
import type { Job } from "../core/job.ts";
import { releaseDate, version } from "../core/version.ts";
import { Clients } from "../http/clients.ts";
import { Credentials } from "../http/credentials.ts";
import { docsPage } from "../http/docsPage.ts";
import type { Door } from "../http/exchange.ts";
import { FlexideoDoor } from "../http/flexideo/door.ts";
import { Guard } from "../http/guard.ts";
import { type FixedToken, IssuedTokens } from "../http/issuedTokens.ts";
import { nowhere, publicPages } from "../http/pages.ts";
import { RexecDoor } from "../http/rexec/door.ts";
import { SidecarDoor } from "../http/sidecar/door.ts";
import { Attachers } from "../http/v1/attach/attachers.ts";
import { V1Door } from "../http/v1/door.ts";
import { encodeJob } from "../http/v1/encodeJob.ts";
import { Followers } from "../http/v1/followers.ts";
import { InputQueues } from "../http/v1/stdin.ts";
import type { AuditEntry } from "../http/v1/tokens.ts";
import { WaitingBodies } from "../http/v1/waitingBodies.ts";
import { RefusalLog } from "../log/logger.ts";
import { localToken } from "../store/dataDirectory.ts";
import type { Store } from "../store/store.ts";
import { openFilesLimit } from "../supervisor/libc.ts";
import { clock } from "./clock.ts";

/** The rest of the descriptors is for jobs. */
const shareOfConnections = 0.5;

interface DoorParts {
  readonly settings: Settings;
  readonly broker: Broker;
  readonly store: Store;
  readonly node: string;
  readonly callbacks: CallbackPolicy;
  readonly onResend: () => void;
  /** Lets the running jobs end, then ends the server. */
  readonly shutdown: () => void;
  readonly logger: Logger;
  /** Anyone who reaches this server can run commands, by wish. */
  readonly insecure: boolean;
}

/** One after the other, and whoever asks meanwhile gets an answer in between. */
async function preload(doors: readonly Door[]): Promise<void> {
  for (const door of doors) await door.preload?.();
}

/** All that a server for one address is made from. */
export function serverParts(parts: DoorParts) {
  const { settings, broker, store, node, callbacks, onResend, shutdown, logger, insecure } = parts;
  const { limits } = settings;
  const onInternalError = (error: unknown) => {
    const stack = error instanceof Error ? error.stack : undefined;
    logger.error({ error: String(error), stack }, "internal error");
  };
  const clients = new Clients(settings.trustedProxies);
  const refusals = new RefusalLog(logger);
  const { credentials, tokens } = makeTokens(settings, store);
  const rexec = new RexecDoor(broker, limits);
  const sidecar = new SidecarDoor({
    ...{ broker, limits, callbacks, now: clock.wall },
    credentials: settings.sidecars,
    nonces: store.nonces,
  });
  const flexideo = new FlexideoDoor({ broker, limits, pages: settings.flexideo, onInternalError });
  const v1 = new V1Door({
    ...{ broker, limits, version, releaseDate, node, callbacks, onInternalError, onResend, tokens, shutdown },
    audit: (entry: AuditEntry) => logger.info(entry, "audit"),
    outbox: store.outbox,
    idempotency: new Idempotency(broker, store.idempotency, clock.wall),
    followers: new Followers(limits.followers),
    attachers: new Attachers(limits.attachers),
    inputs: new InputQueues(),
    waitingBodies: new WaitingBodies(limits.pendingBodyBytes),
    encode: (job: Job) => encodeJob(job, job.callback === null ? [] : store.outbox.ofJob(job.id)),
    ...{ wall: clock.wall, startedAt: clock.wall() },
  });
  const doorFor = (path: string): Door => {
    if (path === "/process") return rexec;
    if (path === "/shell") return sidecar;
    if (path === "/solve") return flexideo;
    if (path === "/docs") return docsPage;
    return path.startsWith("/v1/") || path === "/v1" || path === "/openapi.json" ? v1 : nowhere;
  };
  return {
    preload: () => preload([v1, flexideo]),
    limits,
    guard: new Guard({ hosts: settings.hosts, origins: settings.origins, credentials, clients }),
    publicPages: publicPages(broker, { version, releaseDate, insecure }),
    doorFor,
    connections: Math.min(limits.maxConnections, Math.floor(openFilesLimit() * shareOfConnections)),
    onInternalError,
    onRequest: logger.isLevelEnabled("trace")
      ? (request: IncomingMessage) =>
          logger.trace(
            { client: clients.address(request), method: request.method, path: withoutSecrets(request.url) },
            "request",
          )
      : null,
    onRefused: (request: IncomingMessage, { code }: ErrandError, who: string | null) =>
      refusals.refused(clients.address(request), { method: request.method, code, who }),
  };
}

/** All tokens that open this server. */
function makeTokens(settings: Settings, store: Store) {
  const sha256 = createHash("sha256").update(localToken(settings.data)).digest("hex");
  const configured = settings.tokens.map((token) => ({ ...token, source: "configuration" as const }));
  const fixed: FixedToken[] = [{ name: "local", sha256, scopes: ["admin"], source: "local" }, ...configured];
  const credentials = new Credentials(fixed, { open: settings.auth === "none", now: clock.wall });
  const tokens = new IssuedTokens({
    ...{ record: store.tokens, credentials, fixed, now: clock.wall },
    reserved: settings.sidecars.map(({ name }) => name),
  });
  return { credentials, tokens };
}

/** Which numbers are code pages is known to the encodings alone. Throws `ConfigError`. */
export async function checkCodePages({ flexideo }: Settings): Promise<void> {
  if (Bun.deepEquals(flexideo, defaultCodePages)) return;
  const { codePage } = await import("../encoding/codePages.ts");
  for (const [name, number] of Object.entries(flexideo)) {
    if (codePage(number) !== null) continue;
    throw new ConfigError(`flexideo.${name} = ${number}: there is no code page of that number here`, 78);
  }
}

/** A query may hold what somebody took for a place for secrets, and who revokes a token may name it by its secret. */
function withoutSecrets(target = ""): string {
  const path = target.split("?", 1)[0] ?? "";
  return path.replace(/^(\/v1\/tokens\/).+/s, "$1…");
}

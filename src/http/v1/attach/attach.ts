import { randomBytes } from "node:crypto";
import { WebSocketServer } from "ws-node";
import { ErrandError } from "../../../core/errors.ts";
import { isJobId } from "../../../core/ids.ts";
import type { Job } from "../../../core/job.ts";
import type { OutputPosition } from "../../../core/ports.ts";
import { checkScope } from "../../../core/scopes.ts";
import { type AttachReplay, attachProtocol, attachReplays } from "../../../protocol/attach.ts";
import type { Principal, UpgradeExchange } from "../../exchange.ts";
import { decodeCursor } from "../cursor.ts";
import { checkPosition } from "../gaps.ts";
import { read, readFlag } from "../parameters.ts";
import type { RouteParts } from "../routeParts.ts";
import { isReadOnly } from "./readOnly.ts";
import { AttachSession } from "./session.ts";

/** What a client may call itself: hard to guess, and safe in a URL. */
const attacherForm = /^[A-Za-z0-9_-]{16,64}$/;
const attacherRandomBytes = 16;

/** What the query asks for. */
interface Wish {
  readonly seen: OutputPosition | null;
  readonly attacher: string;
  readonly readOnly: boolean;
  readonly replay: AttachReplay;
}

/** `GET /v1/jobs/{id}/attach`. What is refused is thrown before the connection is a WebSocket. */
export async function attach(
  parts: RouteParts,
  { request, socket, head, query, principal, isStillAllowed }: UpgradeExchange,
  id: string,
): Promise<void> {
  const wish = readWish(query);
  checkProtocol(request.headers["sec-websocket-protocol"]);
  const { broker } = parts;
  const job = isJobId(id) ? broker.get(id) : undefined;
  if (job === undefined)
    throw new ErrandError("not-found", `no job ${JSON.stringify(id)} is running or on record`);
  checkMayRead(principal, job);
  if (wish.seen !== null) checkPosition(broker, job, wish.seen);
  const { attacher, readOnly } = wish;
  // Nobody goes on as somebody else, even if the name is known.
  const writer = `${principal.name}/${attacher}`;
  // Its end has been told already, or will be: nobody would give the seat back.
  if (socket.destroyed) return;
  const seat = parts.attachers.enter(id, `${readOnly ? "reads" : "writes"}/${writer}`);
  socket.on("close", seat.leave);
  socket.on("close", parts.followers.enter(broker.active(id)));
  const server = new WebSocketServer({
    ...{ noServer: true, clientTracking: false, perMessageDeflate: false },
    maxPayload: parts.limits.attachFrameBytes,
    handleProtocols: () => attachProtocol,
  });
  // What is no handshake is answered, and the connection closed, by the library.
  server.handleUpgrade(request, socket, head, (webSocket) => {
    const ends = { routes: parts, socket: webSocket, connection: socket, isStillAllowed };
    new AttachSession({ ...ends, id, writer, seat, ...wish }).run();
  });
}

function readWish(query: string): Wish {
  const parameters = read(query, ["cursor", "attacher", "readOnly", "replay"]);
  readFlag(parameters, "readOnly");
  const cursor = parameters.get("cursor");
  const attacher = parameters.get("attacher") ?? randomBytes(attacherRandomBytes).toString("base64url");
  if (!attacherForm.test(attacher))
    throw invalid(`attacher=${JSON.stringify(attacher)}: 16 to 64 letters, digits, - and _ are allowed`);
  const wished = parameters.get("replay");
  const replay = attachReplays.find((known) => known === (wished ?? "all"));
  if (replay === undefined)
    throw invalid(`replay=${JSON.stringify(wished)}: ${attachReplays.join(", ")} are allowed`);
  if (cursor !== undefined && wished !== undefined)
    throw invalid("replay: with a cursor the output comes from there");
  return {
    seen: cursor === undefined ? null : decodeCursor(cursor),
    ...{ attacher, replay, readOnly: isReadOnly(query) },
  };
}

/** The protocol has to be offered by its name, once; what else is offered is not looked at. */
function checkProtocol(offered: string | undefined): void {
  const names = offered?.split(",").map((name) => name.trim()) ?? [];
  if (names.filter((name) => name === attachProtocol).length === 1) return;
  const shown = offered === undefined ? "none" : JSON.stringify(offered);
  throw new ErrandError(
    "invalid-request",
    `Sec-WebSocket-Protocol: ${attachProtocol} has to be offered, not ${shown}`,
  );
}

/** Who attaches sees what the job says: that takes the right to read, unless it is the own job. */
function checkMayRead(principal: Principal, { owner }: Job): void {
  if (owner !== principal.name) checkScope(principal, "jobs.events");
}

function invalid(message: string): ErrandError {
  return new ErrandError("invalid-parameter", message);
}

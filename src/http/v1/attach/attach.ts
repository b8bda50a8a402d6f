import { WebSocketServer } from "ws-node";
import { ErrandError } from "../../../core/errors.ts";
import { attachProtocol } from "../../../protocol/attach.ts";
import type { UpgradeExchange } from "../../exchange.ts";
import type { RouteParts } from "../routeParts.ts";
import { AttachSession } from "./session.ts";
import { checkWish } from "./wish.ts";

/** `GET /v1/jobs/{id}/attach`. What is refused is thrown before the connection is a WebSocket. */
export async function attach(
  parts: RouteParts,
  { request, socket, head, query, principal, onLost }: UpgradeExchange,
  id: string,
): Promise<void> {
  checkProtocol(request.headers["sec-websocket-protocol"]);
  const wish = checkWish(parts.broker, { query, id, principal });
  const { attacher, readOnly } = wish;
  // Nobody goes on as somebody else, even if the name is known.
  const writer = `${principal.name}/${attacher}`;
  // Its end has been told already, or will be: nobody would give the seat back.
  if (socket.destroyed) return;
  const seat = parts.attachers.enter(id, `${readOnly ? "reads" : "writes"}/${writer}`);
  socket.on("close", seat.leave);
  const follower = parts.followers.enter(socket);
  const server = new WebSocketServer({
    ...{ noServer: true, clientTracking: false, perMessageDeflate: false },
    maxPayload: parts.limits.attachFrameBytes,
    handleProtocols: () => attachProtocol,
  });
  // What is no handshake is answered, and the connection closed, by the library.
  server.handleUpgrade(request, socket, head, (webSocket) => {
    // Not before: who never got in must not be missed by the job.
    follower.attend(parts.broker.active(id));
    const ends = { routes: parts, socket: webSocket, connection: socket };
    const session = new AttachSession({ ...ends, id, writer, seat, ...wish });
    onLost(() => session.forbid());
    session.run();
  });
}

/** The protocol has to be offered by its name, once. What else is offered may hold a token and is not repeated. */
function checkProtocol(offered: string | undefined): void {
  const names = offered?.split(",").map((name) => name.trim()) ?? [];
  if (names.filter((name) => name === attachProtocol).length === 1) return;
  throw new ErrandError(
    "invalid-request",
    `Sec-WebSocket-Protocol: ${attachProtocol} has to be offered, exactly once`,
  );
}

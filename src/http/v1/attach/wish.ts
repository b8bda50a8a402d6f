import { randomBytes } from "node:crypto";
import type { Broker } from "../../../core/broker.ts";
import { ErrandError } from "../../../core/errors.ts";
import { isJobId } from "../../../core/ids.ts";
import type { OutputPosition } from "../../../core/ports.ts";
import { checkScope } from "../../../core/scopes.ts";
import { type AttachReplay, attachReplays } from "../../../protocol/attach.ts";
import type { Principal } from "../../exchange.ts";
import { beginning, decodeCursor } from "../cursor.ts";
import { checkPosition } from "../gaps.ts";
import { read, readFlag } from "../parameters.ts";
import { isReadOnly } from "./readOnly.ts";

/** What a client may call itself: hard to guess, and safe in a URL. */
const attacherForm = /^[A-Za-z0-9_-]{16,64}$/;
const attacherRandomBytes = 16;

/** What the query of an attachment asks for. */
export interface AttachWish {
  readonly seen: OutputPosition | null;
  readonly attacher: string;
  readonly readOnly: boolean;
  readonly replay: AttachReplay;
}

interface Asked {
  readonly query: string;
  readonly id: string;
  readonly principal: Pick<Principal, "name" | "scopes">;
}

/** What is asked for, when that can be had. Throws `invalid-parameter`, `not-found`, `forbidden`. */
export function checkWish(broker: Broker, { query, id, principal }: Asked): AttachWish {
  const wish = readWish(query);
  const job = isJobId(id) ? broker.get(id) : undefined;
  if (job === undefined)
    throw new ErrandError("not-found", `no job ${JSON.stringify(id)} is running or on record`);
  // Who attaches sees what the job says: that takes the right to read, unless it is the own job.
  if (job.owner !== principal.name) checkScope(principal, "jobs.events");
  if (wish.seen !== null) checkPosition(broker, job, wish.seen);
  return wish;
}

function readWish(query: string): AttachWish {
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
    seen: cursor === undefined ? null : (decodeCursor(cursor) ?? beginning),
    ...{ attacher, replay, readOnly: isReadOnly(query) },
  };
}

function invalid(message: string): ErrandError {
  return new ErrandError("invalid-parameter", message);
}

import type { OutputPosition } from "../../../core/ports.ts";
import { beginning } from "../cursor.ts";
import { drawScreen } from "./screen.ts";
import type { SessionParts } from "./session.ts";

/** Of a job without a terminal, the last screenful is so much. */
const lastBytes = 64 * 1024;

/** What one who attaches is sent before the output that comes. */
export interface Replay {
  /** From here on output is sent as it was written. */
  readonly position: OutputPosition;
  /** What draws the screen as it was at that place; null: nothing comes before. */
  readonly screen: Uint8Array | null;
}

/** Where the output begins for one who attaches now; `signal` is aborted when the client goes. */
export async function replayOf(
  { routes, id, seen, replay }: SessionParts,
  signal: AbortSignal,
): Promise<Replay> {
  const { broker, limits } = routes;
  if (seen !== null) return { position: seen, screen: null };
  const size = broker.active(id)?.terminalSize ?? broker.get(id)?.tty ?? null;
  switch (replay) {
    case "all":
      return { position: beginning, screen: null };
    case "none":
      return { position: tail(0), screen: null };
    case "screen":
      if (size === null) return { position: tail(lastBytes), screen: null };
      return drawScreen({ broker, id, size, mostBytes: limits.attachScreenBytes, signal });
  }

  function tail(bytes: number): OutputPosition {
    const reader = broker.follow(id);
    try {
      return reader?.tail(bytes) ?? beginning;
    } finally {
      reader?.close();
    }
  }
}

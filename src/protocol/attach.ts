import { z } from "@hono/zod-openapi";
import type { eventSchema } from "./events.ts";
import { signalSchema, type WireJob } from "./job.ts";
import { terminalSizeSchema } from "./terminal.ts";

/** The subprotocol of `GET /v1/jobs/{id}/attach`. */
export const attachProtocol = "errand.v1";

/** The first byte of every frame. */
export const attachChannels = { stdin: 0, stdout: 1, stderr: 2, control: 3, close: 255 } as const;

/** Why a connection was closed, beside the codes that every WebSocket has. */
export const attachCloseCodes = { ended: 1_000, takenOver: 4_001, inputLost: 4_002 } as const;

/** What of the output so far is sent to one who attaches. */
export const attachReplays = ["all", "screen", "none"] as const;
export type AttachReplay = (typeof attachReplays)[number];

type Event<Type extends string> = Extract<z.infer<typeof eventSchema>, { readonly type: Type }>;
type Size = z.infer<typeof terminalSizeSchema>;

/** What the server says on the channel of control. */
export type AttachServerMessage =
  | {
      readonly type: "started";
      readonly job: WireJob;
      readonly cursor: string;
      readonly attacher: string;
      /** So much of this attacher's input has been taken. */
      readonly stdinOffset: number;
      /** Who keeps no more than this without an `ack` can always be heard. */
      readonly stdinWindowBytes: number;
      readonly readOnly: boolean;
      readonly replay: AttachReplay;
      /** The size of the terminal as it is now. */
      readonly size: Size | null;
    }
  | { readonly type: "cursor"; readonly cursor: string }
  | { readonly type: "live" }
  | { readonly type: "ack"; readonly stdinOffset: number }
  | Event<"gap">
  | ({ readonly type: "resize" } & Size)
  | { readonly type: "error"; readonly code: string; readonly detail: string }
  | Event<"heartbeat">
  | Event<"ended">;

/** What the client may say there. */
export const attachClientSchema = z.discriminatedUnion("type", [
  terminalSizeSchema.extend({ type: z.literal("resize") }),
  signalSchema.extend({ type: z.literal("signal") }),
]);

export type AttachClientMessage = z.infer<typeof attachClientSchema>;

import type { Broker } from "../../core/broker.ts";
import type { CallbackPolicy, Outbox } from "../../core/callbackPorts.ts";
import type { Idempotency } from "../../core/idempotency.ts";
import type { Job } from "../../core/job.ts";
import type { Limits } from "../../core/limits.ts";
import type { WireJob } from "../../protocol/job.ts";
import type { Attachers } from "./attach/attachers.ts";
import type { Followers } from "./followers.ts";
import type { InputQueues } from "./stdin.ts";
import type { TokenParts } from "./tokens.ts";
import type { WaitingBodies } from "./waitingBodies.ts";

/** What the calls of v1 work with. */
export interface RouteParts extends TokenParts {
  readonly broker: Broker;
  readonly limits: Limits;
  readonly outbox: Pick<Outbox, "ofJob" | "resend">;
  readonly idempotency: Idempotency;
  readonly followers: Followers;
  readonly attachers: Attachers;
  readonly inputs: InputQueues;
  readonly waitingBodies: WaitingBodies;
  readonly callbacks: CallbackPolicy;
  /** Callbacks are due again. */
  readonly onResend: () => void;
  /** The job in the words of v1. */
  readonly encode: (job: Job) => WireJob;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  readonly version: string;
  readonly releaseDate: string;
  readonly node: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly onInternalError: (error: unknown) => void;
}

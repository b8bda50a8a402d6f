// The SDK has types of its own, so that its package needs no library. Here they are held to those of the server.

import type { WireJob } from "../../src/protocol/job.ts";
import type { WireSpec } from "../../src/protocol/spec.ts";
import type { WireMadeToken, WireToken, WireTokenRequest } from "../../src/protocol/tokens.ts";
import type { Captured } from "../../src/sdk/captured.ts";
import type { JobRecord } from "../../src/sdk/jobTypes.ts";
import type { NewToken, Token, TokenSpec } from "../../src/sdk/serverTypes.ts";
import type { JobSpec } from "../../src/sdk/specTypes.ts";

/** Fails to compile unless every value of the first type is one of the second. */
function fits<_One extends Two, Two>(): void {}

/** What JSON makes of a value: what is not set is not sent, and nothing is read-only. */
type Sent<Value> = Value extends Date
  ? string
  : Value extends object
    ? { -readonly [name in keyof Value]: Sent<Exclude<Value[name], undefined>> }
    : Value;

/** Is compiled, and never called. */
export function held(): void {
  // What the server tells, the SDK knows; and no field is missing.
  fits<Omit<WireJob, "captured">, JobRecord>();
  fits<keyof WireJob, keyof JobRecord | "captured">();
  fits<keyof JobRecord, keyof WireJob>();
  fits<WireToken, Token>();
  fits<WireMadeToken, NewToken>();
  // What the SDK lets a program say, the server takes; and all that it takes can be said.
  fits<Sent<JobSpec>["mode"], WireSpec["mode"]>();
  fits<keyof WireSpec, keyof JobSpec>();
  fits<Sent<TokenSpec>, WireTokenRequest>();
  fits<keyof Captured, "stdout" | "stderr">();
}

/** A spec of the SDK as the server's schema has it, field by field. */
export function sent(spec: Sent<JobSpec>): Omit<WireSpec, "survive"> {
  const { survive: _, ...rest } = spec;
  return rest;
}

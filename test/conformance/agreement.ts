import { expect } from "bun:test";
import type { WireJob } from "../../src/protocol/job.ts";
import type { Adapter, Spec, Told } from "./adapter.ts";

interface Both {
  told: Told;
  job: WireJob;
  spec: Spec;
}

/** The record of an ended job must say what the door has told, and nothing may contradict itself. */
export function expectAgreement(adapter: Adapter, { told, job, spec }: Both): void {
  expect(job).toMatchObject({ id: told.jobId, state: "ended", mode: adapter.mode, failure: null });
  const { outcome } = job;
  if (outcome === null) throw new Error("an ended job has no outcome");
  expectConsistent(outcome, spec.successExitCodes ?? [0]);
  if (adapter.flags.ending === true) expect([told.code, told.signal]).toEqual([outcome.code, outcome.signal]);
  if (adapter.flags.reason === true) expect(told.reason).toBe(outcome.reason);
  expectStream(adapter, job.stdout, told.whole ? told.stdout : null);
  expectStream(adapter, job.stderr, told.whole ? told.stderr : null);
  if (typeof spec.command !== "string" && adapter.flags.argv === true)
    expect(job.command).toEqual([...spec.command]);
  expect([job.cwd, job.leftovers]).toEqual([spec.cwd ?? null, spec.leftovers ?? "leave"]);
  if (spec.alias !== undefined) expect(job.alias).toBe(spec.alias);
}

/** One of code and signal is known, and success is said of nothing but a command that ended well by itself. */
function expectConsistent(
  { reason, code, signal, success }: NonNullable<WireJob["outcome"]>,
  successCodes: readonly number[],
): void {
  expect((code === null) !== (signal === null)).toBe(true);
  if (reason === "exited") expect(code).not.toBeNull();
  if (reason === "signaled") expect(signal).not.toBeNull();
  expect(success).toBe(reason === "exited" && code !== null && successCodes.includes(code));
}

/** `bytes`: all that the client was given, null when nothing was. */
function expectStream(adapter: Adapter, stream: WireJob["stdout"], bytes: Uint8Array | null): void {
  // Nobody has counted what was thrown away.
  if (stream.bytes === null) return;
  expect(stream.keptFrom).toBe(adapter.flags.keptOutput === true ? 0 : stream.bytes);
  if (bytes !== null && adapter.flags.exactBytes === true) expect(bytes.byteLength).toBe(stream.bytes);
}

import { z } from "@hono/zod-openapi";
import { terminalSizeSchema } from "./terminal.ts";

/** Wire schemas of v1: the one source of validation, types and the OpenAPI document. */

const time = z.iso.datetime({ precision: 3 });

const outcome = z
  .object({
    reason: z.enum([
      "exited",
      "signaled",
      "timeout",
      "idle",
      "stopped",
      "disconnected",
      "shutdown",
      "output-limit",
      "lost",
    ]),
    code: z.int().nullable(),
    signal: z.string().nullable(),
    success: z.boolean(),
    detail: z.string().nullable(),
  })
  .openapi("Outcome", { description: "How a job ended. What is not known is null, never made up." });

const stream = z
  .object({
    bytes: z.int().nullable().openapi({ description: "Bytes that came; null while the job runs." }),
    keptFrom: z.int().nullable().openapi({ description: "Offset of the first byte that is still kept." }),
    truncated: z.boolean(),
  })
  .openapi("OutputStream");

const delivery = z
  .object({
    id: z.string().openapi({ description: "The webhook-id, the same at each try." }),
    event: z.enum(["job.started", "job.ended"]),
    state: z.enum(["pending", "delivered", "failed", "disabled"]),
    attempts: z.int(),
    nextAttemptAt: time.nullable(),
    lastAttemptAt: time.nullable(),
    lastStatus: z.int().nullable(),
    lastError: z.string().nullable(),
  })
  .openapi("Delivery");

const callback = z
  .object({
    url: z.string(),
    events: z.array(z.enum(["job.started", "job.ended"])),
    deliveries: z.array(delivery),
  })
  .openapi("Callback", { description: "Whom to tell, and what became of each event so far." });

export const jobSchema = z
  .object({
    id: z
      .string()
      .openapi({ description: "63-bit, time-ordered integer in decimal.", example: "250883742021484544" }),
    node: z.string(),
    alias: z.string().nullable(),
    command: z.array(z.string()),
    cwd: z.string().nullable(),
    mode: z.enum(["attached", "background", "detached"]),
    survive: z.boolean(),
    // A union: made nullable, the schema would be so wherever it is named.
    tty: z
      .union([terminalSizeSchema, z.null()])
      .openapi({ description: "Its terminal as it was at the start; null: it has none." }),
    labels: z.record(z.string(), z.string()),
    owner: z.string().nullable(),
    state: z.enum(["queued", "starting", "running", "ended", "failed", "detached", "lost"]),
    outcome: outcome.nullable(),
    failure: z
      .string()
      .nullable()
      .openapi({ description: "Why it could not be started; only in state failed." }),
    createdAt: time,
    startedAt: time.nullable(),
    endedAt: time.nullable(),
    durationNanoseconds: z.int().nullable(),
    pid: z.int().nullable(),
    stdout: stream,
    stderr: stream,
    stderrTail: z
      .string()
      .nullable()
      .openapi({ description: "The last 64 KiB of stderr; null while the job runs." }),
    leftovers: z.enum(["leave", "stop"]),
    expiresAt: time.nullable(),
    callback: callback.nullable(),
  })
  .openapi("Job");

export type WireJob = z.infer<typeof jobSchema>;

export const jobListSchema = z
  .object({
    jobs: z.array(jobSchema),
    nextCursor: z.string().nullable().openapi({ description: "For the next page; null on the last." }),
  })
  .openapi("JobList");

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().openapi({ description: "Stable; docs/errors.md explains each." }),
    field: z.string().optional().openapi({ description: "The field of a spec that is not available yet." }),
  })
  .openapi("Problem", { description: "RFC 9457 problem details." });

export const stopSchema = z
  .strictObject({ graceSeconds: z.number().min(0).max(3_600).optional() })
  .openapi("Stop", { description: "From TERM to KILL; without it the server's stopGraceSeconds." });

export const signalSchema = z
  .strictObject({ signal: z.string() })
  .openapi("Signal", { description: "The name of a signal, such as SIGINT.", example: { signal: "SIGINT" } });

export const infoSchema = z
  .object({
    version: z.string(),
    releaseDate: z.string(),
    node: z.string(),
    startedAt: time,
    runningJobs: z.int(),
    limits: z.record(z.string(), z.number()),
  })
  .openapi("Info");

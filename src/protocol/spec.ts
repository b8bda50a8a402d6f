import { z } from "@hono/zod-openapi";
import { terminalSizeSchema } from "./terminal.ts";

/** Longest time that a spec may name: ten years. */
const mostSeconds = 3_650 * 86_400;
const seconds = (description: string) =>
  z.number().positive().max(mostSeconds).optional().openapi({ description });

/** One class without groups: a body of some megabytes is matched in milliseconds. */
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

const stdinForms = '"open", {"text": "…"} or {"base64": "…"} is allowed';

const givenSchema = z
  .strictObject(
    {
      text: z.string().optional(),
      base64: z
        .string()
        .regex(base64, "no base64")
        .refine((text) => text.length % 4 === 0, "no base64: its length is no multiple of 4")
        .optional(),
    },
    { error: ({ code }) => (code === "invalid_type" ? stdinForms : undefined) },
  )
  .refine(({ text, base64 }) => (text === undefined) !== (base64 === undefined), stdinForms);

const stdinSchema = z.union([z.literal("open"), givenSchema], stdinForms).openapi("Stdin", {
  description: "All that the command can read, or `open`: written later. Without it, nothing.",
});

/** Letters, digits and a few marks. */
const labelName = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/;

const callbackSchema = z
  .strictObject({
    url: z.string().min(1),
    events: z
      .array(z.enum(["job.started", "job.ended"]))
      .min(1)
      .max(2)
      .optional()
      .openapi({ description: "job.ended without it" }),
  })
  .openapi("CallbackRequest");

/** What `POST /v1/jobs` takes in this build. */
export const specSchema = z
  .strictObject({
    command: z
      .array(z.string())
      .min(1)
      .optional()
      .openapi({ description: "Program and arguments; or `shell`" }),
    shell: z.string().min(1).optional().openapi({ description: "Run by /bin/sh -c; or `command`" }),
    cwd: z.string().min(1).optional(),
    env: z.record(z.string(), z.string()).optional(),
    stdin: stdinSchema.optional(),
    mode: z
      .enum(["attached", "background", "detached"])
      .optional()
      .openapi({ description: "attached when the request asks for a stream, else background" }),
    alias: z.string().min(1).optional(),
    aliasPolicy: z.enum(["reject", "queue", "join", "replace"]).optional(),
    labels: z.record(z.string().regex(labelName, "no name of a label"), z.string().max(255)).optional(),
    onDisconnect: z
      .union([
        z.enum(["kill", "detach"]),
        z.strictObject({ killAfterSeconds: z.number().min(0).max(86_400) }),
      ])
      .optional()
      .openapi({
        description: "When the last client that follows has gone; kill for attached jobs, else detach",
      }),
    survive: z.literal(false).optional(),
    tty: terminalSizeSchema.optional().openapi({
      description: "It runs at a terminal of this size, which is its stdin, stdout and stderr",
    }),
    mergeOutput: z
      .boolean()
      .optional()
      .openapi({ description: "stderr goes into stdout, in the order of writing" }),
    discardOutput: z.boolean().optional(),
    successExitCodes: z.array(z.int().min(0).max(255)).min(1).max(256).optional(),
    leftovers: z.enum(["leave", "stop"]).optional(),
    runTimeoutSeconds: seconds("Longest run"),
    idleTimeoutSeconds: seconds("Longest silence"),
    stopGraceSeconds: z.number().min(0).max(3_600).optional(),
    retainSeconds: seconds("How long the record and the output are kept after the end"),
    limits: z
      .strictObject({ outputBytes: z.int().min(0).optional() })
      .optional()
      .openapi({ description: "With more output than outputBytes the job is stopped" }),
    callback: callbackSchema.optional(),
  })
  .openapi("JobSpec");

export type WireSpec = z.infer<typeof specSchema>;

/** Fields that v1 will have and this build has not. */
export const plannedFields = {
  "": ["user", "target"],
  limits: ["memoryBytes", "cpuSeconds", "processes", "openFiles"],
} as const satisfies Record<string, readonly string[]>;

/** Values that v1 will have and this build has not. */
export const plannedValues = {
  survive: [true],
} as const satisfies Record<string, readonly unknown[]>;

/** Names that are known at each place of a spec. */
export const knownFields = {
  "": [...Object.keys(specSchema.shape), ...plannedFields[""]],
  limits: ["outputBytes", ...plannedFields.limits],
  callback: ["url", "events"],
  stdin: ["text", "base64"],
  tty: ["cols", "rows"],
  onDisconnect: ["killAfterSeconds"],
} as const satisfies Record<string, readonly string[]>;

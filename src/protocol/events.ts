import { z } from "@hono/zod-openapi";
import { jobSchema } from "./job.ts";

const cursor = z.string().openapi({ description: "Everything up to this event has been seen." });
const outputFields = {
  cursor,
  offset: z.int().openapi({ description: "Of the first byte in its stream." }),
  text: z.string().optional().openapi({ description: "When the bytes are whole characters of UTF-8." }),
  base64: z.string().optional().openapi({ description: "When they are not." }),
};

/** One event in a job's life. */
export const eventSchema = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("started"), cursor, job: jobSchema }),
    z.object({ type: z.literal("stdout"), ...outputFields }),
    z.object({ type: z.literal("stderr"), ...outputFields }),
    z.object({
      type: z.literal("gap"),
      cursor,
      stream: z.enum(["stdout", "stderr"]),
      from: z.int(),
      to: z.int().openapi({ description: "Bytes from `from` up to this one are not kept." }),
    }),
    z.object({ type: z.literal("heartbeat"), cursor }),
    z.object({ type: z.literal("ended"), cursor, outcome: jobSchema.shape.outcome, job: jobSchema }),
  ])
  .openapi("Event", { description: "The last one is `ended`: a stream without it was cut." });

/** One event in the life of any job. */
export const lifecycleEventSchema = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("job.started"), cursor: z.string(), job: jobSchema }),
    z.object({ type: z.literal("job.ended"), cursor: z.string(), job: jobSchema }),
    z.object({ type: z.literal("job.failed"), cursor: z.string(), job: jobSchema }),
    z.object({ type: z.literal("gap"), cursor: z.string(), missed: z.int() }),
    z.object({ type: z.literal("heartbeat"), cursor: z.string() }),
  ])
  .openapi("LifecycleEvent");

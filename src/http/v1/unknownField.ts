import type { z } from "@hono/zod-openapi";
import { ErrandError } from "../../core/errors.ts";
import { nearestName } from "../../core/nearest.ts";

/** Says that there is no such field, and which one was probably meant. `place` is the object that it stands in. */
export function unknownField(name: string, known: readonly string[], place = ""): string {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? `known are ${known.join(", ")}` : `did you mean ${nearest}?`;
  const full = place === "" ? name : `${place}.${name}`;
  return `unknown field ${JSON.stringify(full)}; ${hint}`;
}

/** What is wrong with a body. A name that was mistyped explains the one that is missing. */
export function explain({ issues }: z.ZodError, known: readonly string[], whole = "body"): string {
  const unknown = issues.find(({ code }) => code === "unrecognized_keys");
  if (unknown?.code === "unrecognized_keys") return unknownField(unknown.keys[0] ?? "", known);
  const [issue] = issues;
  return `${issue?.path.join(".") || whole}: ${issue?.message ?? "it cannot be read"}`;
}

/** A body of that form. Throws `invalid-spec` that says what is wrong and what is `allowed`. */
export function readBody<Shape extends z.ZodRawShape>(
  value: unknown,
  schema: z.ZodObject<Shape>,
  allowed: string,
): z.output<z.ZodObject<Shape>> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const why = explain(parsed.error, Object.keys(schema.shape));
  throw new ErrandError("invalid-spec", `${why} (allowed is ${allowed})`);
}

import type { z } from "@hono/zod-openapi";
import { ErrandError } from "../../core/errors.ts";
import { isPlannedScope, scopes } from "../../core/scopes.ts";
import { plannedTokenFields, tokenRequestSchema, type WireTokenRequest } from "../../protocol/tokens.ts";
import { isObject } from "../jsonFields.ts";
import { unknownField } from "./unknownField.ts";

const fields = Object.keys(tokenRequestSchema.shape);

/** What is allowed in each field; values are not repeated, since a secret may have gone into the wrong one. */
const allowed: Readonly<Record<string, string>> = {
  name: "1 to 64 letters, digits and ._@/- are allowed",
  scopes: `a list of ${scopes.join(", ")}, at least one and each once, is allowed`,
  expiresAt: "an RFC 3339 time with its offset is allowed, as 2031-01-31T12:00:00Z, or null",
};

/** Reads the body of `POST /v1/tokens`. Throws `invalid-spec` that names the field, `not-available` for what is to come. */
export function decodeToken(
  value: unknown,
): Omit<WireTokenRequest, "expiresAt"> & { expiresAt: number | null } {
  if (isObject(value)) refusePlanned(value);
  const parsed = tokenRequestSchema.safeParse(value);
  if (!parsed.success) throw explain(parsed.error);
  const { name, scopes, expiresAt } = parsed.data;
  const time = expiresAt === undefined || expiresAt === null ? null : Date.parse(expiresAt);
  if (Number.isNaN(time)) throw invalid(`expiresAt: ${allowed.expiresAt}`);
  return { name, scopes, expiresAt: time };
}

function refusePlanned(value: Readonly<Record<string, unknown>>): void {
  const tie = plannedTokenFields.find((name) => Object.hasOwn(value, name));
  if (tie !== undefined) throw planned(tie, `${tie}: tokens cannot be tied to ${tie} in this build yet`);
  const commands =
    Array.isArray(value.scopes) &&
    value.scopes.some((scope) => typeof scope === "string" && isPlannedScope(scope));
  if (commands) throw planned("scopes", "scopes: commands:<name> is not in this build yet");
}

function planned(field: string, why: string): ErrandError {
  return new ErrandError("not-available", why, undefined, { field });
}

function explain({ issues: [issue] }: z.ZodError): ErrandError {
  if (issue?.code === "unrecognized_keys") {
    return invalid(unknownField(issue.keys[0] ?? "", fields));
  }
  const field = String(issue?.path[0] ?? "");
  return invalid(field in allowed ? `${field}: ${allowed[field]}` : "the body: a JSON object is needed");
}

function invalid(why: string): ErrandError {
  return new ErrandError("invalid-spec", why);
}

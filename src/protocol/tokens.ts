import { z } from "@hono/zod-openapi";
import type { Scope } from "../core/scopes.ts";

const time = z.iso.datetime({ precision: 3 });

const scope = z.enum(["read", "run", "admin"] satisfies readonly Scope[]);

const name = z
  .string()
  .regex(/^[A-Za-z0-9._@/-]{1,64}$/)
  .openapi({ description: "Who starts jobs with it: 1 to 64 of letters, digits and ._@/-", example: "ci" });

/** What `POST /v1/tokens` takes. */
export const tokenRequestSchema = z
  .strictObject({
    name,
    scopes: z
      .array(scope)
      .min(1)
      .refine((list) => new Set(list).size === list.length, "each stands there once")
      .openapi({ description: "What it may do; admin holds the others", uniqueItems: true }),
    expiresAt: z.iso
      .datetime({ offset: true })
      .nullable()
      .optional()
      .openapi({ description: "A later time; without it, or null, it does not expire" }),
  })
  .openapi("TokenRequest");

/** Fields of a token that v1 will have and this build has not. */
export const plannedTokenFields = ["labels", "users", "directories"] as const;

const shown = {
  id: z.string(),
  name: z.string(),
  scopes: z.array(scope),
  expiresAt: time.nullable().openapi({ description: "Null: it does not expire" }),
};

/** A token that has just been made. */
export const madeTokenSchema = z
  .object({
    ...shown,
    createdAt: time,
    secret: z.string().openapi({ description: "256 bits in base64url. Shown this once, and kept nowhere." }),
  })
  .openapi("MadeToken");

const tokenSchema = z
  .object({
    ...shown,
    createdAt: time.nullable().openapi({ description: "Null: nobody knows" }),
    source: z
      .enum(["local", "configuration", "api"])
      .openapi({ description: "Only those of the api can be revoked by it." }),
  })
  .openapi("Token");

export const tokenListSchema = z.object({ tokens: z.array(tokenSchema) }).openapi("TokenList");

export type WireTokenRequest = z.infer<typeof tokenRequestSchema>;
export type WireMadeToken = z.infer<typeof madeTokenSchema>;
export type WireToken = z.infer<typeof tokenSchema>;

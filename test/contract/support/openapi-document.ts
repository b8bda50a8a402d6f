import { z } from "zod";

/**
 * The objects of OpenAPI 3.1 as far as a document of ours can have them. Strict: a word that the specification does not
 * know is refused, as is a schema keyword that JSON Schema 2020-12 does not have.
 */

const text = z.string().min(1);
const count = z.int().min(0);
const typeName = z.enum(["null", "boolean", "object", "array", "number", "string", "integer"]);

const reference = z.strictObject({ $ref: z.string().regex(/^#\/components\/[a-zA-Z]+\/[A-Za-z0-9._-]+$/) });

export interface Schema {
  $ref?: string | undefined;
  type?: z.infer<typeof typeName> | z.infer<typeof typeName>[] | undefined;
  enum?: unknown[] | undefined;
  const?: unknown;
  properties?: Record<string, Schema> | undefined;
  required?: string[] | undefined;
  additionalProperties?: boolean | Schema | undefined;
  propertyNames?: Schema | undefined;
  items?: Schema | undefined;
  anyOf?: Schema[] | undefined;
  oneOf?: Schema[] | undefined;
  allOf?: Schema[] | undefined;
  pattern?: string | undefined;
  format?: string | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  exclusiveMinimum?: number | undefined;
  exclusiveMaximum?: number | undefined;
  minLength?: number | undefined;
  maxLength?: number | undefined;
  minItems?: number | undefined;
  maxItems?: number | undefined;
  uniqueItems?: boolean | undefined;
  description?: string | undefined;
}

const isPattern = (pattern: string) => {
  try {
    return new RegExp(pattern, "u") instanceof RegExp;
  } catch {
    return false;
  }
};

const schema: z.ZodType<Schema> = z.lazy(() =>
  z
    .strictObject({
      $ref: reference.shape.$ref.optional(),
      type: z.union([typeName, z.array(typeName).min(1)]).optional(),
      enum: z.array(z.unknown()).min(1).optional(),
      const: z.unknown().optional(),
      properties: z.record(z.string(), schema).optional(),
      required: z.array(z.string()).optional(),
      additionalProperties: z.union([z.boolean(), schema]).optional(),
      propertyNames: schema.optional(),
      items: schema.optional(),
      ...{ anyOf: z.array(schema).min(1).optional(), oneOf: z.array(schema).min(1).optional() },
      allOf: z.array(schema).min(1).optional(),
      pattern: z.string().refine(isPattern, "no pattern").optional(),
      format: text.optional(),
      ...{ minimum: z.number().optional(), maximum: z.number().optional() },
      ...{ exclusiveMinimum: z.number().optional(), exclusiveMaximum: z.number().optional() },
      ...{ minLength: count.optional(), maxLength: count.optional() },
      ...{ minItems: count.optional(), maxItems: count.optional(), uniqueItems: z.boolean().optional() },
      description: text.optional(),
      example: z.unknown().optional(),
      default: z.unknown().optional(),
    })
    .refine(({ properties = {}, required = [] }) => required.every((name) => name in properties), {
      error: "a field is required that is not described",
    }),
);

const mediaType = z.string().regex(/^[a-z]+\/[a-z0-9.+-]+$/);
const content = z.record(mediaType, z.strictObject({ schema, example: z.unknown().optional() }));

const parameter = z
  .strictObject({
    name: text,
    in: z.enum(["query", "header", "path", "cookie"]),
    required: z.boolean().optional(),
    description: text.optional(),
    schema,
  })
  .refine((one) => one.in !== "path" || one.required === true, "a parameter of a path must be required");

const response = z.strictObject({ description: z.string(), content: content.optional() });
const requestBody = z.strictObject({
  description: text.optional(),
  required: z.boolean().optional(),
  content,
});
const security = z.array(z.record(text, z.array(z.string())));

const operation = z.strictObject({
  summary: text,
  description: text.optional(),
  operationId: text.optional(),
  tags: z.array(text).optional(),
  parameters: z.array(parameter).optional(),
  requestBody: requestBody.optional(),
  responses: z.record(z.string().regex(/^[1-5]\d\d$/), response),
  security: security.optional(),
});

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"] as const;
const pathItem = z.partialRecord(z.enum(methods), operation);

const securityScheme = z.strictObject({
  type: z.literal("http"),
  scheme: z.enum(["basic", "bearer"]),
  description: text.optional(),
});

/** A whole document. */
export const documentSchema = z.strictObject({
  openapi: z.string().regex(/^3\.1\.\d+$/),
  info: z.strictObject({ title: text, version: text, description: text.optional() }),
  paths: z.record(z.string().regex(/^\/(?:[^{}?#]|\{\w+\})*$/), pathItem),
  components: z.strictObject({
    schemas: z.record(z.string().regex(/^[A-Za-z0-9._-]+$/), schema),
    parameters: z.record(text, parameter).optional(),
    securitySchemes: z.record(text, securityScheme).optional(),
  }),
  security: security.optional(),
  webhooks: z.record(text, pathItem).optional(),
});

export type Document = z.infer<typeof documentSchema>;
export type Operation = z.infer<typeof operation>;

/** Every operation of a document. */
export function operationsOf({ paths }: Document): { path: string; method: string; operation: Operation }[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const found = item[method];
      return found === undefined ? [] : [{ path, method: method.toUpperCase(), operation: found }];
    }),
  );
}

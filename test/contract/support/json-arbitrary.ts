import {
  type Arbitrary,
  array,
  boolean,
  constant,
  constantFrom,
  dictionary,
  double,
  integer,
  jsonValue,
  oneof,
  record,
  string,
  stringMatching,
} from "fast-check";
import { resolved } from "./json-schema.ts";
import type { Document, Schema } from "./openapi-document.ts";

const longest = 20;

/** Values that a schema allows, the odd ones among them. */
export function valuesOf(schema: Schema, document: Document): Arbitrary<unknown> {
  const known = resolved(schema, document);
  const forms = known.anyOf ?? known.oneOf;
  if (forms !== undefined) return oneof(...forms.map((form) => valuesOf(form, document)));
  if (known.enum !== undefined) return constantFrom(...known.enum);
  const types = known.type === undefined ? [] : [known.type].flat();
  if (types.length === 0) return jsonValue({ maxDepth: 2 });
  return oneof(...types.map((type) => ofType(type, known, document)));
}

/** Values of which most are as the schema says, and some are not. */
export function nearlyValuesOf(schema: Schema, document: Document): Arbitrary<unknown> {
  return oneof(
    { weight: 6, arbitrary: valuesOf(schema, document) },
    { weight: 1, arbitrary: withSomethingElse(schema, document) },
    { weight: 1, arbitrary: jsonValue({ maxDepth: 2 }) },
  );
}

function ofType(type: string, schema: Schema, document: Document): Arbitrary<unknown> {
  switch (type) {
    case "null":
      return constant(null);
    case "boolean":
      return boolean();
    case "integer":
      return oneof(integer(boundsOf(schema)), constantFrom(...edges(schema)));
    case "number":
      return oneof(double({ ...boundsOf(schema), noNaN: true }), constantFrom(...edges(schema)));
    case "array": {
      const { items = {}, minItems = 0, maxItems = longest } = schema;
      return array(valuesOf(items, document), {
        minLength: minItems,
        maxLength: Math.min(maxItems, longest),
      });
    }
    case "object":
      return ofObject(schema, document);
    default:
      return ofText(schema);
  }
}

function ofText({ pattern, format, minLength = 0, maxLength = longest }: Schema): Arbitrary<string> {
  if (format === "date-time") return constantFrom("2030-01-31T12:00:00Z", "2030-01-31T12:00:00.000+01:00");
  if (pattern !== undefined) return stringMatching(new RegExp(pattern));
  const size = { minLength, maxLength: Math.max(minLength, Math.min(maxLength, longest)) };
  return oneof(string(size), string({ ...size, unit: "binary" }), constantFrom("a", "é☃🦊".slice(0, 4)));
}

function ofObject(schema: Schema, document: Document): Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, inner]) => [name, valuesOf(inner, document)]),
  );
  if (typeof additionalProperties === "object") {
    return dictionary(
      oneof(string({ minLength: 1, maxLength: 8 }), constantFrom("a", "PATH", "__proto__")),
      valuesOf(additionalProperties, document),
      {
        maxKeys: 3,
      },
    );
  }
  return record(fields, { requiredKeys: required.filter((name) => name in fields) });
}

/** One field replaced by anything, or one too many. */
function withSomethingElse(schema: Schema, document: Document): Arbitrary<unknown> {
  const { properties = {} } = resolved(schema, document);
  const name = constantFrom(...Object.keys(properties), "extra");
  return valuesOf(schema, document).chain((value) =>
    name.chain((field) =>
      jsonValue({ maxDepth: 1 }).map((other) =>
        typeof value === "object" && value !== null && !Array.isArray(value)
          ? { ...value, [field]: other }
          : other,
      ),
    ),
  );
}

function boundsOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema) {
  const min = minimum ?? (exclusiveMinimum === undefined ? -1_000 : exclusiveMinimum + 1);
  const max = maximum ?? (exclusiveMaximum === undefined ? 1_000_000 : exclusiveMaximum - 1);
  return { min: Math.min(min, max), max: Math.max(min, max) };
}

function edges(schema: Schema): number[] {
  const { min, max } = boundsOf(schema);
  return [min, max];
}

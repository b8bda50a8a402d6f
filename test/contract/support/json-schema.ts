import type { Document, Schema } from "./openapi-document.ts";

/** The schema behind a reference. */
export function resolved(schema: Schema, document: Document): Schema {
  if (schema.$ref === undefined) return schema;
  const found = document.components.schemas[schema.$ref.split("/").at(-1) ?? ""];
  if (found === undefined) throw new Error(`${schema.$ref} leads nowhere`);
  return resolved(found, document);
}

/** What is wrong with a value by its schema, each with its place; nothing when it is as described. */
export function violations(value: unknown, schema: Schema, document: Document, place = "$"): string[] {
  const known = resolved(schema, document);
  const { anyOf, oneOf, allOf = [], type } = known;
  const forms = anyOf ?? oneOf;
  const found = allOf.flatMap((form) => violations(value, form, document, place));
  if (forms !== undefined) {
    const each = forms.map((form) => violations(value, form, document, place));
    const fitting = each.filter((list) => list.length === 0).length;
    if (fitting === 0 || (oneOf !== undefined && fitting > 1))
      found.push(`${place}: ${fitting} of ${forms.length} forms: ${each.flat().join("; ")}`);
  }
  const types = type === undefined ? [] : [type].flat();
  if (types.length > 0 && !types.some((name) => isOf(value, name)))
    return [...found, `${place}: ${typeof value} instead of ${types.join(" or ")}`];
  if (known.enum !== undefined && !known.enum.includes(value)) found.push(`${place}: not one of the enum`);
  if (typeof value === "number") found.push(...ofNumber(value, known, place));
  if (typeof value === "string") found.push(...ofString(value, known, place));
  if (Array.isArray(value)) {
    const { items, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = known;
    if (value.length < minItems || value.length > maxItems) found.push(`${place}: ${value.length} items`);
    if (items !== undefined)
      found.push(...value.flatMap((item, index) => violations(item, items, document, `${place}[${index}]`)));
  } else if (typeof value === "object" && value !== null) {
    found.push(...ofObject(Object.entries(value), known, document, place));
  }
  return found;
}

function isOf(value: unknown, type: string): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
}

function ofNumber(value: number, schema: Schema, place: string): string[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  const outside =
    value < (minimum ?? value) ||
    value > (maximum ?? value) ||
    (exclusiveMinimum !== undefined && value <= exclusiveMinimum) ||
    (exclusiveMaximum !== undefined && value >= exclusiveMaximum);
  return outside ? [`${place}: ${value} is out of bounds`] : [];
}

function ofString(value: string, { pattern, minLength, maxLength }: Schema, place: string): string[] {
  const length = [...value].length;
  const found: string[] = [];
  if (length < (minLength ?? 0) || length > (maxLength ?? length))
    found.push(`${place}: ${length} characters`);
  if (pattern !== undefined && !new RegExp(pattern, "u").test(value)) found.push(`${place}: ${pattern}`);
  return found;
}

function ofObject(
  entries: readonly (readonly [string, unknown])[],
  { properties = {}, required = [], additionalProperties = true }: Schema,
  document: Document,
  place: string,
): string[] {
  const names = new Set(entries.map(([name]) => name));
  const missing = required.filter((name) => !names.has(name)).map((name) => `${place}.${name}: is missing`);
  const wrong = entries.flatMap(([name, value]) => {
    const inside = `${place}.${name}`;
    const described = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    if (described === false) return [`${inside}: is not described`];
    return described === true || described === undefined
      ? []
      : violations(value, described, document, inside);
  });
  return [...missing, ...wrong];
}

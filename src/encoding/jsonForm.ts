import { JsonFormError, XmlError } from "./errors.ts";
import { type Fail, readXml, type XmlElement, type XmlHandlers } from "./strictXml.ts";

const jsonNamespace = "http://www.flexideo.com/actions/json";
const httpNamespace = "http://www.flexideo.com/actions/http";

const types = ["string", "number", "boolean", "null", "object", "array"] as const;
type Type = (typeof types)[number];

/** An element that is open: a value, or the envelope around the root. */
interface Open {
  readonly type: Type | "envelope";
  readonly name: string;
  /** Keys of an object so far. */
  readonly keys: Set<string>;
  /** Text of a value that is neither object nor array. */
  readonly text: string[];
  children: number;
}

/**
 * JSON text of Flexideo's XML form of JSON. Numbers keep their spelling. A member's key is the local name of its
 * element, which stands in no namespace or in that of the form. What is not that form is a JsonFormError.
 */
export function jsonFromXml(text: string): string {
  const json: string[] = [];
  try {
    readXml([text], (fail) => formHandlers(json, fail));
  } catch (error) {
    if (error instanceof XmlError) throw new JsonFormError(error.message, error.position);
    throw error;
  }
  return json.join("");
}

/** Writes the JSON text while the elements come, so that the depth of the XML is the only depth. */
function formHandlers(json: string[], fail: Fail): XmlHandlers {
  const stack: Open[] = [];
  return {
    open(element) {
      const parent = stack.at(-1);
      if (parent === undefined && isNamed(element, httpNamespace, "root")) {
        stack.push(newOpen("envelope", element.name));
        return;
      }
      json.push(before(element, parent, fail));
      const type = typeOf(element, fail);
      if (parent === undefined || parent.type === "envelope") checkRootType(type, fail);
      if (type === "object") json.push("{");
      if (type === "array") json.push("[");
      stack.push(newOpen(type, element.name));
    },
    text(text) {
      const open = stack.at(-1);
      if (open === undefined) return;
      if (!isContainer(open)) open.text.push(text);
      else if (!isBlank(text)) fail(`<${open.name}> may hold elements only, but has text`);
    },
    close() {
      const open = stack.pop();
      if (open !== undefined) json.push(after(open, fail));
    },
  };
}

/** Checks that the element may stand there, and gives what JSON has before its value. */
function before(element: XmlElement, parent: Open | undefined, fail: Fail): string {
  const first = parent === undefined || parent.children++ === 0;
  const comma = first ? "" : ",";
  switch (parent?.type) {
    case undefined:
    case "envelope":
      if (!isNamed(element, jsonNamespace, "root"))
        fail(`<root> of ${jsonNamespace} is due, not <${element.name}>`);
      if (!first) fail("there may be one root only");
      return "";
    case "array":
      if (isNamed(element, jsonNamespace, "element")) return comma;
      return fail(`items of an array are <element> of ${jsonNamespace}, not <${element.name}>`);
    case "object":
      return `${comma}${key(element, parent?.keys ?? new Set(), fail)}:`;
    default:
      return fail(
        `<${parent?.name}> of the type ${parent?.type} may hold text only, but has <${element.name}>`,
      );
  }
}

function key({ name, local, namespace }: XmlElement, keys: Set<string>, fail: Fail): string {
  if (namespace !== "" && namespace !== jsonNamespace) fail(`<${name}> stands in another namespace`);
  if (keys.has(local)) fail(`the object has two members ${JSON.stringify(local)}`);
  keys.add(local);
  return JSON.stringify(local);
}

function typeOf({ name, attributes }: XmlElement, fail: Fail): Type {
  let given: string | undefined;
  for (const attribute of attributes) {
    if (attribute.name === "type") given = attribute.value;
    else if (!/^xml(?:ns)?(?::|$)/.test(attribute.name))
      fail(`<${name}> has the unknown attribute ${attribute.name}`);
  }
  if (given === undefined) return fail(`<${name}> has no type`);
  const type = types.find((one) => one === given);
  return type ?? fail(`<${name}> has the type ${JSON.stringify(given)}; allowed are ${types.join(", ")}`);
}

function checkRootType(type: Type, fail: Fail): void {
  if (type !== "object" && type !== "array") fail(`the root has the type ${type}; allowed are object, array`);
}

/** What JSON has for the value where its element ends. */
function after({ type, name, text, children }: Open, fail: Fail): string {
  const value = text.join("");
  switch (type) {
    case "envelope":
      return children > 0 ? "" : fail(`<${name}> holds no root`);
    case "object":
      return "}";
    case "array":
      return "]";
    case "string":
      return JSON.stringify(value);
    case "number":
    case "boolean":
    case "null":
      return literal(type, name, value, fail);
  }
}

/** White space around the literal; it is written so that no text takes more than linear time. */
const literals = {
  number: /^[ \t\r\n]*(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)[ \t\r\n]*$/,
  boolean: /^[ \t\r\n]*(true|false)[ \t\r\n]*$/,
  null: /^()[ \t\r\n]*$/,
};

function literal(type: keyof typeof literals, name: string, text: string, fail: Fail): string {
  const [, value] = literals[type].exec(text) ?? [];
  if (value === undefined)
    return fail(`<${name}> of the type ${type} holds ${JSON.stringify(text.slice(0, 100))}`);
  return type === "null" ? "null" : value;
}

function newOpen(type: Open["type"], name: string): Open {
  return { type, name, keys: new Set(), text: [], children: 0 };
}

function isContainer({ type }: Open): boolean {
  return type === "envelope" || type === "object" || type === "array";
}

function isBlank(text: string): boolean {
  return /^[ \t\r\n]*$/.test(text);
}

function isNamed(element: XmlElement, namespace: string, local: string): boolean {
  return element.namespace === namespace && element.local === local;
}

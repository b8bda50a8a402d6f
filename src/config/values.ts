/** A table of a configuration file. */
export type Table = Readonly<Record<string, unknown>>;

/** A value as it is shown in messages. */
export function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** The table under the key; an empty one when there is none. */
export function table(parent: Table, key: string): Table {
  const value = parent[key] ?? {};
  if (!isTable(value)) throw new Error(`${key} must be a table, written as [${key}]`);
  return value;
}

/** The array of tables under the key. */
export function tables(parent: Table, key: string): readonly Table[] {
  const value = parent[key] ?? [];
  if (!Array.isArray(value) || !value.every(isTable))
    throw new Error(`${key} must be tables, written as [[${key}]]`);
  return value;
}

/** The text under the key, undefined when there is none. */
export function text(parent: Table, section: string, key: string): string | undefined {
  const value = parent[key];
  if (value === undefined || typeof value === "string") return value;
  throw new Error(`${section}.${key} = ${show(value)}: a text is allowed`);
}

/** The list of texts under the key, undefined when there is none. */
export function texts(parent: Table, section: string, key: string): readonly string[] | undefined {
  const value = parent[key];
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw new Error(`${section}.${key} = ${show(value)}: a list of texts is allowed`);
}

/** The list of numbers under the key, undefined when there is none. */
export function numbers(parent: Table, section: string, key: string): readonly number[] | undefined {
  const value = parent[key];
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((item) => typeof item === "number")) return value;
  throw new Error(`${section}.${key} = ${show(value)}: a list of numbers is allowed`);
}

/** Variables for the environment of jobs. */
export function variables(parent: Table): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(parent)) {
    if (typeof value !== "string" || value.includes("\0")) {
      throw new Error(`environment.${name} = ${show(value)}: a text without NUL is allowed`);
    }
    if (name === "" || name.includes("=") || name.includes("\0")) {
      throw new Error(`environment: ${show(name)} is no name for a variable`);
    }
    found[name] = value;
  }
  return found;
}

/** The object without its undefined members. */
export function defined<Shape extends object>(
  shape: Shape,
): { [Key in keyof Shape]?: Exclude<Shape[Key], undefined> } {
  const entries = Object.entries(shape).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof Shape]?: Exclude<Shape[Key], undefined> };
}

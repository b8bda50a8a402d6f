import { ErrandError } from "./errors.ts";

/** The rights that a credential may have. `admin` holds all others. */
export const scopes = ["read", "run", "admin"] as const;

export type Scope = (typeof scopes)[number];

/**
 * Everything that a client can ask for, and the scopes of which one is enough beside `admin`. Every request is held
 * against this one table before its door sees it.
 */
export const operationTable = {
  "jobs.start": ["run"],
  "jobs.list": ["read"],
  "jobs.get": ["read"],
  "jobs.output": ["read"],
  "jobs.events": ["read"],
  "jobs.stop": ["run"],
  "jobs.signal": ["run"],
  "jobs.stdin": ["run"],
  "jobs.resize": ["run"],
  // Who attaches may write.
  "jobs.attach": ["run"],
  "jobs.watch": ["read"],
  "jobs.forget": ["run"],
  "callbacks.resend": ["run"],
  "info.read": ["read"],
  "events.read": ["read"],
  // It tells nothing of this server's jobs, and whoever may do one thing has to learn how.
  "openapi.read": ["read", "run"],
  "tokens.manage": ["admin"],
  "server.shutdown": ["admin"],
} as const satisfies Record<string, readonly Scope[]>;

export type Operation = keyof typeof operationTable;

/** True for the name of a scope. */
export function isScope(text: string): text is Scope {
  return scopes.some((scope) => scope === text);
}

/** True when who holds these scopes has that one. */
export function allowsScope(held: readonly Scope[], scope: Scope): boolean {
  return held.includes("admin") || held.includes(scope);
}

/** True when these scopes are enough for what is asked. */
export function allows(held: readonly Scope[], operation: Operation): boolean {
  const enough: readonly Scope[] = operationTable[operation];
  return held.includes("admin") || enough.some((scope) => held.includes(scope));
}

/** True for a right that a later Errand will have. */
export function isPlannedScope(text: string): boolean {
  return text.startsWith("commands:");
}

/** Throws `forbidden`, which names the operation and the scope that is missing. */
export function checkScope(
  { scopes: held }: { readonly scopes: readonly Scope[] },
  operation: Operation,
): void {
  if (allows(held, operation)) return;
  const needed = operationTable[operation].join(" or ");
  throw new ErrandError(
    "forbidden",
    `${operation} needs the scope ${needed}; this credential has ${held.join(" and ") || "none"}`,
  );
}

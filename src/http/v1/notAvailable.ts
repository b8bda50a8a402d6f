/** Calls of v1 that this build does not have yet: told apart from what will never be. */
const calls: readonly { readonly method: string; readonly path: RegExp }[] = [
  { method: "GET", path: /^\/v1\/(commands|nodes)$/ },
  { method: "POST", path: /^\/v1\/commands\/[^/]+$/ },
  { method: "GET", path: /^\/v1\/files\/.+$/ },
  { method: "PUT", path: /^\/v1\/files\/.+$/ },
];

/** True for a call that v1 will have. */
export function isPlanned(method: string, path: string): boolean {
  return calls.some((call) => call.method === method && call.path.test(path));
}

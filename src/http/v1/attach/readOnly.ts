/** True when the query asks for an attachment that cannot write. What may be meant otherwise asks for one that can. */
export function isReadOnly(query: string): boolean {
  return new URLSearchParams(query).getAll("readOnly").join() === "true";
}

import type { Server } from "../../support/server.ts";
import { type Problem, problem } from "./v1.ts";

export interface Taken {
  offset: number;
  closed: boolean;
}

type Bytes = string | Uint8Array<ArrayBuffer>;

/** `PUT /v1/jobs/{id}/stdin` with a query such as `?offset=0`; it must be taken. */
export async function putStdin(server: Server, id: string, bytes: Bytes, query = ""): Promise<Taken> {
  const response = await server.request(`/v1/jobs/${id}/stdin${query}`, { method: "PUT", body: bytes });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text) as Taken;
}

/** The same when it must be refused. */
export function stdinProblem(server: Server, id: string, bytes: Bytes, query = ""): Promise<Problem> {
  return problem(server, `/v1/jobs/${id}/stdin${query}`, { method: "PUT", body: bytes });
}

/** A line of a script that waits until the test lets it go on with `goOn`. */
export const waitHere = "read line";

/** Lets a script behind its next `waitHere`; it was started with `"stdin": "open"`. */
export async function goOn(server: Server, id: string): Promise<void> {
  await putStdin(server, id, "\n");
}

import type { Answer } from "../../support/answer.ts";
import { rawConnection } from "../../support/raw.ts";
import type { Server } from "../../support/server.ts";

/** Header lines in their order; a name may stand there twice, and nothing is checked. */
export type HeaderLines = readonly (readonly [name: string, value: string])[];

export interface Head {
  method?: string;
  target?: string;
  version?: string;
  headers: HeaderLines;
  body?: string;
}

/** The bytes of a request, just as told. Characters above 255 are sent as UTF-8. */
export function bytesOf({
  method = "POST",
  target = "/process",
  version = "HTTP/1.1",
  headers,
  body = "",
}: Head): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${target} ${version}\r\n${lines.join("")}\r\n${body}`);
}

/** The Host of this server. */
export function hostLine(server: Server): readonly [string, string] {
  return ["Host", `${server.host}:${server.port}`];
}

/** The right credential. */
export function credentialLine(server: Server): readonly [string, string] {
  return ["Authorization", `Bearer ${server.token}`];
}

/** The lines that say how long the body is and that it is JSON. */
export function bodyLines(body: string): HeaderLines {
  return [
    ["Content-Type", "application/json"],
    ["Content-Length", String(Buffer.byteLength(body))],
  ];
}

/** Sends the bytes over a connection of their own and gives the answer, whole or cut. */
export async function sendBytes(server: Server, bytes: string | Uint8Array): Promise<Answer> {
  const connection = await rawConnection(server);
  connection.send(bytes);
  const answer = await connection.untilAnswered();
  connection.close();
  return answer;
}

/** Sends the bytes and waits until the server has closed the connection; gives all that it said. */
export async function sendUntilClosed(server: Server, bytes: string | Uint8Array): Promise<string> {
  const connection = await rawConnection(server);
  connection.send(bytes);
  await connection.untilClosed();
  connection.close();
  return connection.text();
}

/** Sends the bytes and waits for the head of the answer, or the end; gives what was said by then. */
export async function sendUntilHead(server: Server, bytes: string | Uint8Array): Promise<string> {
  const connection = await rawConnection(server);
  connection.send(bytes);
  await connection.untilHead();
  connection.close();
  return connection.text();
}

/** The status lines of all answers in what a connection has said. */
export function statusesIn(text: string): number[] {
  return [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
}

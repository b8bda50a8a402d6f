import type { Answer } from "./answer.ts";
import { type RawConnection, rawConnection } from "./raw.ts";
import type { Server } from "./running-server.ts";

export interface RawRequest {
  method?: string;
  path?: string;
  /** Undefined leaves out what would be sent. */
  headers?: Readonly<Record<string, string | undefined>>;
  body?: string | Uint8Array;
}

/** The bytes of a request with a right Host, credential and length, unless the headers say otherwise. */
export function requestBytes(server: Server, request: RawRequest): Buffer {
  const body = Buffer.from(request.body ?? "");
  const headers: Record<string, string | undefined> = {
    host: `${server.host}:${server.port}`,
    authorization: `Bearer ${server.token}`,
    "content-type": "application/json",
    "content-length": String(body.length),
    ...request.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) =>
    value === undefined ? "" : `${name}: ${value}\r\n`,
  );
  const head = `${request.method ?? "POST"} ${request.path ?? "/process"} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}

/** Sends one request over a connection of its own and gives its answer, whole or cut. */
export async function exchange(server: Server, request: RawRequest): Promise<Answer> {
  const connection = await rawConnection(server);
  connection.send(requestBytes(server, request));
  const answer = await connection.untilAnswered();
  connection.close();
  return answer;
}

/** `POST /process` over a connection of its own; gives the connection when the head of the answer is there. */
export async function rawProcess(server: Server, spec: unknown): Promise<RawConnection> {
  const connection = await rawConnection(server);
  connection.send(requestBytes(server, { body: JSON.stringify(spec) }));
  await connection.untilHead();
  return connection;
}

import { IncomingMessage } from "node:http";
import { Socket } from "node:net";

interface Fake {
  /** Names in lower case, as Node gives them. */
  headers?: Readonly<Record<string, string>>;
  /** Names and values in turn, as they were sent; made from the headers when it is left out. */
  rawHeaders?: readonly string[];
  /** The peer's address; undefined for a Unix socket. */
  peer?: string;
  version?: string;
}

/** A request that has come over no network, for tests of what looks at one. */
export function fakeRequest({ headers = {}, rawHeaders, peer, version = "1.1" }: Fake): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, "remoteAddress", { value: peer });
  const request = new IncomingMessage(socket);
  Object.defineProperty(request, "socket", { value: socket });
  Object.defineProperty(request, "headers", { value: headers });
  const raw = rawHeaders ?? Object.entries(headers).flat();
  Object.defineProperty(request, "rawHeaders", { value: raw });
  request.httpVersion = version;
  return request;
}

const encoder = new TextEncoder();

/** What is signed. */
export interface SignedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** As it is sent. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The headers that sign a request with the secret key, now and for one time. */
export async function signatureHeaders(
  secretKey: string,
  { method, path, body }: SignedRequest,
): Promise<Record<string, string>> {
  const nonce = crypto.randomUUID().replaceAll("-", "");
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const head = encoder.encode(`${method}\n${path}\n${nonce}\n${timestamp}\n`);
  const message = new Uint8Array(head.byteLength + body.byteLength);
  message.set(head);
  message.set(body, head.byteLength);
  const algorithm = { name: "HMAC", hash: "SHA-1" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secretKey), algorithm, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, message));
  return {
    "X-Auth-Nonce": nonce,
    "X-Auth-Timestamp": timestamp,
    "X-Auth-Signature": Array.from(signature, hexadecimal).join(""),
  };
}

function hexadecimal(byte: number): string {
  return byte.toString(16).padStart(2, "0").toUpperCase();
}

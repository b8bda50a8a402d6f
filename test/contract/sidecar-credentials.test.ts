// Contract sidecar, "Authentication": a signature, or a token instead.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import {
  type Envelope,
  postSigned,
  postText,
  refusal,
  secretKey,
  signature,
  startSidecar,
  unixTime,
} from "../support/sidecar.ts";

let server: Server;
beforeAll(async () => {
  const secretKeyFile = join(temporaryDirectory("key"), "key");
  writeFileSync(secretKeyFile, "zweiter Schlüssel\n", { mode: 0o600 });
  server = await startSidecar(`[[sidecar]]\nname = "second"\nsecretKeyFile = "${secretKeyFile}"\n`);
});
afterAll(endEverything);

async function ownerOf(response: Response): Promise<string> {
  const { data } = (await response.json()) as Envelope;
  const job = await server.request(`/v1/jobs/${data?.jobId}`);
  return ((await job.json()) as { owner: string }).owner;
}

describe("a signature", () => {
  test("lets in, and its name is the job's owner", async () => {
    expect(await ownerOf(await postSigned(server, { command: "true" }))).toBe("dff");
    const second = await postSigned(server, { command: "true" }, { secret: "zweiter Schlüssel" });
    expect(await ownerOf(second)).toBe("second");
  });

  test("in lower case does, too", async () => {
    const body = '{"command":"echo lower"}';
    const signed = signature({ body });
    const headers = { ...signed, "X-Auth-Signature": signed["X-Auth-Signature"].toLowerCase() };
    const response = await postText(server, body, { credential: false, headers });
    expect(await response.json()).toMatchObject({ ok: true, data: { stdout: "lower\n" } });
  });

  test("is of the body as it was sent, byte for byte", async () => {
    const body = '\n{ "command" : "echo \\u00e4", "command":"printf ä€😀" }\t';
    const response = await postText(server, body, { credential: false, headers: { ...signature({ body }) } });
    expect(await response.json()).toMatchObject({ data: { stdout: "ä€😀" } });
  });

  test("leaves the query out", async () => {
    const body = '{"command":"echo query"}';
    const headers = { "content-type": "application/json", ...signature({ body }) };
    const init = { method: "POST", credential: false, headers, body } as const;
    expect((await server.request("/shell?a=b", init)).status).toBe(200);
  });

  test("may be nearly 300 s off, either way", async () => {
    for (const off of [-295, 295]) {
      expect((await postSigned(server, { command: "true" }, { timestamp: unixTime(off) })).status).toBe(200);
    }
  });

  test("of a large body", async () => {
    const fields = { command: "echo large", padding: "x".repeat(7 * 1024 * 1024) };
    expect(await (await postSigned(server, fields)).json()).toMatchObject({ data: { stdout: "large\n" } });
  });

  test("counts before a token that comes with it", async () => {
    const body = '{"command":"true"}';
    const wrong = { ...signature({ body, secret: "wrong" }) };
    expect((await refusal(await postText(server, body, { headers: wrong }))).status).toBe(401);
    const right = { ...signature({ body }), authorization: "Bearer wrong" };
    expect((await postText(server, body, { headers: right })).status).toBe(200);
  });

  test("lets nobody in at other doors", async () => {
    const body = '{"alias":"a","cmd":"true"}';
    const headers = { "content-type": "application/json", ...signature({ body, path: "/process" }) };
    const response = await server.request("/process", { method: "POST", credential: false, headers, body });
    expect(response.status).toBe(401);
    const get = {
      credential: false,
      headers: { ...signature({ method: "GET", path: "/v1/jobs" }) },
    } as const;
    expect((await server.request("/v1/jobs", get)).status).toBe(401);
  });

  test("of another method gets as far as the route", async () => {
    const headers = { ...signature({ method: "DELETE" }) };
    const response = await server.request("/shell", { method: "DELETE", credential: false, headers });
    expect(response.status).toBe(405);
  });
});

describe("a token", () => {
  const body = '{"command":"echo token"}';
  const basic = (token: string) => `Basic ${Buffer.from(`any:${token}`).toString("base64")}`;

  test("lets in instead of a signature, as Bearer and as Basic", async () => {
    expect((await postText(server, body)).status).toBe(200);
    const headers = { authorization: basic(server.token) };
    expect((await postText(server, body, { headers })).status).toBe(200);
  });

  test("the secret key is none", async () => {
    const headers = { authorization: basic(secretKey) };
    expect((await postText(server, body, { headers })).status).toBe(401);
  });
});

test("without a [[sidecar]] no signature lets in, a token does", async () => {
  const plain = await startServer();
  for (const secret of ["", "undefined", plain.token, secretKey]) {
    const error = await refusal(await postSigned(plain, { command: "true" }, { secret }));
    expect(error).toEqual({ status: 401, message: expect.stringContaining("[[sidecar]]") });
  }
  expect((await postText(plain, '{"command":"true"}')).status).toBe(200);
});

test("under --auth none credentials are not looked at", async () => {
  const open = await startServer({ auth: "none" });
  const none = await postText(open, '{"command":"true"}', { credential: false });
  expect(none.status).toBe(200);
  const wrong = signature({ secret: "wrong", timestamp: 1, nonce: "again" });
  for (let times = 0; times < 2; times += 1) {
    const headers = { ...wrong };
    expect((await postText(open, '{"command":"true"}', { credential: false, headers })).status).toBe(200);
  }
});

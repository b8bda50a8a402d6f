// Contract sidecar: text that is not UTF-8, and outputs that are larger than an answer may be.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endEverything, type Server } from "../support/server.ts";
import { shell, startSidecar } from "../support/sidecar.ts";

const mebibyte = 1024 * 1024;

let server: Server;
let small: Server;
beforeAll(async () => {
  server = await startSidecar();
  small = await startSidecar("[limits]\nanswerOutputBytes = 10\n");
});
afterAll(endEverything);

/** Bytes of the whole output, by v1. */
async function whole(of: Server, jobId: string, stream: "stdout" | "stderr"): Promise<Uint8Array> {
  const response = await of.request(`/v1/jobs/${jobId}/${stream}`);
  expect(response.status).toBe(200);
  return response.bytes();
}

describe("text", () => {
  test("that is no UTF-8 is decoded with replacement characters; the bytes are kept", async () => {
    const { stdout, jobId, truncated } = await shell(server, "printf 'a\\377\\300\\200b\\342\\202'");
    expect(stdout).toBe(new TextDecoder().decode(Buffer.from("a\xff\xc0\x80b\xe2\x82", "latin1")));
    expect(stdout).toContain("\ufffd");
    expect(truncated).toBeUndefined();
    expect(Buffer.from(await whole(server, jobId, "stdout")).toString("latin1")).toBe(
      "a\xff\xc0\x80b\xe2\x82",
    );
  });

  test("holds every character, NUL and line ends included", async () => {
    const { stdout } = await shell(server, "printf '\\0\\r\\n\\033[1m\\177\\357\\273\\277ä\\\\\"'");
    expect(stdout).toBe('\0\r\n\u001b[1m\x7f\ufeffä\\"');
  });

  test("all bytes of both streams survive in the job", async () => {
    const { jobId } = await shell(
      server,
      "head -c 300000 /dev/urandom | tee /dev/stderr | sha256sum >/dev/null",
    );
    expect((await whole(server, jobId, "stderr")).byteLength).toBe(300_000);
  });
});

describe("the cap", () => {
  test("is 1 MiB for each stream: as much is whole", async () => {
    const { stdout, stderr, ...rest } = await shell(
      server,
      `head -c ${mebibyte} /dev/zero | tr '\\0' a; head -c ${mebibyte} /dev/zero | tr '\\0' b >&2`,
    );
    expect([stdout === "a".repeat(mebibyte), stderr === "b".repeat(mebibyte)]).toEqual([true, true]);
    expect(rest).not.toHaveProperty("truncated");
  });

  test.each(["stdout", "stderr"] as const)(
    "one byte more of %s is cut and told; the job keeps it",
    async (stream) => {
      const redirect = stream === "stderr" ? ">&2" : "";
      const data = await shell(server, `head -c ${mebibyte + 1} /dev/zero | tr '\\0' a ${redirect}`);
      expect(data.truncated).toBe(true);
      expect(data[stream].length).toBe(mebibyte);
      expect((await whole(server, data.jobId, stream)).byteLength).toBe(mebibyte + 1);
    },
  );

  test("may be set, and counts bytes", async () => {
    expect(await shell(small, "printf 0123456789")).not.toHaveProperty("truncated");
    expect(await shell(small, "printf 0123456789x")).toMatchObject({ stdout: "0123456789", truncated: true });
    expect(await shell(small, "printf äöüäö")).not.toHaveProperty("truncated");
    expect(await shell(small, "printf äöüäöü")).toMatchObject({ stdout: "äöüäö", truncated: true });
  });

  test("cuts no character in two", async () => {
    for (const [text, kept] of [
      ["123456789ä", "123456789"],
      ["12345678€", "12345678"],
      ["123456789€", "123456789"],
      ["1234567😀", "1234567"],
      ["123456789😀", "123456789"],
      ["123456😀x", "123456😀"],
    ] as const) {
      expect(await shell(small, `printf %s '${text}'`)).toMatchObject({ stdout: kept, truncated: true });
    }
  });

  test("stands for each stream alone", async () => {
    const data = await shell(small, "printf 0123456789; printf 0123456789x >&2");
    expect(data).toMatchObject({ stdout: "0123456789", stderr: "0123456789", truncated: true });
  });

  test("with 0 nothing is told but that there is something", async () => {
    const none = await startSidecar("[limits]\nanswerOutputBytes = 0\n");
    expect(await shell(none, "echo a")).toMatchObject({ stdout: "", stderr: "", truncated: true });
    expect(await shell(none, "true")).not.toHaveProperty("truncated");
  });

  test("what the job itself did not keep is told as well", async () => {
    const forgetful = await startSidecar("[limits]\nkeptOutputBytes = 5\n");
    expect(await shell(forgetful, "printf 0123456789")).toMatchObject({ stdout: "01234", truncated: true });
    expect(await shell(forgetful, "printf 0123ä56789")).toMatchObject({ stdout: "0123", truncated: true });
    expect(await shell(forgetful, "printf 01234")).not.toHaveProperty("truncated");
  });
});

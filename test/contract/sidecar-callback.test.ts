// Contract sidecar, "Callback": what a receiver is sent when the command has ended.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Receiver } from "../support/callback-receiver.ts";
import { endEverything, type Server } from "../support/server.ts";
import { postShell, shell, startSidecar } from "../support/sidecar.ts";

let server: Server;
beforeAll(async () => {
  server = await startSidecar();
});
afterAll(endEverything);

describe("a callback", () => {
  test("brings the texts in the shape that a DataFlux Func takes", async () => {
    const receiver = await Receiver.start();
    await shell(server, "echo out; echo err >&2", {
      wait: false,
      callbackURL: receiver.url("/api/v1/al/auln-1"),
    });
    const [received] = await receiver.untilReceived(1);
    expect(received?.path).toBe("/api/v1/al/auln-1");
    expect(received?.body).toBe('{"kwargs":{"stdout":"out\\n","stderr":"err\\n"}}');
    expect(received?.headers["content-type"]).toBe("application/json");
    for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
      expect(received?.headers[name]).toBeString();
    }
    expect(received?.headers).not.toHaveProperty("errand-truncated");
  });

  test("comes with wait: true as well, and by the connector's name", async () => {
    const receiver = await Receiver.start();
    const response = await postShell(server, { cmd: "echo both; exit 2", callback_url: receiver.url() });
    expect(await response.json()).toMatchObject({ data: { stdout: "both\n", exitCode: 2 } });
    const [received] = await receiver.untilReceived(1);
    expect(JSON.parse(received?.body ?? "")).toEqual({ kwargs: { stdout: "both\n", stderr: "" } });
  });

  test("comes only when the command has ended, once", async () => {
    const receiver = await Receiver.start();
    await shell(server, "sleep 0.5; echo late", { wait: false, callbackURL: receiver.url() });
    expect(receiver.received).toEqual([]);
    await receiver.untilReceived(1);
    await Bun.sleep(300);
    expect(receiver.received.map(({ body }) => body)).toEqual([
      '{"kwargs":{"stdout":"late\\n","stderr":""}}',
    ]);
  });

  test("brings text that is no UTF-8 with replacement characters", async () => {
    const receiver = await Receiver.start();
    await shell(server, "printf 'a\\377b'", { wait: false, callbackURL: receiver.url() });
    const [received] = await receiver.untilReceived(1);
    expect(JSON.parse(received?.body ?? "").kwargs.stdout).toBe("a\ufffdb");
  });

  test("is cut at 8 MiB for each text, and tells it; not at what an answer may hold", async () => {
    const receiver = await Receiver.start();
    const most = 8 * 1024 * 1024;
    const command = `head -c ${most + 1} /dev/zero | tr '\\0' a; head -c ${most} /dev/zero | tr '\\0' b >&2`;
    await shell(server, command, { wait: false, callbackURL: receiver.url() });
    const [received] = await receiver.untilReceived(1);
    const { stdout, stderr } = JSON.parse(received?.body ?? "").kwargs;
    expect([stdout.length, stderr.length]).toEqual([most, most]);
    expect(received?.headers["errand-truncated"]).toBe("stdout");
  });

  test("is not made for a command that could not be started", async () => {
    const receiver = await Receiver.start();
    const fields = { command: "true", workdir: "/nonexistent", callbackURL: receiver.url() };
    expect((await postShell(server, fields)).status).toBe(400);
    await Bun.sleep(300);
    expect(receiver.connections).toBe(0);
  });
});

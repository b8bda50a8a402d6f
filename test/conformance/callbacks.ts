import { expect } from "bun:test";
import { failing, Receiver } from "../support/callback-receiver.ts";
import { newToken, untilLiving } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import type { Stage } from "./stage.ts";

/** Telling somebody else of the end. What a callback says must be what was told and what is on record. */
export function callbacks(stage: Stage): void {
  stage.behaviour("an end is told, and with it what the form has room for", ["callback"], async () => {
    const receiver = await Receiver.start();
    const command = "printf out; printf err >&2; exit 5";
    const { told, job } = await stage.run({ command, callbackUrl: receiver.url("/a?b=c") });
    const [received] = await receiver.untilReceived(1);
    const all = { stdout: "out", stderr: "err", jobId: job.id, code: 5, signal: null, reason: "exited" };
    expect(all).toMatchObject(stage.client.readNotice(received?.body ?? ""));
    expect([received?.path, told.jobId]).toEqual(["/a?b=c", job.id]);
  });

  stage.behaviour("is tried again until it is taken, under the same id", ["callback"], async () => {
    const receiver = await Receiver.start(failing(1));
    const client = await stage.another({
      config: `[callbacks]\nallowPrivate = ["127.0.0.0/8"]\nretrySeconds = [0, 0]\n`,
    });
    await stage.run({ command: "true", callbackUrl: receiver.url() }, client);
    await receiver.untilReceived(2);
    expect(receiver.ids.size).toBe(1);
  });

  stage.behaviour("comes for a command that was stopped", ["callback"], async () => {
    const receiver = await Receiver.start();
    const token = newToken();
    await stage.begin({ command: [program("run-for-ever"), token], callbackUrl: receiver.url() });
    await untilLiving(token, 1);
    expect(receiver.received).toEqual([]);
    const { id } = await stage.running(token);
    await stage.stop(id, 1);
    const [received] = await receiver.untilReceived(1);
    const notice = stage.client.readNotice(received?.body ?? "");
    const ending = { code: null, signal: "SIGTERM", reason: "stopped" };
    expect({ stdout: "", stderr: "", jobId: id, ...ending }).toMatchObject(notice);
  });

  stage.behaviour(
    "to an address that is not allowed is refused before anything runs",
    ["callback"],
    async () => {
      const { code } = await stage.refusal({ command: "echo never", callbackUrl: "http://10.0.0.1/" });
      if (stage.has("errorCodes")) expect(code).toBe("forbidden");
    },
  );
}

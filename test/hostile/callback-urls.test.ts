// Hostile callback URLs through the doors: refused before anything runs, and nothing is reached.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { list } from "../contract/support/v1.ts";
import { Receiver } from "../support/callback-receiver.ts";
import { postJob, untilState } from "../support/callbacks.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { postShell, refusal } from "../support/sidecar.ts";
import { hostileUrls } from "./support/callback-urls.ts";

let server: Server;
let traps: Receiver[];
let directory: string;
beforeAll(async () => {
  server = await startServer({ config: "[callbacks]\nretrySeconds = []\n" });
  const trap = await Receiver.start();
  traps = [trap, await Receiver.start(undefined, { port: trap.port, host: "::1" })];
  directory = temporaryDirectory("callback-urls");
});
afterAll(endEverything);

const { names, ...refusedAtOnce } = hostileUrls;
const written = (url: string) => url.replaceAll("PORT", String(traps[0]?.port));
const mark = () => join(directory, "ran");
const caught = () => traps.map(({ connections }) => connections);

for (const [name, urls] of Object.entries(refusedAtOnce)) {
  describe(`a callback to ${name}`, () => {
    test(`is refused by v1: ${urls.length} URLs`, async () => {
      for (const url of urls) {
        const response = await postJob(server, {
          command: ["touch", mark()],
          callback: { url: written(url) },
        });
        const { code } = (await response.json()) as { code: string };
        expect([url, `${response.status} ${code}`]).toEqual([
          url,
          expect.stringMatching(/^(403 forbidden|422 invalid-spec)$/),
        ]);
      }
      expect([readdirSync(directory), (await list(server)).jobs, caught()]).toEqual([[], [], [0, 0]]);
    });

    test(`is refused by the sidecar: ${urls.length} URLs`, async () => {
      for (const url of urls) {
        const fields = { command: `touch ${mark()}`, wait: false, callbackURL: written(url) };
        const { status } = await refusal(await postShell(server, fields));
        expect([url, [400, 403].includes(status)]).toEqual([url, true]);
      }
      expect([readdirSync(directory), (await list(server)).jobs, caught()]).toEqual([[], [], [0, 0]]);
    });
  });
}

describe("a callback to a name of this machine", () => {
  // The others would be asked of the name servers of whoever runs the tests.
  const local = names.filter((url) => /^http:\/\/localhost\.?:/i.test(url));

  test("is tried, and reaches nothing", async () => {
    expect(local.length).toBeGreaterThan(1);
    for (const url of local) {
      const response = await postJob(server, { command: ["true"], callback: { url: written(url) } });
      expect(response.status).toBe(201);
      const { id } = (await response.json()) as { id: string };
      const [delivery] = await untilState(server, id, "failed");
      expect([delivery?.attempts, delivery?.lastStatus]).toEqual([1, null]);
    }
    expect(caught()).toEqual([0, 0]);
  });
});

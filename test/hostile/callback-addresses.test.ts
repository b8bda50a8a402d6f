// Callbacks must not reach what the operator has not allowed: odd spellings, tunnels, names that change their address.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { AllowedAddresses } from "../../src/callbacks/addresses.ts";
import { makeSender } from "../../src/callbacks/attempt.ts";
import { UrlPolicy } from "../../src/callbacks/policy.ts";
import type { Resolve } from "../../src/callbacks/resolve.ts";
import { ErrandError } from "../../src/core/errors.ts";
import { Receiver } from "../support/callback-receiver.ts";
import { endEverything } from "../support/cleanup.ts";
import { hostileUrls } from "./support/callback-urls.ts";

/** On 127.0.0.1, on ::1, and an honest one on 127.0.0.2, all on one port. */
let traps: Receiver[];
let honest: Receiver;
let port: number;
beforeAll(async () => {
  const trap = await Receiver.start();
  ({ port } = trap);
  traps = [trap, await Receiver.start(undefined, { port, host: "::1" })];
  honest = await Receiver.start(undefined, { port, host: "127.0.0.2" });
});
afterAll(endEverything);

const caught = () => traps.map(({ connections }) => connections);
const loopback = { address: "127.0.0.1", family: 4 };
const elsewhere = { address: "127.0.0.2", family: 4 };

function callbacks(allow: readonly string[], resolve: Resolve) {
  const addresses = new AllowedAddresses(allow);
  const policy = new UrlPolicy(addresses, { callbackUrlBytes: 2_048 });
  const sender = makeSender({ policy, addresses, timeoutSeconds: 5, resolve });
  const check = (url: string) => {
    try {
      policy.check(url);
      return "passed";
    } catch (error) {
      return error instanceof ErrandError ? error.code : error;
    }
  };
  const send = (url: string) =>
    sender({ url, body: "{}", headers: {}, signal: new AbortController().signal });
  return { check, send };
}

const classes = Object.entries(hostileUrls);
const count = classes.flatMap(([, urls]) => urls).length;

describe(`of ${count} hostile URLs`, () => {
  test("there are at least 80, and none is there twice", () => {
    const all = classes.flatMap(([, urls]) => urls as readonly string[]);
    expect([count >= 80, new Set(all).size]).toEqual([true, count]);
  });

  for (const [name, urls] of classes) {
    test(`none with ${name} reaches anything`, async () => {
      // Whatever passes as a name would lead into the trap.
      const { check, send } = callbacks([], async () => [loopback]);
      for (const written of urls) {
        const url = written.replaceAll("PORT", String(port));
        const verdict = check(url);
        if (name === "names") expect([url, verdict]).toEqual([url, "passed"]);
        else expect([url, ["forbidden", "invalid-spec"].includes(String(verdict))]).toEqual([url, true]);
        expect([url, await send(url)]).toEqual([url, { error: expect.stringMatching(/^[\x20-\x7e]+$/) }]);
      }
      expect(caught()).toEqual([0, 0]);
    });
  }

  test("the trap works: allowed, both are reached", async () => {
    const { send } = callbacks(["127.0.0.0/8", "::1"], async () => [loopback]);
    const answers = [];
    for (const host of ["127.0.0.1", "[::1]", "localhost"])
      answers.push(await send(`http://${host}:${port}/`));
    expect([answers, caught()]).toEqual([
      [{ status: 204 }, { status: 204 }, { status: 204 }],
      [2, 1],
    ]);
    for (const trap of traps) trap.connections = 0;
  });
});

describe("a name that is bound anew", () => {
  const url = () => `http://rebind.test:${port}/`;

  test("100 times between two tries reaches only what was checked", async () => {
    let asked = 0;
    const { send } = callbacks(["127.0.0.2"], async () => {
      asked += 1;
      return asked % 2 === 1 ? [elsewhere] : [loopback];
    });
    const before = honest.received.length;
    for (let turn = 0; turn < 100; turn += 1) {
      expect(await send(url())).toEqual({ status: 204 });
      expect(await send(url())).toEqual({
        error: expect.stringContaining("127.0.0.1, which is not allowed"),
      });
    }
    // One question for each try: the answer that was checked is the one that is used.
    expect([asked, honest.received.length - before, caught()]).toEqual([200, 100, [0, 0]]);
  });

  test("100 times at once", async () => {
    let asked = 0;
    const { send } = callbacks(["127.0.0.2"], async () => {
      asked += 1;
      const found = asked % 3 === 0 ? [elsewhere] : [loopback];
      await Bun.sleep(asked % 7);
      return found;
    });
    const answers = await Promise.all(Array.from({ length: 100 }, () => send(url())));
    const delivered = answers.filter((answer) => "status" in answer);
    expect([delivered.length, caught()]).toEqual([33, [0, 0]]);
  });

  test("is refused with mixed answers, in whatever order and whatever kind", async () => {
    const before = honest.connections;
    const others = [
      "127.0.0.1",
      "::1",
      "::ffff:127.0.0.1",
      "169.254.169.254",
      "10.0.0.1",
      "0.0.0.0",
      "::127.0.0.1",
    ];
    for (let turn = 0; turn < 100; turn += 1) {
      const address = others[turn % others.length] ?? "";
      const bad = { address, family: address.includes(":") ? 6 : 4 };
      const found = turn % 2 === 0 ? [elsewhere, bad] : [bad, elsewhere];
      const { send } = callbacks(["127.0.0.2"], async () => found);
      expect(await send(url())).toEqual({ error: expect.stringContaining("not allowed") });
    }
    expect([honest.connections - before, caught()]).toEqual([0, [0, 0]]);
  });

  test("to what is no address is refused", async () => {
    for (const address of [
      "",
      "localhost",
      "127.1",
      "0x7f000002",
      "127.0.0.2 ",
      "127.0.0.2%lo",
      "[127.0.0.2]",
    ]) {
      const { send } = callbacks(["127.0.0.0/8"], async () => [{ address, family: 4 }]);
      expect([address, await send(url())]).toEqual([
        address,
        { error: expect.stringContaining("not allowed") },
      ]);
    }
    expect(caught()).toEqual([0, 0]);
  });
});

describe("what the operator allows", () => {
  const never = [...hostileUrls["link-local and metadata"], ...hostileUrls.unspecified].map((url) =>
    url.replaceAll("PORT", "80"),
  );

  test("never goes as far as metadata and link-local addresses", () => {
    const { check } = callbacks(["0.0.0.0/0", "::/0", "169.254.169.254", "fe80::/10"], async () => []);
    expect(never.map(check)).toEqual(never.map(() => "forbidden"));
  });

  test("is what is named, and nothing beside it", async () => {
    const { check } = callbacks(["127.0.0.2", "10.1.0.0/16", "fd12::/16"], async () => []);
    const passes = ["127.0.0.2", "0x7f.2", "10.1.255.255", "[fd12::1]", "[::ffff:10.1.0.1]", "example.com"];
    const refused = [
      "127.0.0.1",
      "127.0.0.3",
      "10.2.0.0",
      "10.0.255.255",
      "[fd13::1]",
      "[::1]",
      "[::ffff:10.2.0.1]",
    ];
    expect(passes.map((host) => check(`http://${host}/`))).toEqual(passes.map(() => "passed"));
    expect(refused.map((host) => check(`http://${host}/`))).toEqual(refused.map(() => "forbidden"));
  });
});

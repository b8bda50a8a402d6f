import { beforeAll, describe, expect, test } from "bun:test";
import type { Adapter } from "./adapter.ts";
import { aliases } from "./aliases.ts";
import { callArguments } from "./arguments.ts";
import { callbacks } from "./callbacks.ts";
import { directories } from "./directories.ts";
import { disconnect } from "./disconnect.ts";
import { ending } from "./ending.ts";
import { environment } from "./environment.ts";
import { errors } from "./errors.ts";
import { flagFaults } from "./flags.ts";
import { kept } from "./kept.ts";
import { leftovers } from "./leftovers.ts";
import { neighbours } from "./neighbours.ts";
import { output } from "./output.ts";
import { Stage } from "./stage.ts";
import { stdin } from "./stdin.ts";
import { streams } from "./streams.ts";
import { timeouts } from "./timeouts.ts";
import { tree } from "./tree.ts";

/** The parts of the suite, one for each behaviour. */
const parts: Readonly<Record<string, (stage: Stage) => void>> = {
  ...{ output, streams, stdin, arguments: callArguments, environment, directories, errors },
  ...{ ending, tree, leftovers, disconnect, timeouts, aliases, kept, callbacks, neighbours },
};

/** What every way in must do, tried on one of them. The file that calls it says `afterAll(endEverything)`. */
export function conformance(adapter: Adapter): void {
  describe(adapter.name, () => {
    const stage = new Stage(adapter);
    beforeAll(() => stage.start());
    // Not in a `describe` of its own, which would be called too late for the sum below.
    for (const [name, part] of Object.entries(parts)) {
      stage.part = name;
      part(stage);
    }
    const off = [...stage.notTried].map(([flag, count]) => `${flag} (${count})`);
    test(`flags are known; behaviours not tried: ${off.join(", ") || "none"}`, () => {
      expect(flagFaults(adapter.flags)).toEqual([]);
    });
  });
}

import { expect } from "bun:test";
import { newAlias } from "../support/jobs.ts";
import { newToken, untilLiving, withToken } from "../support/processes.ts";
import { program } from "../support/programs.ts";
import { Refused, type Run } from "./adapter.ts";
import { textOf } from "./bytes.ts";
import type { Stage } from "./stage.ts";

/** One job runs under an alias at a time. */
export function aliases(stage: Stage): void {
  const free = async (alias: string) => {
    const { told } = await stage.run({ command: ["echo", "free"], alias });
    expect(textOf(told.stdout)).toBe("free\n");
  };

  stage.behaviour("a second start is refused while the first one runs", ["alias"], async () => {
    const [alias, token] = [newAlias(), newToken()];
    await stage.begin({ command: [program("run-for-ever"), token], alias });
    await untilLiving(token, 1);
    const refused = await stage.refusal({ command: [program("run-for-ever"), token], alias });
    expect([refused.code, refused.message]).toEqual(["already-running", expect.stringContaining(alias)]);
    await untilLiving(token, 1);
    await free(newAlias());
    await stage.stop((await stage.running(token)).id, 1);
    await free(alias);
  });

  stage.behaviour("it is free as soon as an end has been told", ["alias"], async () => {
    const alias = newAlias();
    for (let turn = 0; turn < 20; turn += 1) await free(alias);
  });

  stage.behaviour("it is free after a start that failed", ["alias", "argv"], async () => {
    const alias = newAlias();
    for (const command of ["/no/such/program", program("not-executable"), program("no-interpreter")]) {
      expect((await stage.refusal({ command: [command], alias })).code).toBe("start-failed");
    }
    await free(alias);
  });

  stage.behaviour("it is free after a stop only when the tree is gone", ["alias"], async () => {
    const [alias, token] = [newAlias(), newToken()];
    await stage.begin({ command: [program("ignore-term"), token], alias });
    await untilLiving(token, 2);
    const { id } = await stage.running(token);
    const patient = stage.stop(id, 600);
    expect((await stage.refusal({ command: ["true"], alias })).code).toBe("already-running");
    await untilLiving(token, 2);
    await Promise.all([patient, stage.stop(id, 0.1)]);
    expect(withToken(token)).toEqual([]);
    await free(alias);
  });

  stage.behaviour("of many starts at once one is granted", ["alias"], async () => {
    const [alias, token] = [newAlias(), newToken()];
    const start = (): Promise<Run> => stage.begin({ command: [program("run-for-ever"), token], alias });
    const starts = await Promise.allSettled(Array.from({ length: 30 }, start));
    const reasons = starts.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    expect(reasons).toHaveLength(29);
    for (const reason of reasons) expect(reason instanceof Refused && reason.code).toBe("already-running");
    await untilLiving(token, 1);
    await stage.stop((await stage.running(token)).id, 1);
    await free(alias);
  });

  stage.behaviour("an alias is any text", ["alias"], async () => {
    const odd = [" ", "a b", "../..", "%2e", "'", "é😀", "\n", "__proto__", "x".repeat(1_024)];
    const found = await Promise.all(odd.map((alias) => stage.run({ command: ["true"], alias })));
    expect(found.map(({ job }) => job.alias)).toEqual(odd);
  });
}

// Connections that break while somebody sits at a job's terminal.
import { afterAll, describe, expect, test } from "bun:test";
import { CuttingProxy } from "../sdk/support/cutting-proxy.ts";
import { endEverything, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { missingProgram, TmuxTerminal } from "./support/tmux.ts";

afterAll(endEverything);

/** A terminal in front of a server behind a proxy that breaks. */
async function throughProxy() {
  const server = await startServer();
  const proxy = await CuttingProxy.start(server.url);
  const terminal = await TmuxTerminal.start({ url: proxy.url, token: server.token });
  return { server, proxy, terminal };
}

describe.skipIf(missingProgram !== undefined)("in tmux (needs tmux, vim-tiny and procps)", () => {
  test("ten cuts while typing lose and repeat nothing", async () => {
    const { proxy, terminal } = await throughProxy();
    const before = await terminal.settings();
    terminal.enter(`errand run -it -- sh -c 'stty -icanon -echo; echo "<ready>"; exec cat'`);
    await terminal.shows(/^<ready>$/m);
    const expected: string[] = [];
    for (let round = 1; round <= 10; round += 1) {
      const line = `round ${round}: the quick brown fox, and what it jumps over`;
      expected.push(line);
      for (const [index, word] of line.split(/(?<= )/).entries()) {
        if (index === 4) {
          await until(() => proxy.open > 0, { describe: "a connection to cut" });
          proxy.cutAll();
        }
        terminal.type(word);
      }
      terminal.press("Enter");
    }
    await terminal.shows(expected.at(-1) ?? "");
    expect(proxy.cuts).toBeGreaterThanOrEqual(10);
    expect(terminal.history().split("<ready>\n")[1]).toBe(expected.join("\n"));
    terminal.press("C-c");
    await terminal.isBack();
    expect(await terminal.output("echo $?")).toBe("130");
    expect(await terminal.settings()).toBe(before);
  }, 60_000);

  test("ten cuts while much is written show nothing twice", async () => {
    const { proxy, terminal } = await throughProxy();
    const count = 4_000;
    terminal.enter(
      `errand run -it -- sh -c 'seq 1 200; i=200; while [ $i -lt ${count} ]; do seq $((i+1)) $((i+20)); i=$((i+20)); sleep 0.01; done; echo "<done>"'`,
    );
    for (let round = 1; round <= 10; round += 1) {
      await until(() => Number(terminal.lines().find((line) => /^\d+$/.test(line))) > round * 250, {
        describe: `number ${round * 250}`,
      });
      await until(() => proxy.open > 0, { describe: "a connection to cut" });
      proxy.cutAll();
    }
    await terminal.shows(/^<done>$/m, 20_000);
    await terminal.isBack();
    const shown = terminal
      .history()
      .split("\n")
      .filter((line) => /^\d+$/.test(line));
    expect(shown).toEqual(Array.from({ length: count }, (_, index) => String(index + 1)));
    expect(proxy.cuts).toBeGreaterThanOrEqual(10);
  }, 60_000);

  test("a job that is gone gives the terminal back, and is no success", async () => {
    const server = await startServer();
    const terminal = await TmuxTerminal.start(server);
    const before = await terminal.settings();
    terminal.enter("errand run -it -- vim.tiny -u NONE -N");
    await terminal.shows("VIM - Vi IMproved");
    await server.kill9();
    // Another server, which knows neither the job nor the token.
    await startServer({ listen: [`127.0.0.1:${server.port}`] });
    await terminal.shows(/errand: the connection to job \d+ was cut and cannot be resumed/);
    await terminal.isBack();
    expect(terminal.ask("#{alternate_on}")).toBe("0");
    expect(await terminal.output("echo $?")).toBe("125");
    expect(await terminal.settings()).toBe(before);
  }, 60_000);

  test("with --on-disconnect kill the job ends with the program, also when that is killed", async () => {
    const server = await startServer();
    const terminal = await TmuxTerminal.start(server);
    terminal.enter("errand run -it --on-disconnect kill --alias mine -- sh -c 'echo begun; sleep 600'");
    await terminal.shows(/^begun$/m);
    terminal.killErrand("SIGKILL");
    const ended = async () => {
      const response = await server.request("/v1/jobs?alias=mine");
      const [job] = ((await response.json()) as { jobs: { outcome: { reason: string } | null }[] }).jobs;
      return job?.outcome?.reason;
    };
    expect(await until(ended, { describe: "the end of the job" })).toBe("disconnected");
  }, 60_000);

  test("a server that was killed and comes back finds it as it was, and it goes on", async () => {
    const server = await startServer();
    const terminal = await TmuxTerminal.start(server);
    terminal.enter("errand run -it -- sh -c 'echo begun; read -r line; echo got $line; exit 7'");
    await terminal.shows(/^begun$/m);
    await server.kill9();
    await startServer({ dataDir: server.dataDir, listen: [`127.0.0.1:${server.port}`] });
    terminal.enter("what was typed");
    await terminal.shows(/^got what was typed$/m);
    await terminal.isBack();
    expect(await terminal.output("echo $?")).toBe("7");
  }, 60_000);
});

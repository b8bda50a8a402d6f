// A job's terminal as somebody uses it who sits at one: everything in tmux, against the real server.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endEverything, type Server, startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { Cli } from "./support/cli.ts";
import { missingProgram, onTerminal, TmuxTerminal } from "./support/tmux.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endEverything);

describe.skipIf(missingProgram !== undefined)("in tmux (needs tmux, vim-tiny and procps)", () => {
  test("vim opens, follows the size, and quits", async () => {
    const terminal = await TmuxTerminal.start(server, { cols: 90, rows: 20 });
    const before = await terminal.settings();
    terminal.enter("errand run -it -- vim.tiny -u NONE -N");
    await terminal.shows("VIM - Vi IMproved");
    expect(terminal.ask("#{alternate_on}")).toBe("1");
    expect(terminal.lines()[18]).toStartWith("~");
    terminal.resize(110, 35);
    await terminal.shows(/^(?:.*\n){32}~/);
    terminal.type("iwritten here");
    terminal.press("Escape");
    terminal.enter(":set columns? lines?");
    await terminal.shows(/columns=110\s+lines=35/);
    terminal.press("Enter");
    terminal.resize(60, 15);
    await terminal.shows(/^written here\n(?:~\n){12}/);
    terminal.enter(":cq 9");
    await terminal.isBack();
    expect(terminal.ask("#{alternate_on}")).toBe("0");
    expect(await terminal.output("echo $?")).toBe("9");
    expect(await terminal.settings()).toBe(before);
  });

  test("top redraws, and quits", async () => {
    const terminal = await TmuxTerminal.start(server);
    terminal.enter("errand run -it -- top -d 0.2");
    await terminal.shows("load average");
    const first = terminal.screen();
    const isAnother = () => terminal.screen() !== first && terminal.screen().includes("load average");
    await until(isAnother, { describe: "another picture" });
    terminal.type("q");
    await terminal.isBack();
    expect(await terminal.output("echo $?")).toBe("0");
  });

  test("Ctrl-C stops sleep, Ctrl-Z and fg work, Ctrl-D ends the shell", async () => {
    const terminal = await TmuxTerminal.start(server);
    const before = await terminal.settings();
    const term = await terminal.output("echo $TERM");
    terminal.enter(onTerminal("bash --norc --noprofile"));
    await terminal.shows(/^there\$/m);
    // What says that it sleeps is in the foreground by then.
    terminal.enter("echo is $TERM; tty; sh -c 'echo sleeping; exec sleep 1000'");
    await terminal.shows(new RegExp(`^is ${term}\n/dev/pts/\\d+\nsleeping`, "m"));
    terminal.press("C-c");
    await terminal.shows(/\^C\nthere\$$/);
    terminal.enter("echo code $?; cat");
    await terminal.shows(/^code 130$/m);
    terminal.enter("one");
    await terminal.shows("one\none");
    terminal.press("C-z");
    await terminal.shows(/Stopped\s+cat\nthere\$$/);
    terminal.enter("jobs; fg");
    await terminal.shows(/Stopped\s+cat\ncat$/);
    terminal.enter("two");
    await terminal.shows("two\ntwo");
    terminal.press("C-d");
    await terminal.shows(/two\ntwo\nthere\$$/);
    terminal.enter("(exit 3)");
    terminal.press("C-d");
    await terminal.shows(/exit\nhere\$$/);
    expect(await terminal.output("echo $?")).toBe("3");
    expect(await terminal.settings()).toBe(before);
  });

  test("detaching leaves the job; attaching shows the screen as it was, and goes on", async () => {
    const terminal = await TmuxTerminal.start(server);
    const before = await terminal.settings();
    terminal.enter("errand run -it -- vim.tiny -u NONE -N");
    await terminal.shows("VIM - Vi IMproved");
    terminal.type("ifirst line\rsecond line");
    await terminal.shows("second line\n~");
    const picture = terminal.screen();
    terminal.press("C-p", "C-q");
    await terminal.shows(/errand: detached from job \d+; errand attach \d+ comes\s+back to it\n/);
    const id = terminal.jobOnScreen();
    expect(terminal.ask("#{alternate_on}")).toBe("0");
    expect(await terminal.settings()).toBe(before);

    const elsewhere = await TmuxTerminal.start(server);
    elsewhere.enter(`errand attach --detach-keys ctrl-],q ${id}`);
    await elsewhere.shows("second line\n~");
    expect(elsewhere.screen()).toBe(picture);
    expect(elsewhere.ask("#{alternate_on} #{cursor_x} #{cursor_y}")).toBe("1 11 1");
    elsewhere.type("!");
    await elsewhere.shows("second line!\n~");
    // Keys that only begin as those that detach are typed.
    elsewhere.press("C-]");
    elsewhere.type("x");
    await elsewhere.shows(/second line!x?/);
    elsewhere.press("C-]");
    elsewhere.type("q");
    await elsewhere.shows("detached from");
    expect(await elsewhere.output("echo $?")).toBe("0");
    await elsewhere.output(`errand stop ${id}`);
  });

  test("keys that nothing would look for are refused", async () => {
    const id = await new Cli(server).launch("--", "sleep", "60");
    const terminal = await TmuxTerminal.start(server);
    terminal.enter(`errand attach --detach-keys ctrl-],q ${id}`);
    await terminal.shows(`--detach-keys: job ${id} has no terminal`);
    expect(await terminal.output("echo $?")).toBe("125");
    await terminal.output(`errand stop ${id}`);
  });

  test("two terminals show the same screen, also one that had something else on it", async () => {
    const id = await new Cli(server).launch("-t", "--", "sh");
    const [one, two] = [await TmuxTerminal.start(server), await TmuxTerminal.start(server)];
    await two.output("seq 1 60");
    one.enter(`errand attach ${id}`);
    await one.shows(/^[#$]$/m);
    one.enter("printf '\\033[2J\\033[7;20Hplaced\\033[3;5H'");
    await one.shows(/^ {19}placed$/m);
    two.enter(`errand attach ${id}`);
    await two.shows(/^ {19}placed$/m);
    expect(two.screen()).toBe(one.screen());
    // What one types the other sees, in the same place.
    two.enter("stty size");
    await one.shows("30 100");
    await until(() => one.screen() === two.screen(), {
      describe: () => `${one.screen()}\nas\n${two.screen()}`,
    });
    one.enter("exit 5");
    for (const terminal of [one, two]) {
      // The shell asks where the job has left the cursor.
      await terminal.shows(/^here\$$/m);
      expect(await terminal.output("echo $?")).toBe("5");
    }
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGINT", 130],
  ] as const)("%s ends the program alone, and the terminal is as it was", async (signal, code) => {
    const terminal = await TmuxTerminal.start(server);
    const before = await terminal.settings();
    terminal.enter("errand run -it --label from=signals -- vim.tiny -u NONE -N");
    await terminal.shows("VIM - Vi IMproved");
    expect(terminal.ask("#{alternate_on} #{pane_current_command}")).toMatch(/^1/);
    terminal.killErrand(signal);
    await terminal.shows(`errand: ${signal}: left job`);
    await terminal.isBack();
    const id = terminal.jobOnScreen();
    expect(terminal.ask("#{alternate_on} #{cursor_flag} #{mouse_any_flag}")).toBe("0 1 0");
    expect(await terminal.output("echo $?")).toBe(String(code));
    expect(await terminal.settings()).toBe(before);
    expect(await terminal.output(`errand ps --ids | grep -c ${id}`)).toBe("1");
    await terminal.output(`errand stop ${id}`);
  });

  test("who looks on cannot type, and leaves with Ctrl-C", async () => {
    const id = await new Cli(server).launch("-t", "--", "sh", "-c", "printf 'size '; stty size; cat");
    const terminal = await TmuxTerminal.start(server, { cols: 50, rows: 10 });
    terminal.enter(`errand attach --read-only ${id}`);
    await terminal.shows("size 24 80");
    terminal.enter("typed");
    terminal.press("C-c");
    await terminal.shows("detached from");
    await terminal.isBack();
    expect(terminal.screen()).not.toContain("typed");
    const other = await TmuxTerminal.start(server);
    other.enter(`errand attach ${id}`);
    await other.shows("size 24 80");
    other.enter("really typed");
    await other.shows("really typed\nreally typed");
    expect(other.screen()).not.toMatch(/^typed/m);
    other.press("C-d");
    await other.isBack();
    expect(await other.output("echo $?")).toBe("0");
  });

  test("what asks the terminal is asked live, and not when it is shown again", async () => {
    const cli = new Cli(server);
    const logs = async (id: string) => (await cli.run(["logs", id])).stdout;
    // What the terminal answers is shown as the command reads it.
    const asking = ["bash", "-c", "stty raw -echo; printf 'old \\033[6n\\033[c\\033]11;?\\007'; exec cat -v"];
    const terminal = await TmuxTerminal.start(server);
    const live = `errand run -it -- ${asking.map((word) => `"${word}"`).join(" ")}`;
    terminal.enter(live.replaceAll("\\", "\\\\"));
    await terminal.shows(/\^\[\[\d+;\d+R\^\[\[\?[\d;]+c/);
    terminal.press("C-p", "C-q");
    await terminal.shows("detached from");
    await cli.run(["stop", terminal.jobOnScreen()]);

    const id = await cli.launch("-t", "--", ...asking);
    await until(async () => (await logs(id)).includes("old"), { describe: "the question" });
    for (const replay of ["all", "screen", "none"]) {
      await terminal.output("true");
      terminal.enter(`errand attach --replay ${replay} ${id}`);
      await terminal.isRaw();
      terminal.type(`<${replay}>`);
      await terminal.shows(`<${replay}>`);
      terminal.press("C-p", "C-q");
      await terminal.shows("detached from");
    }
    expect((await logs(id)).split("\u0007")[1]).toBe("<all><screen><none>");
    await cli.run(["stop", id]);
    // Nor does the shell get an answer that nobody has asked it for.
    await terminal.output(`errand logs ${id}; echo`);
    terminal.enter("echo next");
    await terminal.shows(/^next$/m);
    expect(terminal.screen()).toMatch(/\nhere\$ echo next\nnext\nhere\$$/);
  });
});

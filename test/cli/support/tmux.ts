import { join } from "node:path";
import { atEnd, guardProcess, temporaryDirectory } from "../../support/cleanup.ts";
import { childrenOf, signal } from "../../support/proc.ts";
import { cleanEnvironment, projectRoot, type Server } from "../../support/server.ts";
import { missingTool } from "../../support/tools.ts";
import { until } from "../../support/wait.ts";

/** What the tests of terminals need and is not here; undefined when all of it is. */
export const missingProgram = missingTool("tmux", "vim.tiny", "top", "stty", "bash");

/** What the shell in a terminal asks with. */
export const prompt = "here$";

/** The line that runs a shell on a job's terminal, which asks in its own way. */
export function onTerminal(shell: string): string {
  return `PS1='there$ ' errand run -it -e PS1 -- ${shell}`;
}

export interface TerminalOptions {
  readonly cols?: number;
  readonly rows?: number;
}

/** A terminal of tmux with a shell in it, in front of which somebody sits who uses a server. */
export class TmuxTerminal {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  static async start(
    server: Pick<Server, "url" | "token">,
    { cols = 100, rows = 30 }: TerminalOptions = {},
  ): Promise<TmuxTerminal> {
    const home = temporaryDirectory("tmux");
    const terminal = new TmuxTerminal(join(home, "s"));
    const variables = {
      ...{ ERRAND_URL: server.url, ERRAND_TOKEN: server.token, PS1: `${prompt} `, LC_ALL: "C.UTF-8" },
      ...{ HOME: home, XDG_STATE_HOME: home, XDG_CONFIG_HOME: home, PROMPT_COMMAND: "" },
      ...{ PATH: `${join(projectRoot, "bin")}:${process.env.PATH}` },
    };
    const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    const shell = ["env", ...assignments, "bash", "--norc", "--noprofile"];
    terminal.#tmux(
      "start-server",
      ";",
      "set-option",
      "-g",
      "history-limit",
      "20000",
      ";",
      "new-session",
      "-d",
      "-x",
      String(cols),
      "-y",
      String(rows),
      "-c",
      home,
      ...shell,
    );
    terminal.#tmux("set-option", "-g", "window-size", "manual");
    terminal.#tmux("set-option", "-g", "escape-time", "0");
    guardProcess(Number(terminal.#tmux("display-message", "-p", "#{pid}")));
    atEnd(async () => terminal.end());
    await terminal.shows(prompt);
    return terminal;
  }

  /** Types text as it is. */
  type(text: string): void {
    this.#tmux("send-keys", "-l", "--", text);
  }

  /** Presses keys by their names, such as `C-c` and `Enter`. */
  press(...keys: string[]): void {
    this.#tmux("send-keys", ...keys);
  }

  /** A line, and Enter. */
  enter(line: string): void {
    this.type(line);
    this.press("Enter");
  }

  resize(cols: number, rows: number): void {
    this.#tmux("resize-window", "-x", String(cols), "-y", String(rows));
  }

  /** The lines of the screen. */
  lines(): string[] {
    return this.#tmux("capture-pane", "-p").split("\n");
  }

  screen(): string {
    return this.lines().join("\n").trimEnd();
  }

  /** Also what has scrolled away. */
  history(): string {
    return this.#tmux("capture-pane", "-p", "-S", "-", "-J").trimEnd();
  }

  /** Something that tmux knows of the terminal, such as `#{alternate_on}`. */
  ask(format: string): string {
    return this.#tmux("display-message", "-p", format);
  }

  /** Waits until the screen holds that. */
  async shows(what: string | RegExp, timeoutMilliseconds = 10_000): Promise<void> {
    const holds = () => (typeof what === "string" ? this.screen().includes(what) : what.test(this.screen()));
    const describe = () => `${what} on the screen, which is:\n${this.screen()}`;
    await until(holds, { timeoutMilliseconds, describe });
  }

  /** Waits until a program takes every key, Ctrl-C too; the shell itself does not. */
  async isRaw(): Promise<void> {
    const tty = this.ask("#{pane_tty}");
    const raw = () => Bun.spawnSync(["stty", "-F", tty, "-a"]).stdout.toString().includes("-isig");
    await until(raw, { describe: () => `raw mode; the screen is:\n${this.screen()}` });
  }

  /** The job that the last message on the screen names. */
  jobOnScreen(): string {
    const id = /.*\bjob (\d+)/s.exec(this.screen())?.[1];
    if (id === undefined) throw new Error(`no job on the screen:\n${this.screen()}`);
    return id;
  }

  /** Waits until the last line is the shell's question, and nothing else. */
  isBack(): Promise<void> {
    return this.shows(new RegExp(`(?:^|\n)${prompt.replace("$", "\\$")}$`));
  }

  /** Runs a line in the shell, and gives what it wrote. */
  async output(line: string): Promise<string> {
    this.press("C-l");
    await this.shows(new RegExp(`^${prompt.replace("$", "\\$")}$`));
    this.enter(line);
    await this.shows(new RegExp(`\n${prompt.replace("$", "\\$")}$`));
    return this.screen().split("\n").slice(1, -1).join("\n");
  }

  /** How the terminal is set, but for its size: what `stty -a` tells, in its short form. */
  async settings(): Promise<string> {
    return (await this.output("stty -g")).replaceAll("\n", "");
  }

  /** Sends a signal to the `errand` that runs in the shell. */
  killErrand(name: NodeJS.Signals): void {
    const shell = Number(this.ask("#{pane_pid}"));
    const [child] = childrenOf(shell);
    if (child === undefined) throw new Error("nothing runs in the shell");
    signal(child, name);
  }

  end(): void {
    Bun.spawnSync(["tmux", "-S", this.#socket, "kill-server"]);
  }

  #tmux(...args: string[]): string {
    const { exitCode, stdout, stderr } = Bun.spawnSync(
      ["tmux", "-S", this.#socket, "-f", "/dev/null", ...args],
      {
        env: cleanEnvironment(),
      },
    );
    if (exitCode !== 0) throw new Error(`tmux ${args.join(" ")}: ${stderr}`);
    return stdout.toString().replace(/\n$/, "");
  }
}

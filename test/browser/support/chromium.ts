import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { atEnd, guardProcess, temporaryDirectory } from "../../support/cleanup.ts";
import { collectLines } from "../../support/lines.ts";
import { allProcesses, argumentsOf, childrenOf, isLiving } from "../../support/proc.ts";
import { cleanEnvironment } from "../../support/server.ts";
import { missingTool } from "../../support/tools.ts";
import { until } from "../../support/wait.ts";

const program = Bun.which("chromium");

/** Why there are no tests in a browser here; undefined where there are. */
export const withoutBrowser =
  missingTool("chromium") === undefined ? undefined : " (left out: chromium is not installed)";

const startMilliseconds = 20_000;

/** Nothing is fetched from elsewhere, nothing is kept, and no other process talks to it but this one. */
const options = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ...["--disable-dev-shm-usage", "--disable-breakpad", "--remote-debugging-port=0"],
];

/** Starts Chromium with a profile of its own; `afterAll(endEverything)` ends it. */
export async function startChromium(): Promise<Browser> {
  if (program === null) throw new Error("chromium is not installed");
  const home = temporaryDirectory("chromium");
  const child = Bun.spawn([program, ...options, `--user-data-dir=${join(home, "profile")}`, "about:blank"], {
    cwd: home,
    env: { ...cleanEnvironment(), HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  guardProcess(child.pid);
  atEnd(async () => {
    // Its helpers write to the profile as long as they live; the reporters of crashes are no children of it.
    const helpers = allProcesses().filter((pid) => argumentsOf(pid).some((one) => one.includes(home)));
    const family = [...descendantsOf(child.pid), ...helpers];
    child.kill("SIGKILL");
    await child.exited;
    await until(() => family.every((pid) => !isLiving(pid)), { describe: "the end of Chromium's processes" });
  });
  const said = collectLines(child.stderr);
  const address = () => {
    if (child.exitCode !== null) throw new Error(`Chromium ended: ${said.lines().join("\n")}`);
    return /DevTools listening on (ws:\S+)/.exec(said.lines().join("\n"))?.[1];
  };
  const describe = () => `Chromium's address; it said ${said.lines().join("\n")}`;
  const browser = await chromium.connectOverCDP(
    await until(address, { timeoutMilliseconds: startMilliseconds, describe }),
  );
  atEnd(() => browser.close());
  return browser;
}

function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

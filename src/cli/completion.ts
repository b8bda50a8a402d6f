import { Argument, Command } from "commander";
import { bashScript } from "./completion/bash.ts";
import { fishScript } from "./completion/fish.ts";
import { type CompletedVerb, describeVerbs } from "./completion/model.ts";
import { zshScript } from "./completion/zsh.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Program } from "./verbs.ts";

const scripts: Readonly<Record<string, (verbs: readonly CompletedVerb[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

const about = `
Verbs, options and their values are completed, and ids of jobs and names of contexts by asking errand itself.

  bash   source <(errand completion bash)                       in ~/.bashrc
  zsh    errand completion zsh >"\${fpath[1]}/_errand"            once
  fish   errand completion fish >~/.config/fish/completions/errand.fish`;

/** The verb `completion`. */
export function completionCommand({ stdout }: Surroundings, { allCommands, abouts }: Program): Command {
  return new Command("completion")
    .description("Prints the completions for a shell.")
    .addArgument(new Argument("<shell>").choices(Object.keys(scripts)))
    .addHelpText("after", about)
    .action(async (shell: string) => {
      const verbs = describeVerbs(await allCommands(), abouts);
      await stdout.write(scripts[shell]?.(verbs) ?? "");
    });
}

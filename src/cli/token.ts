import { Command, InvalidArgumentError, Option } from "commander";
import type { Errand } from "../sdk/errand.ts";
import type { Scope, Token } from "../sdk/serverTypes.ts";
import { type ConnectionOptions, connect, withConnection } from "./connect.ts";
import { CliError, exitCodes } from "./exitCodes.ts";
import { age, printJson } from "./print.ts";
import type { Surroundings } from "./surroundings.ts";
import { table } from "./table.ts";
import { seconds } from "./values.ts";

interface CreateOptions extends ConnectionOptions {
  readonly scope?: readonly Scope[];
  readonly expires?: number;
  readonly json?: true;
}

interface ListOptions extends ConnectionOptions {
  readonly json?: true;
}

const allScopes: readonly Scope[] = ["read", "run", "admin"];

const titles = [
  { title: "ID" },
  { title: "NAME" },
  { title: "SCOPES" },
  { title: "SOURCE" },
  { title: "AGE" },
  { title: "EXPIRES" },
];

const about = `
Scopes: read (list jobs and read their output), run (start, stop, signal, write to and forget jobs), admin (all of it, tokens
and the shutdown of the server).

Examples:
  errand token create ci --scope run --scope read --expires 90d >ci-token
  errand token list
  errand token revoke ci`;

/** The verb `token`. */
export function tokenCommand(surroundings: Surroundings): Command {
  return new Command("token")
    .description("Makes, lists and revokes the tokens of a server. Needs the scope admin.")
    .addHelpText("after", about)
    .addCommand(createCommand(surroundings))
    .addCommand(listCommand(surroundings))
    .addCommand(revokeCommand(surroundings));
}

function createCommand(surroundings: Surroundings): Command {
  const scope = new Option("--scope <scope>", "what it may do; may be repeated")
    .choices(allScopes)
    .argParser(collectScope)
    .makeOptionMandatory();
  const command = new Command("create")
    .description("Makes a token and prints its secret, which is shown this once.")
    .argument("<name>", "says whose it is")
    .addOption(scope)
    .option(
      "--expires <time>",
      "how long it holds, such as 12h or 90d (default: until it is revoked)",
      seconds,
    )
    .option("--json", "print the token with its secret as JSON");
  return withConnection(command).action(async (name: string, options: CreateOptions) => {
    const { scope: scopes = [], expires } = options;
    const expiresAt = expires === undefined ? undefined : new Date(Date.now() + expires * 1_000);
    const token = await connect(options, surroundings).tokens.create({ name, scopes, expiresAt });
    if (options.json === true) return await printJson(surroundings, token);
    await surroundings.stdout.write(`${token.secret}\n`);
    await surroundings.stderr.write(`Token ${token.id} (${name}). This secret is not shown again.\n`);
  });
}

function collectScope(text: string, before: readonly Scope[] | undefined): Scope[] {
  const scope = allScopes.find((one) => one === text);
  if (scope === undefined) throw new InvalidArgumentError(`Allowed choices are ${allScopes.join(", ")}.`);
  return [...(before ?? []), scope];
}

function listCommand(surroundings: Surroundings): Command {
  const command = new Command("list")
    .description("Lists tokens.")
    .option("--json", "print one document of JSON");
  return withConnection(command).action(async (options: ListOptions) => {
    const tokens = await connect(options, surroundings).tokens.list();
    if (options.json === true) return await printJson(surroundings, { tokens });
    await surroundings.stdout.write(table(titles, tokens.map(row), surroundings.columns()));
  });
}

function row({ id, name, scopes, source, createdAt, expiresAt }: Token): string[] {
  return [
    id,
    name,
    scopes.join(","),
    source ?? "-",
    createdAt === null ? "-" : age(createdAt),
    expiresAt ?? "never",
  ];
}

function revokeCommand(surroundings: Surroundings): Command {
  const command = new Command("revoke")
    .description("Revokes a token: it is refused from then on.")
    .argument("<token>", "its id or its name");
  return withConnection(command).action(async (wanted: string, options: ConnectionOptions) => {
    const errand = connect(options, surroundings);
    const id = await findToken(errand, wanted);
    await errand.tokens.revoke(id);
    await surroundings.stdout.write(`${id}\n`);
  });
}

/** Names are unique on a server. */
async function findToken(errand: Errand, wanted: string): Promise<string> {
  const found = (await errand.tokens.list()).find(({ id, name }) => id === wanted || name === wanted);
  if (found !== undefined) return found.id;
  throw new CliError(
    exitCodes.refused,
    `there is no token ${JSON.stringify(wanted)}`,
    "errand token list names all.",
  );
}

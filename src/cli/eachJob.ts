import { CliError, exitCodes } from "./exitCodes.ts";
import { failureOf } from "./failure.ts";
import { Progress } from "./progress.ts";
import type { Surroundings } from "./surroundings.ts";

/** So many requests are under way at once. */
const atOnce = 8;

/**
 * Does the same to many jobs. One that fails does not keep the others from their turn; it is told, and in the end thrown as a
 * `CliError` with the exit code of the first failure.
 */
export async function eachJob(
  ids: readonly string[],
  doing: string,
  surroundings: Surroundings,
  act: (id: string) => Promise<void>,
): Promise<void> {
  let done = 0;
  const failures: { readonly id: string; readonly error: unknown }[] = [];
  const progress = new Progress(surroundings, () => `${doing}: ${done} of ${ids.length}`);
  const waiting = ids.values();
  const worker = async () => {
    for (const id of waiting) {
      await act(id).catch((error: unknown) => failures.push({ id, error }));
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, ids.length) }, worker));
  await progress.end();
  const [first] = failures;
  if (first === undefined) return;
  // Of one job the error is the whole story.
  if (ids.length === 1) throw first.error;
  for (const { id, error } of failures)
    await surroundings.stderr.write(
      `errand: ${id}: ${failureOf(error).message ?? "nobody reads the output any more"}\n`,
    );
  const { exitCode } = failureOf(first.error);
  throw new CliError(
    exitCode === exitCodes.done ? exitCodes.refused : exitCode,
    `${failures.length} of ${ids.length} failed`,
  );
}

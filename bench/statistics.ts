/** The middle of the values; the mean of the two middle ones when their number is even. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** The smallest of the values that `percent` of them do not exceed (nearest rank). NaN for none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? Number.NaN;
}

/**
 * The median over the rounds of `subject` divided by `peer` of the same round: what disturbs a whole round, as other
 * programs on the machine do, falls out. NaN when a round lacks one of them.
 */
export function medianRatio(subject: readonly number[], peer: readonly number[]): number {
  if (subject.length !== peer.length) return Number.NaN;
  return median(subject.map((value, round) => value / (peer[round] ?? Number.NaN)));
}

/** Something that is measured once in every round. */
export interface Subject {
  readonly id: string;
  readonly name: string;
  measure(): Promise<number>;
}

/** Measures the subjects in turns (A B C A B C …) and returns the values of each by its id. */
export async function inTurns(
  subjects: readonly Subject[],
  rounds: number,
  tell: (line: string) => void,
): Promise<Map<string, number[]>> {
  const values = new Map(subjects.map(({ id }): [string, number[]] => [id, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const { id, name, measure } of subjects) {
      const value = await measure();
      values.get(id)?.push(value);
      tell(`  round ${round}, ${name}: ${Math.round(value).toLocaleString("en")}`);
    }
  }
  return values;
}

/** Seconds between the tries of one callback: ten tries over about 75 hours, as Standard Webhooks suggests. */
export const defaultWaitsSeconds: readonly number[] = [
  5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
];

/** So that receivers that come back are not met by all at once. */
const jitter = 0.1;

/**
 * Milliseconds until the next try after so many have failed; null when that was the last one. `random` gives numbers from
 * 0 to 1.
 */
export function nextWaitMilliseconds(
  waitsSeconds: readonly number[],
  attempts: number,
  random: () => number,
): number | null {
  const seconds = waitsSeconds[attempts - 1];
  if (seconds === undefined) return null;
  return Math.round(seconds * 1_000 * (1 - jitter + 2 * jitter * random()));
}

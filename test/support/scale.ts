/** The variable that says how much of the full counts is to be tried; without it the short counts hold. */
export const scaleVariable = "ERRAND_SOAK_SCALE";
/** The variable that says how many minutes the long run takes. */
export const minutesVariable = "ERRAND_SOAK_MINUTES";
/** Full counts on a busy machine may take so many times as long as short ones. */
const patienceFactor = 60;

/** How long the long run takes. */
export const soakMinutes = Number(process.env[minutesVariable] ?? 20);

const scale = process.env[scaleVariable];

/** How often a row is tried: `short` in `npm test`, `full`, scaled, in `npm run soak`, which never tries less. */
export function count(short: number, full: number): number {
  if (scale === undefined) return short;
  return Math.min(full, Math.max(short, Math.round(full * Number(scale))));
}

/** How long a test of a row may take, in milliseconds: what is said for `npm test`, and more for the full counts. */
export function patience(milliseconds: number): number {
  return scale === undefined ? milliseconds : milliseconds * patienceFactor;
}

/** So many of the items, spread over all of them, the first and the last among them. */
export function spread<Item>(items: readonly Item[], wanted: number): Item[] {
  const last = items.length - 1;
  if (wanted >= items.length) return [...items];
  return Array.from(
    { length: wanted },
    (_, index) => items[Math.round((index * last) / (wanted - 1))] as Item,
  );
}

/** Prints what a row has come to; `npm run soak` puts such lines into its table. */
export function report(row: string, text: string): void {
  console.log(`${row}: ${text}`);
}

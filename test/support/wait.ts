/** The longest that a condition is waited for when the caller does not say. */
export const defaultTimeoutMilliseconds = 10_000;

export interface UntilOptions {
  timeoutMilliseconds?: number;
  /** Says what was waited for; called only when it did not come, so it may look at the state then. */
  describe?: string | (() => string);
}

/**
 * Waits until `condition` gives something truthy and returns that. The only place with a poll interval: it
 * starts at 2 ms, so that a quick condition costs nothing, and grows to 50 ms, so that a slow one takes no
 * processor from what it waits for.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<NonNullable<T>> {
  const timeout = options.timeoutMilliseconds ?? defaultTimeoutMilliseconds;
  const deadline = performance.now() + timeout;
  let interval = 2;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() >= deadline) throw new Error(`not within ${timeout} ms: ${description(options)}`);
    await Bun.sleep(interval);
    interval = Math.min(interval * 1.5, 50);
  }
}

/** Waits until `measure` gives the same number for half a second, and gives it: what moves has come to rest. */
export async function untilSteady(measure: () => number, options: UntilOptions = {}): Promise<number> {
  let last = measure();
  let since = performance.now();
  const steady = () => {
    const now = measure();
    if (now !== last) {
      last = now;
      since = performance.now();
    }
    return performance.now() - since >= 500;
  };
  await until(steady, options);
  return last;
}

/** Gives what `promise` gives, or fails when it takes longer: no test hangs until the runner's own limit. */
export async function within<T>(promise: Promise<T>, options: UntilOptions = {}): Promise<T> {
  const timeout = options.timeoutMilliseconds ?? defaultTimeoutMilliseconds;
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${timeout} ms: ${description(options)}`)), timeout);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function description(options: UntilOptions): string {
  const describe = options.describe ?? "the condition";
  return typeof describe === "string" ? describe : describe();
}

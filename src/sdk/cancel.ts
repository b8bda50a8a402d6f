import { Cancelled } from "./errors.ts";

/** Throws `Cancelled` when the signal has ended the call. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Cancelled("the call was cancelled", { cause: signal.reason });
}

/** Waits. Throws `Cancelled`. */
export async function sleep(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  throwIfCancelled(signal);
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, seconds * 1_000);
    signal?.addEventListener("abort", done, { once: true });
  });
  throwIfCancelled(signal);
}

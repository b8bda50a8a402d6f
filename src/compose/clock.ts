import type { Clock } from "../core/ports.ts";

/** A timer of the runtime holds no longer time. */
const longestTimerMilliseconds = 2 ** 31 - 1;

/** The clocks of this machine. */
export const clock: Clock = {
  now: () => ({ wall: Date.now(), monotonic: Bun.nanoseconds() }),
  wall: () => Date.now(),
  after(milliseconds, callback) {
    let timer: Timer;
    const arm = (left: number) => {
      const now = Math.min(left, longestTimerMilliseconds);
      timer = setTimeout(() => (left > now ? arm(left - now) : callback()), now);
    };
    arm(milliseconds);
    return () => clearTimeout(timer);
  },
};

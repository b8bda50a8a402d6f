import type { Delivery, DeliveryResult } from "../core/callbackPorts.ts";
import type { Answer } from "./attempt.ts";
import { nextWaitMilliseconds } from "./schedule.ts";

/** How tries are repeated. */
export interface RetryPlan {
  readonly waitsSeconds: readonly number[];
  readonly random: () => number;
}

/** What a try has come to, and when it began and ended (milliseconds since 1970). */
export interface Try {
  /** `gone`: there is nothing to tell any more. */
  readonly answer: Answer | { readonly gone: string };
  readonly begun: number;
  readonly ended: number;
}

/** The receiver wants no more of this. */
const statusGone = 410;

/** What becomes of a callback after one more try: any 2xx is delivery, anything else another try as long as there are. */
export function verdictOf(
  { attempts }: Pick<Delivery, "attempts">,
  tried: Try,
  plan: RetryPlan,
): DeliveryResult {
  const { answer } = tried;
  const status = "status" in answer ? answer.status : null;
  const base = {
    attempts: attempts + 1,
    lastAttemptAt: tried.begun,
    lastStatus: status,
    nextAttemptAt: null,
  };
  if (status !== null && status >= 200 && status <= 299)
    return { ...base, state: "delivered", lastError: null };
  const lastError = errorOf(answer);
  if (status === statusGone) return { ...base, state: "disabled", lastError };
  const wait = nextWaitMilliseconds(plan.waitsSeconds, base.attempts, plan.random);
  if (wait === null || "gone" in answer) return { ...base, state: "failed", lastError };
  return { ...base, state: "pending", nextAttemptAt: tried.ended + wait, lastError };
}

function errorOf(answer: Try["answer"]): string {
  if ("gone" in answer) return answer.gone;
  return "error" in answer ? answer.error : `the answer was ${answer.status}, only 2xx is delivery`;
}

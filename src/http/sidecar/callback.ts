import type { Broker } from "../../core/broker.ts";
import type { Job } from "../../core/job.ts";
import { readText } from "./outputText.ts";

/** What a receiver of this door's callbacks is sent: both outputs, each at most so many bytes. */
export async function encodeCallback(
  broker: Broker,
  job: Job,
  mostBytes: number,
): Promise<{ readonly body: string; readonly headers: Record<string, string> }> {
  const stdout = await readText(broker, job, { stream: "stdout", mostBytes });
  const stderr = await readText(broker, job, { stream: "stderr", mostBytes });
  const cut = [stdout.truncated ? "stdout" : "", stderr.truncated ? "stderr" : ""].filter(Boolean);
  return {
    body: JSON.stringify({ kwargs: { stdout: stdout.text, stderr: stderr.text } }),
    headers: {
      "content-type": "application/json",
      ...(cut.length > 0 && { "Errand-Truncated": cut.join(", ") }),
    },
  };
}

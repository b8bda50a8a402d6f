import type { Server } from "../../support/server.ts";

/** When a job ran, in milliseconds since 1970. */
export interface Run {
  id: string;
  startedAt: number;
  endedAt: number;
}

interface Page {
  jobs: { id: string; startedAt: string | null; endedAt: string | null }[];
  nextCursor: string | null;
}

/** The ended runs of an alias, oldest first, as v1 tells them. */
export async function runsOf(server: Server, alias: string): Promise<Run[]> {
  const runs: Run[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const response = await server.request(`/v1/jobs?alias=${alias}&limit=500${query}`);
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    const page = (await response.json()) as Page;
    for (const { id, startedAt, endedAt } of page.jobs) {
      runs.push({ id, startedAt: time(startedAt), endedAt: time(endedAt) });
    }
    cursor = page.nextCursor;
  }
  return runs.reverse();
}

function time(text: string | null): number {
  if (text === null) throw new Error("the run has not ended");
  return Date.parse(text);
}

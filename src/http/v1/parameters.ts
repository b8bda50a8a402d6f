import { ErrandError } from "../../core/errors.ts";
import { isJobId } from "../../core/ids.ts";
import { type JobId, type JobState, jobStates } from "../../core/job.ts";
import { nearestName } from "../../core/nearest.ts";
import type { JobQuery } from "../../core/ports.ts";

const defaultPage = 50;
const listParameters = ["state", "alias", "node", "since", "cursor", "limit", "label"];

function invalid(message: string): ErrandError {
  return new ErrandError("invalid-parameter", message);
}

/** Each parameter once, and only known ones. Throws `invalid-parameter`. */
export function read(query: string, known: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!known.includes(name)) {
      const nearest = nearestName(name, known);
      const hint =
        nearest === undefined ? `known are ${known.join(", ") || "none"}` : `did you mean ${nearest}?`;
      throw invalid(`unknown parameter ${JSON.stringify(name)}; ${hint}`);
    }
    if (found.has(name)) throw invalid(`parameter ${name} stands there twice`);
    found.set(name, value);
  }
  return found;
}

/** No parameter at all. Throws `invalid-parameter`. */
export function readNone(query: string): void {
  read(query, []);
}

/** True or false as the parameter says; undefined without it. */
export function readFlag(parameters: ReadonlyMap<string, string>, name: string): boolean | undefined {
  const text = parameters.get(name);
  if (text === undefined || text === "true" || text === "false")
    return text === undefined ? text : text === "true";
  throw invalid(`${name}=${JSON.stringify(text)}: true and false are allowed`);
}

/** A number of bytes; undefined without it. */
export function readBytes(parameters: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = parameters.get(name);
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw invalid(`${name}=${JSON.stringify(text)}: a whole number of bytes is allowed`);
}

/** The seconds of `?wait=`, 0 without it. */
export function readWait(query: string, mostSeconds: number): number {
  return waitOf(read(query, ["wait"]), mostSeconds) ?? 0;
}

/** The seconds of the parameter `wait`; undefined without it. */
export function waitOf(parameters: ReadonlyMap<string, string>, mostSeconds: number): number | undefined {
  const text = parameters.get("wait");
  if (text === undefined) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= mostSeconds) return seconds;
  throw invalid(`wait=${JSON.stringify(text)}: seconds from 0 to ${mostSeconds} are allowed`);
}

/** What to list. */
export function readListQuery(query: string, mostJobs: number): JobQuery {
  const parameters = read(query, listParameters);
  const state = parameters.get("state");
  const alias = parameters.get("alias");
  const node = parameters.get("node");
  const label = parameters.get("label");
  const since = parameters.get("since");
  const cursor = parameters.get("cursor");
  return {
    count: readCount(parameters.get("limit"), mostJobs),
    ...(state === undefined ? {} : { states: readStates(state) }),
    ...(alias === undefined ? {} : { alias }),
    ...(label === undefined ? {} : { label: readLabel(label) }),
    ...(node === undefined ? {} : { node }),
    ...(since === undefined ? {} : { since: readTime(since) }),
    ...(cursor === undefined ? {} : { before: readCursor(cursor) }),
  };
}

function readCount(text: string | undefined, most: number): number {
  if (text === undefined) return Math.min(defaultPage, most);
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= most) return count;
  throw invalid(`limit=${JSON.stringify(text)}: a whole number from 1 to ${most} is allowed`);
}

function readStates(text: string): JobState[] {
  return text.split(",").map((name) => {
    const state = jobStates.find((known) => known === name);
    if (state === undefined)
      throw invalid(`state=${JSON.stringify(name)}: allowed are ${jobStates.join(", ")}`);
    return state;
  });
}

function readTime(text: string): number {
  const wall = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(wall)) return wall;
  throw invalid(`since=${JSON.stringify(text)}: an RFC 3339 time is allowed, as 2026-01-31T12:00:00Z`);
}

function readCursor(text: string): JobId {
  if (isJobId(text)) return text;
  throw invalid(`cursor=${JSON.stringify(text)}: a nextCursor of an earlier page is allowed`);
}

/** `name`, or `name=value`. */
function readLabel(text: string): NonNullable<JobQuery["label"]> {
  const mark = text.indexOf("=");
  const name = mark < 0 ? text : text.slice(0, mark);
  if (name === "") throw invalid(`label=${JSON.stringify(text)}: name or name=value is allowed`);
  return { name, value: mark < 0 ? null : text.slice(mark + 1) };
}

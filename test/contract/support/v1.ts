import { expect } from "bun:test";
import { errorTable } from "../../../src/core/errors.ts";
import type { RequestOptions } from "../../support/request.ts";
import type { Server } from "../../support/server.ts";

/** A job as v1 shows it; every field is looked at by the tests that are about it. */
export interface WireJob {
  id: string;
  node: string;
  alias: string | null;
  command: string[];
  owner: string | null;
  state: string;
  outcome: { reason: string; code: number | null; signal: string | null; success: boolean } | null;
  createdAt: string;
  endedAt: string | null;
}

export interface Page {
  jobs: WireJob[];
  nextCursor: string | null;
}

/** `GET /v1/jobs` with these parameters; it must answer 200. */
export async function list(server: Server, query = ""): Promise<Page> {
  const response = await server.request(`/v1/jobs${query}`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text) as Page;
}

export interface Problem {
  status: number;
  code: string;
  detail: string;
  allow: string | null;
  /** The field of a spec that is not available; only there with `not-available`. */
  field?: string;
}

/** Sends a request that must be refused as RFC 9457 says, with a code of the error table, and gives the problem. */
export async function problem(server: Server, path: string, options?: RequestOptions): Promise<Problem> {
  const response = await server.request(path, options);
  const text = await response.text();
  const { headers, status } = response;
  expect([path, headers.get("content-type")]).toEqual([path, "application/problem+json"]);
  expect(headers.get("cache-control")).toBe("no-store");
  const body = JSON.parse(text) as {
    type: string;
    title: string;
    status: number;
    detail: string;
    code: string;
    field?: string;
  };
  const { code, detail, field, ...others } = body;
  expect(Object.keys(others).sort()).toEqual(["status", "title", "type"]);
  const known = new Map<string, { status: number; title: string }>(Object.entries(errorTable));
  const row = known.get(code) ?? { status: 0, title: "unknown code" };
  // A field that is to come makes the spec wrong, not the call.
  const expected = code === "not-available" && field !== undefined ? { ...row, status: 422 } : row;
  expect({ status, title: body.title }).toEqual(expected);
  expect([body.status, body.type]).toEqual([status, "about:blank"]);
  if (code !== "not-available") expect(field).toBeUndefined();
  return { status, code, detail, allow: headers.get("allow"), ...(field === undefined ? {} : { field }) };
}

/** RFC 3339 in UTC, with milliseconds. */
export const timePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

import { z } from "@hono/zod-openapi";

/** A terminal has at most so many columns, and rows: each cell costs whoever draws it some bytes. */
export const mostTerminalCells = 1_000;

const cells = z.int().min(1).max(mostTerminalCells);

/** The size of a terminal in characters. */
export const terminalSizeSchema = z.strictObject({ cols: cells, rows: cells }).openapi("TerminalSize");

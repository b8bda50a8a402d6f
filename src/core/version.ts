/** The version of this Errand; package.json says the same. */
export const version = "0.1.0";

/** The day it was released. */
export const releaseDate = "2026-11-22";

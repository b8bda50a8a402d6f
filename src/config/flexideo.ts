import type { FlexideoSettings } from "./settings.ts";
import { refuseUnknown } from "./unknown.ts";
import { defined, show, type Table } from "./values.ts";

/** Where there is no OEM code page, as on Linux, programs speak UTF-8. */
export const defaultCodePages: FlexideoSettings = { acp: 1252, oem: 65001 };

/** Numbers of code pages end here. */
export const mostCodePage = 65_535;

const keys = ["acp", "oem"];

/** What `[flexideo]` says. Which numbers are code pages that can be used is known at the start of the server. */
export function readFlexideo(table: Table): Partial<FlexideoSettings> {
  refuseUnknown("flexideo", table, keys);
  const page = (key: keyof FlexideoSettings) =>
    table[key] === undefined ? undefined : codePageNumber(`flexideo.${key}`, table[key]);
  return defined({ acp: page("acp"), oem: page("oem") });
}

/** The value when it can be the number of a code page. Throws with what is allowed. */
export function codePageNumber(where: string, value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value > 0 && value <= mostCodePage)
    return value;
  throw new Error(
    `${where} = ${show(value)}: the number of a code page is allowed, from 1 to ${mostCodePage}`,
  );
}

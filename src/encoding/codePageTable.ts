/**
 * Code pages that are tables of one or two bytes, by their number in Windows → name of the table in iconv-lite.
 * Numbers that Windows has not are IBM's, from which DOS took its own.
 */
export const tableNames: ReadonlyMap<number, string> = new Map([
  ...sameNames(
    "cp",
    [437, 720, 737, 775, 808, 850, 852, 855, 856, 857, 858, 860, 861, 862, 863, 864, 865, 866],
  ),
  ...sameNames("cp", [869, 874, 922, 932, 936, 949, 950, 1046, 1124, 1125, 1129, 1133, 1161, 1162, 1163]),
  ...sameNames("cp", [1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258]),
  ...sameNames("cp", [28591, 28592, 28593, 28594, 28595, 28596, 28597, 28598, 28599, 28600, 28601]),
  ...sameNames("cp", [28603, 28604, 28605, 28606]),
  [367, "ascii"],
  [708, "iso88596"],
  [819, "iso88591"],
  [878, "koi8r"],
  [1051, "hproman8"],
  [1168, "koi8u"],
  [10000, "macroman"],
  [10006, "macgreek"],
  [10007, "maccyrillic"],
  [10010, "macromania"],
  [10017, "macukraine"],
  [10021, "macthai"],
  [10029, "maccenteuro"],
  [10079, "maciceland"],
  [10081, "macturkish"],
  [10082, "maccroatian"],
  [20127, "ascii"],
  [20866, "koi8r"],
  [20936, "cp936"],
  [20949, "cp949"],
  [21866, "koi8u"],
  [38598, "iso88598"],
  [51936, "cp936"],
  [51949, "cp949"],
]);

/** Bytes 80 to 9F without a character are the control characters of the same number, as Windows has it. */
export const pagesWithControls: ReadonlySet<number> = new Set([
  874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258,
]);

/** First and last code of a range, both within it. */
export type CodeRange = readonly [first: number, last: number];

/**
 * Round-trip variants: codes that are read as a character that Windows writes by another code. Text stays the same
 * both ways; bytes in such a code come back as the other one. No other code page of a table has any.
 */
export const decodeOnlyCodes: ReadonlyMap<number, readonly CodeRange[]> = new Map([
  [
    932,
    [
      // Mathematical signs of NEC's row 13 that JIS X 0208 has too.
      [0x8790, 0x8792],
      [0x8795, 0x8797],
      [0x879a, 0x879c],
      // NEC's selection of IBM's characters, which are written as IBM's.
      [0xed40, 0xeefc],
      // IBM's characters that JIS X 0208 or NEC's row 13 has too.
      [0xfa4a, 0xfa54],
      [0xfa58, 0xfa5b],
    ],
  ],
  [
    950,
    [
      // Lines and numbers 10 and 30 that stand twice.
      [0xa2a4, 0xa2a7],
      [0xa2cc, 0xa2cc],
      [0xa2ce, 0xa2ce],
      [0xf9fa, 0xf9fd],
    ],
  ],
  [
    1161,
    [
      // Thai tone marks that stand twice.
      [0xa0, 0xa0],
      [0xdb, 0xdd],
    ],
  ],
]);

function sameNames(prefix: string, numbers: readonly number[]): [number, string][] {
  return numbers.map((number) => [number, `${prefix}${number}`]);
}

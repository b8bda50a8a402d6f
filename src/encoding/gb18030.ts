import iconv from "iconv-lite";

/**
 * Characters that came into Unicode after GB18030 had given them a code of two bytes in the private use area.
 * Such a code is theirs by now, but iconv-lite writes four bytes, which since 2022 mean something else.
 */
const movedInGb18030: ReadonlyMap<string, readonly [number, number]> = new Map([
  ["\uFE10", [0xa6, 0xd9]],
  ["\uFE11", [0xa6, 0xdb]],
  ["\uFE12", [0xa6, 0xda]],
  ["\uFE13", [0xa6, 0xdc]],
  ["\uFE14", [0xa6, 0xdd]],
  ["\uFE15", [0xa6, 0xde]],
  ["\uFE16", [0xa6, 0xdf]],
  ["\uFE17", [0xa6, 0xec]],
  ["\uFE18", [0xa6, 0xed]],
  ["\uFE19", [0xa6, 0xf3]],
  ["\u9FB4", [0xfe, 0x59]],
  ["\u9FB5", [0xfe, 0x61]],
  ["\u9FB6", [0xfe, 0x66]],
  ["\u9FB7", [0xfe, 0x67]],
  ["\u9FB8", [0xfe, 0x6d]],
  ["\u9FB9", [0xfe, 0x7e]],
  ["\u9FBA", [0xfe, 0x90]],
  ["\u9FBB", [0xfe, 0xa0]],
]);

/** Most bytes for one UTF-16 unit. */
const mostBytes = 4;
const moved = new RegExp(`([${[...movedInGb18030.keys()].join("")}])`);

/** Text in GB18030 with the codes of two bytes that have been right since 2022. */
export function encodeGb18030(text: string): Uint8Array {
  const parts = text.split(moved);
  if (parts.length === 1) return iconv.encode(text, "gb18030");
  const bytes = new Uint8Array(text.length * mostBytes);
  let length = 0;
  for (const part of parts) {
    const encoded = movedInGb18030.get(part) ?? iconv.encode(part, "gb18030");
    bytes.set(encoded, length);
    length += encoded.length;
  }
  return bytes.slice(0, length);
}

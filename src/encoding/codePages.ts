/** Turns bytes into text piece by piece, whatever the pieces are. */
export interface TextStream {
  write(bytes: Uint8Array): string;
  end(): string;
}

/** A code page by its number in Windows. */
export interface CodePage {
  readonly number: number;
  decoder(): TextStream;
  encode(text: string): Uint8Array;
}

/** stub */
export function codePage(number: number): CodePage | null {
  return number === 65001 ? utf16() : null;
}

/** stub */
export function utf16(): CodePage {
  throw new Error("not yet");
}

export const knownCodePages: readonly number[] = [];

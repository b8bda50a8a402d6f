import { CommandLineError } from "./errors.ts";

/** Characters that a backslash escapes within double quotes; before any other it stands for itself. */
const escapedInQuotes = '"\\$`';
/** Blanks of the POSIX locale and the line feed; a carriage return is text, as in a shell. */
const separators = " \t\n";

/**
 * Splits a command line into arguments as a POSIX shell does, but expands nothing and knows no operators, comments
 * or continued lines: `|`, `*`, `#` and `$x` are text. Between single quotes all is literal, between double quotes a
 * backslash escapes `"`, `\`, `$` and the backquote, outside of quotes the next character, whatever it is.
 * Quotes that stay open and a backslash at the end are a CommandLineError.
 */
export function splitCommandLine(text: string): string[] {
  const words: string[] = [];
  let position = 0;
  for (;;) {
    while (position < text.length && isSeparator(text, position)) position++;
    if (position === text.length) return words;
    const word = readWord(text, position);
    words.push(word.value);
    position = word.end;
  }
}

/** A part of the line without its quotes, and where the next part begins. */
interface Part {
  readonly value: string;
  readonly end: number;
}

function readWord(text: string, start: number): Part {
  const parts: string[] = [];
  let position = start;
  while (position < text.length && !isSeparator(text, position)) {
    const part = readPart(text, position);
    parts.push(part.value);
    position = part.end;
  }
  return { value: parts.join(""), end: position };
}

function readPart(text: string, start: number): Part {
  switch (text.charAt(start)) {
    case "'":
      return readSingleQuoted(text, start);
    case '"':
      return readDoubleQuoted(text, start);
    case "\\":
      return readEscaped(text, start);
    default:
      return readPlain(text, start);
  }
}

function readSingleQuoted(text: string, start: number): Part {
  const end = text.indexOf("'", start + 1);
  if (end < 0) throw new CommandLineError(`the single quote at ${start} is not closed`, start);
  return { value: text.slice(start + 1, end), end: end + 1 };
}

function readDoubleQuoted(text: string, start: number): Part {
  const parts: string[] = [];
  let begun = start + 1;
  for (let position = begun; position < text.length; position++) {
    const character = text.charAt(position);
    if (character === '"') {
      parts.push(text.slice(begun, position));
      return { value: parts.join(""), end: position + 1 };
    }
    if (character !== "\\" || position + 1 === text.length) continue;
    if (escapedInQuotes.includes(text.charAt(position + 1))) {
      parts.push(text.slice(begun, position));
      begun = position + 1;
    }
    position++;
  }
  throw new CommandLineError(`the double quote at ${start} is not closed`, start);
}

function readEscaped(text: string, start: number): Part {
  if (start + 1 === text.length)
    throw new CommandLineError(`the backslash at ${start} has nothing to escape`, start);
  // Of a surrogate pair the second half comes as plain text.
  return { value: text.charAt(start + 1), end: start + 2 };
}

function readPlain(text: string, start: number): Part {
  let end = start;
  while (end < text.length && !isSeparator(text, end) && !"'\"\\".includes(text.charAt(end))) end++;
  return { value: text.slice(start, end), end };
}

function isSeparator(text: string, position: number): boolean {
  return separators.includes(text.charAt(position));
}

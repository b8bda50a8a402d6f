/**
 * Text or bytes that an encoding cannot hold or read. The message is fit for a client.
 * `position` counts UTF-16 units of the text from 0, as a string is indexed.
 */
export class EncodingError extends Error {
  override readonly name = "EncodingError";
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

/** A command line that cannot be split. `position` is where the open quote or the last backslash stands, from 0. */
export class CommandLineError extends Error {
  override readonly name = "CommandLineError";
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

/**
 * XML that is not well-formed or over a limit. `position` is where the parser noticed, from 0; the message has line
 * and column.
 */
export class XmlError extends Error {
  override readonly name = "XmlError";
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

/** Text that is not Flexideo's XML form of JSON. The message has line and column, `position` counts from 0. */
export class JsonFormError extends Error {
  override readonly name = "JsonFormError";
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

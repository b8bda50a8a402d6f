import { invalid, shown } from "./invalid.ts";

/** The attributes of one request, and how their values are read. Each reader throws `invalid-request` with what is allowed. */
export class Values {
  readonly #attributes: ReadonlyMap<string, string>;

  constructor(attributes: ReadonlyMap<string, string>) {
    this.#attributes = attributes;
  }

  /** As it was sent; undefined when it is missing. */
  text(name: string): string | undefined {
    return this.#attributes.get(name);
  }

  /** False when it is missing. */
  flag(name: string): boolean {
    const value = this.text(name);
    if (value === undefined || value === "false" || value === "0") return false;
    if (value === "true" || value === "1") return true;
    throw this.wrong(name, "true, false, 1 and 0 are allowed");
  }

  /** One of these words; undefined when it is missing. */
  word<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.text(name);
    const found = words.find((word) => word === value);
    if (value === undefined || found !== undefined) return found;
    throw this.wrong(name, `${words.join(", ")} are allowed`);
  }

  /** A whole number within the range; undefined when it is missing. */
  wholeNumber(
    name: string,
    { min, max }: { readonly min: number; readonly max: number },
  ): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^[0-9]+$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw this.wrong(name, `a whole number from ${min} to ${max} is allowed`);
  }

  /** The error for a value that is not allowed. */
  wrong(name: string, allowed: string): Error {
    return invalid(`attribute ${name}=${shown(this.text(name) ?? "")}: ${allowed}`);
  }
}

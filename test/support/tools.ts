/**
 * False with `CI` set: there everything has to be installed, so that nothing is left out, and a test fails for want of
 * what it needs.
 */
export const mayBeMissing = process.env.CI === undefined;

/** The first of these programs that is not installed where that may be; undefined when there is none such. */
export function missingTool(...programs: readonly string[]): string | undefined {
  return mayBeMissing ? programs.find((program) => Bun.which(program) === null) : undefined;
}

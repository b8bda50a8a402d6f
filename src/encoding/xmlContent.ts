/** stub */
export function asElements(text: string): string | null {
  return text;
}

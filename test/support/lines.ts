export interface Lines {
  /** The whole lines so far. */
  lines(): string[];
}

/** Reads a stream to its end, so that its writer never blocks, and keeps its lines. */
export function collectLines(stream: ReadableStream<Uint8Array>): Lines {
  const whole: string[] = [];
  let rest = "";
  const decoder = new TextDecoder();
  const read = async () => {
    for await (const chunk of stream) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      whole.push(...parts);
    }
    if (rest !== "") whole.push(rest);
  };
  // A stream that breaks has ended: what was read until then stays.
  read().catch(() => undefined);
  return { lines: () => [...whole] };
}

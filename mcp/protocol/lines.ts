/** One line of input: its text, or that it was longer than allowed and thrown away (MCP-2). */
export type InputLine = { readonly text: string } | { readonly tooLong: true };

/** Longest line accepted, in bytes (MCP-2). */
const maxLineBytes = 4 * 1024 * 1024;

/**
 * The lines of a byte stream, without their ends. Of a line above the bound nothing is kept.
 *
 * Ends with the stream; a last line without newline counts.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number = maxLineBytes,
): AsyncGenerator<InputLine, void, undefined> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const take = (): InputLine => {
    const line: InputLine = length > maxBytes ? { tooLong: true } : { text: decode(parts) };
    parts = [];
    length = 0;
    return line;
  };
  const keep = (part: Uint8Array) => {
    length += part.length;
    if (length > maxBytes) parts = [];
    else parts.push(part);
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      keep(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    keep(chunk.slice(start));
  }
  if (length > 0) yield take();
}

function decode(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  const text = parts.map((part) => decoder.decode(part, { stream: true })).join("");
  return (text + decoder.decode()).replace(/\r$/, "");
}

const CHUNK_BYTES = 64 * 1024;

/**
 * All that is left to read, as one piece.
 *
 * @throws {RangeError} beyond `maxBytes`, checked while reading: a pipe has no size.
 */
export async function readBounded(
  file: { read(buffer: Uint8Array): Promise<number | null> },
  maxBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let count = await file.read(buffer); count !== null;) {
    total += count;
    if (total > maxBytes) throw new RangeError(`larger than ${maxBytes} bytes`);
    chunks.push(buffer.slice(0, count));
    count = await file.read(buffer);
  }
  const whole = new Uint8Array(total);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** Source of random bytes; tests pass a deterministic one. */
export type RandomBytes = (length: number) => Uint8Array<ArrayBuffer>;

/** Random bytes of the operating system. */
export const systemRandomBytes: RandomBytes = (length) =>
  crypto.getRandomValues(new Uint8Array(length));

const serialLength = 16;

/**
 * A certificate serial as lower-case hexadecimal text: 126 random bits, positive, of fixed length
 * (journal.md 9.5 asks for 64 or more; RFC 5280 4.1.2.2 allows 20 bytes).
 */
export function randomSerialHex(randomBytes: RandomBytes): string {
  const bytes = randomBytes(serialLength);
  const first = bytes[0] ?? 0;
  // The top bit would make the number negative; the next one keeps the first byte from being zero.
  bytes[0] = (first & 0x7f) | 0x40;
  return bytes.toHex();
}

/**
 * The form in which serials are stored and compared: lower-case hexadecimal without the zero bytes
 * that DER puts in front.
 */
export function normalizeSerialHex(serialHex: string): string {
  const digits = serialHex.toLowerCase().replaceAll(":", "").replace(/^0+/, "");
  return digits.length % 2 === 0 ? digits : "0" + digits;
}

import { ShimError } from "./shim_error.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A text as C wants it: UTF-8 with a NUL at the end. Throws EINVAL when it holds a NUL itself. */
export function cText(text: string, operation: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw ShimError.of("EINVAL", operation, JSON.stringify(text));
  return encoder.encode(`${text}\0`);
}

/** Bytes as they are, a text as UTF-8. The copy of a view keeps a later call on another thread from
 * seeing what the caller does to its buffer. */
export function bytesOf(data: Uint8Array | string): Uint8Array<ArrayBuffer> {
  return typeof data === "string" ? encoder.encode(data) : new Uint8Array(data);
}

/** UTF-8 to text; bytes that are none become U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Splits NUL-terminated texts. */
export function textsOf(bytes: Uint8Array): string[] {
  return textOf(bytes).split("\0").slice(0, -1);
}

/** An id, or what chown(2) takes for "leave it" where none is given. */
export function idOrUnchanged(id: number | undefined): number {
  return id ?? 0xffff_ffff;
}

import { TlsError } from "./error.ts";

/** One element of a DER encoding (ITU-T X.690): its tag and where its content is. */
export interface DerElement {
  readonly tag: number;
  /** The content, a view of the bytes read from. */
  readonly content: Uint8Array;
}

/** Tags of what certificates are made of. */
export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** `[0]`, constructed. */
  contextConstructed0: 0xa0,
} as const;

const longForm = 0x80;
const multiByteTag = 0x1f;
/** Content lengths take three bytes at most: more than any certificate has. */
const maxLengthBytes = 3;

/**
 * Reads elements one after the other, strictly: one-byte tags, lengths in their shortest form, none
 * beyond the end.
 */
export class DerReader {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  /** The tag of the next element; undefined at the end. */
  get nextTag(): number | undefined {
    return this.bytes[this.#at];
  }

  /** @throws TlsError INVALID_CERTIFICATE when there is none or it is not DER. */
  next(): DerElement {
    const tag = this.#byte();
    if ((tag & multiByteTag) === multiByteTag) throw malformed("a tag of several bytes");
    const length = this.#length();
    const start = this.#at;
    if (length > this.bytes.length - start) throw malformed("an element beyond the end");
    this.#at += length;
    return { tag, content: this.bytes.subarray(start, start + length) };
  }

  /** The content of the next element, which must have this tag. */
  expect(tag: number): Uint8Array {
    const element = this.next();
    if (element.tag !== tag) throw malformed(`tag ${element.tag} where ${tag} is due`);
    return element.content;
  }

  /** A reader of the next element's content, which must have this tag. */
  enter(tag: number): DerReader {
    return new DerReader(this.expect(tag));
  }

  /** Skips the next element if it has this tag. */
  skip(tag: number): void {
    if (this.nextTag === tag) this.next();
  }

  /** All elements that are left. */
  *rest(): Generator<DerElement> {
    while (!this.isAtEnd) yield this.next();
  }

  #byte(): number {
    const byte = this.bytes[this.#at];
    if (byte === undefined) throw malformed("an end too early");
    this.#at++;
    return byte;
  }

  #length(): number {
    const first = this.#byte();
    if (first < longForm) return first;
    const count = first - longForm;
    if (count === 0 || count > maxLengthBytes) throw malformed("an unusual length");
    let length = 0;
    for (let read = 0; read < count; read++) length = length * 256 + this.#byte();
    if (length < longForm || length < 256 ** (count - 1)) throw malformed("a length too long");
    return length;
  }
}

/** Says what is wrong with a certificate's encoding. */
export function malformed(what: string): TlsError {
  return new TlsError("INVALID_CERTIFICATE", `the certificate has ${what}`);
}

/** An element with these contents one after the other. */
export function derElement(
  tag: number,
  ...contents: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  const length = contents.reduce((sum, { length }) => sum + length, 0);
  const lengthBytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) lengthBytes.unshift(rest % 256);
  const head = length < longForm
    ? [tag, length]
    : [tag, longForm + lengthBytes.length, ...lengthBytes];
  const element = new Uint8Array(head.length + length);
  element.set(head);
  let at = head.length;
  for (const content of contents) {
    element.set(content, at);
    at += content.length;
  }
  return element;
}

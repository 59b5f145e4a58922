import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/**
 * One message of google/protobuf/descriptor.proto, its fields found but not read: what is inside of a
 * field is decoded by who asks for it.
 */
export class ProtoSlices {
  readonly #texts = new Map<number, Uint8Array[]>();
  readonly #numbers = new Map<number, number>();

  constructor(bytes: Uint8Array) {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      if (wireType === WireType.LengthDelimited) this.#add(number, reader.bytes());
      else if (wireType === WireType.Varint) this.#numbers.set(number, reader.int32());
      else reader.skip(wireType, number);
    }
  }

  /** A field with a length: the last of this number, as it is read where there is to be one. */
  bytes(number: number): Uint8Array | undefined {
    return this.#texts.get(number)?.at(-1);
  }

  /** Every field with a length under this number. */
  all(number: number): readonly Uint8Array[] {
    return this.#texts.get(number) ?? [];
  }

  /** A text, "" where there is none. */
  text(number: number): string {
    const bytes = this.bytes(number);
    return bytes === undefined ? "" : decoder.decode(bytes);
  }

  /** A whole number, an enum's or a truth value; undefined where there is none. */
  number(number: number): number | undefined {
    return this.#numbers.get(number);
  }

  isSet(number: number): boolean {
    return this.#numbers.get(number) === 1;
  }

  /** The options of an element, which stand under `number`. */
  options(number: number): ProtoSlices {
    const bytes = this.bytes(number);
    return bytes === undefined ? NONE : new ProtoSlices(bytes);
  }

  #add(number: number, bytes: Uint8Array): void {
    const known = this.#texts.get(number);
    if (known === undefined) this.#texts.set(number, [bytes]);
    else known.push(bytes);
  }
}

const decoder = new TextDecoder();
const NONE = new ProtoSlices(new Uint8Array());

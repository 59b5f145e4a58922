/**
 * One message of google/protobuf/descriptor.proto, as a part of a file's bytes, one character each. Its
 * fields are found when somebody asks for one of them, and what is inside of a field when somebody asks
 * for that: a program uses few of the messages that it knows.
 */
export class ProtoSlices {
  /** By threes: number, begin and end of a field with a length; or number, value and -1. */
  #found: readonly number[] | undefined;

  constructor(
    private readonly bytes: string,
    private readonly from = 0,
    private readonly to = bytes.length,
  ) {}

  /** Every field with a length under this number. */
  all(number: number): ProtoSlices[] {
    const found = this.#fields;
    const slices: ProtoSlices[] = [];
    for (let at = 0; at < found.length; at += 3) {
      const [begin = 0, end = 0] = [found[at + 1], found[at + 2]];
      if (found[at] === number && end >= 0) slices.push(new ProtoSlices(this.bytes, begin, end));
    }
    return slices;
  }

  /** A text, which is ASCII in descriptors; "" where there is none. */
  text(number: number): string {
    const found = this.#fields;
    for (let at = 0; at < found.length; at += 3) {
      if (found[at] === number) return this.bytes.slice(found[at + 1], found[at + 2]);
    }
    return "";
  }

  /** A whole number, an enum's or a truth value; undefined where there is none. */
  number(number: number): number | undefined {
    const found = this.#fields;
    for (let at = 0; at < found.length; at += 3) {
      if (found[at] === number && found[at + 2] === -1) return found[at + 1];
    }
    return undefined;
  }

  isSet(number: number): boolean {
    return this.number(number) === 1;
  }

  /** The options of an element, which stand under `number`. */
  options(number: number): ProtoSlices {
    return this.all(number)[0] ?? NONE;
  }

  get #fields(): readonly number[] {
    return this.#found ??= this.#find();
  }

  #find(): readonly number[] {
    const found: number[] = [];
    let at = this.from;
    const varint = () => {
      let value = 0;
      let scale = 1;
      // Ends with the first byte below 128, or with the text, whose end gives none.
      for (let byte = 128; byte >= 128; scale *= 128) {
        byte = this.bytes.charCodeAt(at++);
        value += (byte & 127) * scale;
      }
      return value;
    };
    while (at < this.to) {
      const tag = varint();
      const number = Math.floor(tag / 8);
      if (tag % 8 === 2) {
        const length = varint();
        found.push(number, at, at + length);
        at += length;
      } else if (tag % 8 === 0) found.push(number, varint(), -1);
      else throw new Error(`a descriptor with a field ${number} of wire type ${tag % 8}`);
    }
    return found;
  }
}

const NONE = new ProtoSlices("");

/** Inputs made of good ones by breaking them, and of nothing at all. */

const MAX_BYTES = 64 * 1024;

/** Bytes that parsers look for: ends of ranges, tags, lengths, separators. */
const ODD = [0x00, 0x01, 0x0b, 0x2e, 0x30, 0x3d, 0x7f, 0x80, 0x82, 0x84, 0xa0, 0xff];

/** An input: a broken copy of one of `corpus`, noise, something far too long, or nested deeply. */
export function fuzzedInput(corpus: readonly Uint8Array[], random: () => number): Uint8Array {
  const kind = random();
  if (kind < 0.06 || corpus.length === 0) return noise(Math.floor(random() * 80), random);
  const sample = corpus[Math.floor(random() * corpus.length)] ?? new Uint8Array();
  if (kind < 0.065) return repeated(sample, random);
  if (kind < 0.07) return nested(random);
  let bytes: Uint8Array = sample.slice();
  for (let left = 1 + Math.floor(random() * 4); left > 0; left--) {
    bytes = mutated(bytes, corpus, random);
  }
  return bytes;
}

function mutated(
  bytes: Uint8Array,
  corpus: readonly Uint8Array[],
  random: () => number,
): Uint8Array {
  if (bytes.length === 0) return noise(8, random);
  const at = Math.floor(random() * bytes.length);
  switch (Math.floor(random() * 7)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      return bytes;
    case 1:
      bytes[at] = ODD[Math.floor(random() * ODD.length)] ?? 0;
      return bytes;
    case 2:
      return bytes.slice(0, at);
    case 3:
      return joined(
        bytes.subarray(0, at),
        noise(1 + Math.floor(random() * 8), random),
        bytes.subarray(at),
      );
    case 4:
      return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + Math.floor(random() * 8)));
    case 5: {
      const end = at + Math.floor(random() * 32);
      return joined(bytes.subarray(0, end), bytes.subarray(at));
    }
    default: {
      const other = corpus[Math.floor(random() * corpus.length)] ?? bytes;
      return joined(bytes.subarray(0, at), other.subarray(Math.floor(random() * other.length)));
    }
  }
}

function noise(length: number, random: () => number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = Math.floor(random() * 256);
  return bytes;
}

function repeated(sample: Uint8Array, random: () => number): Uint8Array {
  return filled(sample, Math.floor(random() * MAX_BYTES));
}

/** Beginnings without ends: groups of protobuf, sequences of DER, lists and objects of JSON. */
const OPENINGS: readonly Uint8Array[] = [
  [0x0b],
  [0x0a, 0x7f],
  [0x30, 0x80],
  [0x5b],
  [...new TextEncoder().encode('{"a":')],
].map((bytes) => Uint8Array.from(bytes));

function nested(random: () => number): Uint8Array {
  const opening = OPENINGS[Math.floor(random() * OPENINGS.length)] ?? new Uint8Array(1);
  return filled(opening, Math.floor(random() * MAX_BYTES));
}

/** A pattern again and again, up to a length. */
function filled(pattern: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(pattern.subarray(0, length));
  for (let end = Math.max(1, pattern.length); end < length; end *= 2) bytes.copyWithin(end, 0, end);
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const length = Math.min(MAX_BYTES, parts.reduce((sum, part) => sum + part.length, 0));
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    const fitting = part.subarray(0, length - at);
    bytes.set(fitting, at);
    at += fitting.length;
  }
  return bytes;
}

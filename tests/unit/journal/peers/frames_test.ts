import assert from "node:assert/strict";
import fc from "fast-check";
import { CodecError, type Frame, framed, FrameReader } from "../../../../journal/peers/mod.ts";

/** Hands over the bytes in pieces of these lengths, again and again. */
function read(reader: FrameReader, bytes: Uint8Array, lengths: readonly number[]): Frame[] {
  const frames: Frame[] = [];
  let piece = 0;
  for (let at = 0; at < bytes.length;) {
    const end = at + (lengths[piece++ % lengths.length] ?? 1);
    reader.push(bytes.slice(at, end));
    at = end;
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame);
  }
  return frames;
}

Deno.test("demand 3: frames arrive whole and in order, in whatever pieces their bytes do", () => {
  const frame = fc.record(
    { kind: fc.nat(255), body: fc.uint8Array({ maxLength: 300 }) },
    { noNullPrototype: true },
  );
  const lengths = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 });
  fc.assert(fc.property(fc.array(frame), lengths, (sent, pieces) => {
    const bytes = Uint8Array.from(sent.flatMap(({ kind, body }) => [...framed(kind, body)]));
    assert.deepEqual(read(new FrameReader(300), bytes, pieces), sent);
  }));
});

Deno.test("demand 3: a frame that is too long is refused by its head, before its body is waited for", () => {
  const reader = new FrameReader(10);
  reader.push(framed(1, new Uint8Array(10)));
  assert.equal(reader.next()?.body.length, 10);
  reader.push(framed(1, new Uint8Array(11)).slice(0, 4));
  assert.equal(reader.next(), undefined);
  reader.push(framed(1, new Uint8Array(11)).slice(4, 5));
  assert.throws(() => reader.next(), CodecError);
});

Deno.test("demand 3: what a frame holds is a copy to whoever slices it, also from a Buffer", () => {
  const reader = new FrameReader(10);
  const received = Buffer.from(framed(1, new Uint8Array([1, 2, 3])));
  reader.push(received);
  const kept = reader.next()?.body.slice();
  received.fill(0);
  assert.deepEqual(kept, new Uint8Array([1, 2, 3]));
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { stream } from "../../../../api/mod.ts";
import { BootStreamError, readBootStream } from "../../../../agent/link/mod.ts";

type Chunk = NonNullable<MessageInitShape<typeof stream.ConfigChunkSchema>["chunk"]>;

const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");
const DOCUMENT = new TextEncoder().encode(
  JSON.stringify({ format: 1, vcluster: "ml", version: 7, built_from_sequence: 6 }),
);
const COMPRESSED = new Uint8Array(zstdCompressSync(DOCUMENT));
const HALF = COMPRESSED.length >> 1;

/** One part of the overlay, as a well-behaved journal sends it. */
function part(
  index: number,
  change: Partial<Omit<stream.OverlayChunk, "$typeName" | "$unknown">> = {},
): Chunk {
  return {
    case: "baseOverlay",
    value: {
      version: 7n,
      data: index === 0 ? COMPRESSED.subarray(0, HALF) : COMPRESSED.subarray(HALF),
      chunkIndex: index,
      totalChunks: 2,
      checksum: sha256(DOCUMENT),
      ...change,
    },
  };
}

const NO_DELTAS = new TextEncoder().encode("[]");
const delta = (data: Uint8Array = NO_DELTAS, checksum = sha256(data)): Chunk => ({
  case: "nodeDelta",
  value: { data, checksum },
});
const END: Chunk = { case: "complete", value: { baseVersion: 7n, nextSequence: 9n } };

async function read(...chunks: Chunk[]) {
  async function* messages() {
    for (const chunk of chunks) {
      yield await Promise.resolve(create(stream.ConfigChunkSchema, { chunk }));
    }
  }
  return await readBootStream(messages());
}

Deno.test("BTS-8: parts in order make the document; the end says where to go on", async () => {
  const { overlay, overlayVersion, deltas, nextSequence } = await read(
    part(0),
    part(1),
    delta(),
    END,
  );
  assert.equal(overlay?.vcluster, "ml");
  assert.deepEqual([overlayVersion, deltas, nextSequence], [7, [], 9]);
});

Deno.test("BOOT-5: without an overlay the one the node has is still the newest", async () => {
  const { overlay, overlayVersion } = await read(delta(), END);
  assert.deepEqual([overlay, overlayVersion], [undefined, 7]);
});

const BAD: readonly (readonly [string, readonly Chunk[], RegExp])[] = [
  ["whose parts are out of order", [part(1), part(0), END], /chunk 1 came where 0 was due/],
  ["with a part twice", [part(0), part(0), END], /chunk 0 came where 1 was due/],
  ["with a part missing", [part(0), END], /1 of 2 overlay chunks came/],
  [
    "of two lengths",
    [part(0), part(1, { totalChunks: 3 }), END],
    /chunk 1 came where 1 was due/,
  ],
  ["of two versions", [part(0), part(1, { version: 8n }), END], /two versions/],
  ["of two documents", [part(0), part(1, { checksum: "0" }), END], /two versions/],
  [
    "whose checksum is another's",
    [part(0, { checksum: "0" }), part(1, { checksum: "0" }), END],
    /overlay checksum mismatch/,
  ],
  ["whose delta is damaged", [part(0), part(1), delta(NO_DELTAS, "0"), END], /node delta checksum/],
  [
    "whose delta is no list of entries",
    [delta(new TextEncoder().encode('[{"entry_type":"Commit"}]')), END],
    /node delta 0/,
  ],
  ["that just ends", [part(0), part(1), delta()], /ended before its completion/],
  [
    "that is larger than it may be",
    [part(0, { data: new Uint8Array(11 * 1024 * 1024) }), END],
    /larger than it may be/,
  ],
];

for (const [what, chunks, reason] of BAD) {
  Deno.test(`BTS-8: nothing is used of a boot stream ${what}`, async () => {
    await assert.rejects(read(...chunks), (error) => {
      assert.ok(error instanceof BootStreamError, String(error));
      assert.match(error.message, reason);
      return true;
    });
  });
}

Deno.test("BTS-8: an overlay that unpacks to more than 10 MiB is not unpacked", async () => {
  const bomb = new Uint8Array(zstdCompressSync(new Uint8Array(64 * 1024 * 1024)));
  await assert.rejects(read(part(0, { data: bomb, totalChunks: 1 }), END));
});

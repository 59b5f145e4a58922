import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import { config, type stream } from "../../../../api/mod.ts";
import { EntrySchema, OverlayDocumentSchema } from "../../../../common/model/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import {
  all,
  type JournalClients,
  type JournalSite,
  openJournalSite,
  refusalOf,
} from "../../../support/journal/mod.ts";

const { EntryType, DeltaAction } = config;

/** Declares a sysctl key, in the vCluster `ml` or on a node. */
async function declare(
  clients: JournalClients,
  key: string,
  value: string,
  { node, ttlSeconds }: { node?: string; ttlSeconds?: number } = {},
): Promise<number> {
  const { sequence } = await clients.config.appendEntry({
    entry: {
      entryType: EntryType.COMMIT,
      scope: node === undefined
        ? { scope: { case: "vclusterId", value: "ml" } }
        : { scope: { case: "nodeId", value: node } },
      stateDelta: { kernel: [{ key, action: DeltaAction.MODIFY, declaredValue: value }] },
      ...(ttlSeconds === undefined ? {} : { ttl: { seconds: BigInt(ttlSeconds) } }),
    },
  });
  return Number(sequence);
}

/** A boot stream taken apart; checks order, chunk numbers and checksums on the way. */
async function boot(
  { boot }: JournalClients,
  request: { nodeId: string; vclusterId: string; lastKnownVersion?: bigint },
) {
  const chunks = await all(boot.streamBootConfig(request));
  const overlay: stream.OverlayChunk[] = [];
  let delta: stream.NodeDelta | undefined;
  let complete: stream.ConfigComplete | undefined;
  for (const { chunk } of chunks) {
    assert.equal(complete, undefined, "nothing follows the completion");
    if (chunk.case === "baseOverlay") {
      assert.equal(delta, undefined, "the overlay comes before the delta");
      overlay.push(chunk.value);
    } else if (chunk.case === "nodeDelta") delta = chunk.value;
    else if (chunk.case === "complete") complete = chunk.value;
  }
  assert.ok(complete !== undefined, "a boot stream ends with its completion");
  return { overlay, delta, complete, document: documentOf(overlay) };
}

function documentOf(chunks: readonly stream.OverlayChunk[]) {
  const [first] = chunks;
  if (first === undefined) return undefined;
  for (const [index, chunk] of chunks.entries()) {
    assert.equal(chunk.chunkIndex, index);
    assert.equal(chunk.totalChunks, chunks.length);
    assert.equal(chunk.version, first.version);
    assert.equal(chunk.checksum, first.checksum);
    assert.equal(chunk.vclusterId, first.vclusterId);
    if (index < chunks.length - 1) assert.equal(chunk.data.length, 65_536);
  }
  const text = zstdDecompressSync(joined(chunks.map(({ data }) => data)));
  assert.equal(createHash("sha256").update(text).digest("hex"), first.checksum);
  return OverlayDocumentSchema.parse(JSON.parse(text.toString("utf8")));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

async function siteWithNode(
  options?: Parameters<typeof openJournalSite>[0],
): Promise<{ site: JournalSite; ann: JournalClients; n1: JournalClients }> {
  const site = await openJournalSite(options);
  return { site, ann: await site.as(), n1: await site.node("n1", "ml") };
}

Deno.test("BOOT-1, BOOT-2: the overlay comes in numbered zstd chunks under one checksum, then the delta, then the end", async () => {
  const { site, ann, n1 } = await siteWithNode();
  await using _site = site;
  await declare(ann, "vm.swappiness", "10");
  // Random text hardly shrinks: several chunks.
  for (let index = 0; index < 12; index++) {
    await declare(ann, `test.${index}`, randomBytes(12_000).toString("base64"));
  }
  const sequence = await declare(ann, "vm.swappiness", "20", { node: "n1" });
  const { overlay, document, delta, complete } = await boot(n1, { nodeId: "n1", vclusterId: "ml" });
  assert.ok(overlay.length > 1);
  assert.equal(document?.sysctl["vm.swappiness"], "10");
  assert.equal(complete.baseVersion, overlay[0]?.version);
  assert.equal(delta?.nodeId, "n1");
  assert.equal(delta?.version, BigInt(sequence));
  assert.equal(complete.nodeVersion, BigInt(sequence));
  const bytes = delta?.data ?? new Uint8Array();
  assert.equal(createHash("sha256").update(bytes).digest("hex"), delta?.checksum);
  const entries = EntrySchema.array().parse(JSON.parse(new TextDecoder().decode(bytes)));
  assert.deepEqual(entries.map((entry) => entry.sequence), [sequence]);
});

Deno.test("BOOT-3, BOOT-4: without a delta of its own a node gets none, and node version 0", async () => {
  const { site, ann, n1 } = await siteWithNode();
  await using _site = site;
  await declare(ann, "a", "1");
  const { delta, complete } = await boot(n1, { nodeId: "n1", vclusterId: "ml" });
  assert.equal(delta, undefined);
  assert.equal(complete.nodeVersion, 0n);
  assert.ok(complete.timestamp !== undefined);
});

Deno.test("BOOT-5, ACC-4: a node that knows version 8 gets no overlay again, one that knows 5 does", async () => {
  const { site, ann, n1 } = await siteWithNode();
  await using _site = site;
  for (let version = 1; version <= 8; version++) {
    await declare(ann, "a", String(version));
    // Who asks for the overlay makes it current; changes alone are taken together (OVL-6, OVL-7).
    await ann.config.getOverlay({ vclusterId: "ml" });
  }
  await declare(ann, "b", "own", { node: "n1" });
  const request = { nodeId: "n1", vclusterId: "ml" };
  const { complete } = await boot(n1, request);
  assert.equal(complete.baseVersion, 8n);
  const known = await boot(n1, { ...request, lastKnownVersion: 8n });
  assert.deepEqual(known.overlay, []);
  assert.ok(known.delta !== undefined, "the delta is sent all the same");
  const behind = await boot(n1, { ...request, lastKnownVersion: 5n });
  assert.equal(behind.document?.sysctl["a"], "8");
});

Deno.test("API-51: next_sequence continues where the boot stream ends, while others write", async () => {
  const { site, ann, n1 } = await siteWithNode();
  await using _site = site;
  const written: number[] = [];
  let isWriting = true;
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let index = 0; isWriting; index++) {
      written.push(await declare(ann, `w${writer}.${index}`, String(index)));
    }
  });
  for (let round = 0; round < 15; round++) {
    const { document, complete } = await boot(n1, { nodeId: "n1", vclusterId: "ml" });
    const known = new Set(Object.keys(document?.sysctl ?? {}));
    const stop = new AbortController();
    const after = new Set<string>();
    const newest = await declare(ann, `round.${round}`, "1");
    try {
      const updates = n1.boot.subscribeConfigUpdates({
        nodeId: "n1",
        vclusterId: "ml",
        fromSequence: complete.nextSequence,
      }, { signal: stop.signal });
      for await (const { sequence, update } of updates) {
        assert.ok(sequence >= complete.nextSequence);
        const entry = EntrySchema.parse(JSON.parse(new TextDecoder().decode(update.value)));
        for (const item of entry.state_delta?.kernel ?? []) after.add(item.key);
        if (Number(sequence) >= newest) break;
      }
    } finally {
      stop.abort();
    }
    for await (const entry of ann.config.listEntries({ toSequence: BigInt(newest) })) {
      for (const { key } of entry.stateDelta?.kernel ?? []) {
        assert.ok(known.has(key) || after.has(key), `${key} was in neither`);
      }
    }
  }
  isWriting = false;
  await Promise.all(writers);
  assert.ok(written.length > 0);
});

Deno.test("BOOT-6: a node boots as itself, into its own vCluster; a platform admin may look", async () => {
  const { site, ann, n1 } = await siteWithNode();
  await using _site = site;
  await declare(ann, "a", "1");
  await site.register("n2", "ml");
  const wrongNode = await refusalOf(boot(n1, { nodeId: "n2", vclusterId: "ml" }));
  assert.equal(wrongNode.code, "PERMISSION_DENIED");
  const wrongCluster = await refusalOf(boot(n1, { nodeId: "n1", vclusterId: "other" }));
  assert.equal(wrongCluster.code, "PERMISSION_DENIED");
  assert.match(wrongCluster.message, /node n1 is not assigned to other/);
  assert.equal((await boot(ann, { nodeId: "n2", vclusterId: "ml" })).document?.vcluster, "ml");
  const operator = await site.as("pact-ops-ml");
  const refused = await refusalOf(boot(operator, { nodeId: "n1", vclusterId: "ml" }));
  assert.equal(refused.code, "PERMISSION_DENIED");
});

Deno.test("OVL-9, OVL-10: an assigned node without any entry gets an empty overlay, an unassigned one the domain's", async () => {
  await using site = await openJournalSite();
  const assigned = await site.node("n1", "quiet");
  const { document } = await boot(assigned, { nodeId: "n1", vclusterId: "quiet" });
  assert.deepEqual(document?.sysctl, {});
  const unassigned = await site.node("n2");
  const own = await boot(unassigned, { nodeId: "n2", vclusterId: "" });
  assert.equal(own.document?.vcluster, "_domain");
  const ann = await site.as();
  const unknown = await refusalOf(boot(ann, { nodeId: "n1", vclusterId: "nobody" }));
  assert.equal(unknown.code, "NOT_FOUND");
  assert.match(unknown.message, /no overlay for vCluster nobody/);
});

Deno.test("BOOT-7: beyond the limit of streams the next one is told when to come again", async () => {
  const { site, ann, n1 } = await siteWithNode({
    toml: { journal: { streaming: { max_concurrent_boot_streams: 1 } } },
  });
  await using _site = site;
  // More than a stream's window, so that the first stream stays open while it is not read.
  for (let index = 0; index < 40; index++) {
    await declare(ann, `test.${index}`, randomBytes(45_000).toString("base64"));
  }
  const request = { nodeId: "n1", vclusterId: "ml" };
  const stop = new AbortController();
  const slow = n1.boot.streamBootConfig(request, { signal: stop.signal });
  const reader = slow[Symbol.asyncIterator]();
  await reader.next();
  const refusal = await refusalOf(boot(ann, request));
  assert.equal(refusal.code, "BOOT_STREAMS_EXHAUSTED");
  const retryAfterMs = Number(refusal.trailers["retry-after-ms"]);
  assert.ok(retryAfterMs >= 200 && retryAfterMs <= 2000, `retry-after-ms ${retryAfterMs}`);
  stop.abort();
  await waitFor(() => boot(ann, request), { what: "the place to be free again" });
});

Deno.test("BOOT-8: a stream that nobody reads for 30 s gives its place back and ends", async () => {
  const clock = new VirtualClock(Date.now());
  const { site, ann, n1 } = await siteWithNode({
    clock,
    toml: { journal: { streaming: { max_concurrent_boot_streams: 1 } } },
  });
  await using _site = site;
  for (let index = 0; index < 40; index++) {
    await declare(ann, `test.${index}`, randomBytes(45_000).toString("base64"));
  }
  const request = { nodeId: "n1", vclusterId: "ml" };
  const slow = n1.boot.streamBootConfig(request)[Symbol.asyncIterator]();
  await slow.next();
  assert.equal((await refusalOf(boot(ann, request))).code, "BOOT_STREAMS_EXHAUSTED");
  clock.advance(30_000);
  await boot(ann, request);
  const rest = (async () => {
    for (let next = await slow.next(); next.done !== true;) next = await slow.next();
  })();
  assert.equal((await refusalOf(rest)).code, "DEADLINE");
});

/** What a scripted journal sends a node that boots, and the certificate the node shows it. */
import { createHash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { agentport, stream } from "../../../api/mod.ts";
import type { TestPki } from "../test_pki.ts";

/** The whole configuration as a boot stream brings it; `next` is where a subscription goes on. */
export function bootStream(next: bigint): MessageInitShape<typeof stream.ConfigChunkSchema>[] {
  const document = new TextEncoder().encode(
    JSON.stringify({ format: 1, vcluster: "ml", version: 7, built_from_sequence: 0 }),
  );
  const overlay = {
    version: 7n,
    data: new Uint8Array(zstdCompressSync(document)),
    chunkIndex: 0,
    totalChunks: 1,
    checksum: createHash("sha256").update(document).digest("hex"),
  };
  return [
    { chunk: { case: "baseOverlay", value: overlay } },
    { chunk: { case: "complete", value: { baseVersion: 7n, nextSequence: next } } },
  ];
}

/** Node `n1` of vCluster `ml`, enrolled already. */
export async function enrolledIdentity(pki: TestPki): Promise<agentport.NodeIdentity> {
  const { certPem, keyPem } = await pki.agent({ nodeId: "n1" });
  return create(agentport.NodeIdentitySchema, {
    nodeId: "n1",
    domainId: "test",
    vclusterId: "ml",
    certPem,
    keyPem: keyPem.reveal(),
    trustBundlePem: pki.caPem,
  });
}

import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { journal } from "../../../../api/mod.ts";
import { quorumJson, quorumOf } from "../../../../common/cluster/mod.ts";

Deno.test("CLI-55: lag is what a member lacks of what is committed, and unknown where its index is", () => {
  const quorum = quorumOf(create(journal.ClusterStatusResponseSchema, {
    commitIndex: 100n,
    members: [
      { id: 1n, matchIndex: 103n },
      { id: 2n, matchIndex: 90n },
      { id: 3n, matchIndex: 0n },
    ],
  }));
  assert.deepEqual(quorum.members.map(({ lag }) => lag), [0n, 10n, undefined]);
  assert.equal(quorum.leaderId, undefined, "0 is nobody");
  const document = quorumJson(quorum);
  assert.equal(document["leader_id"], null);
  assert.equal(document["cluster_id"], null);
});

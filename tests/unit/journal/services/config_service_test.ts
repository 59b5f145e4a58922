import assert from "node:assert/strict";
import { config } from "../../../../api/mod.ts";
import { LogVerifier } from "../../../../common/verify/mod.ts";
import { all, openJournalSite, refusalOf } from "../../../support/journal/mod.ts";

const { EntryType, DeltaAction } = config;

Deno.test("ACC-1: the first append is sequence 0, and an entry reads back as it was written", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const scope = { scope: { case: "vclusterId", value: "ml" } } as const;
  const first = await ann.config.appendEntry({
    entry: {
      entryType: EntryType.COMMIT,
      scope,
      ttl: { seconds: 3600n },
      stateDelta: {
        kernel: [{
          key: "vm.swappiness",
          action: DeltaAction.MODIFY,
          declaredValue: "10",
          actualValue: "60",
        }],
      },
    },
  });
  assert.equal(first.sequence, 0n);
  assert.equal(first.overlayVersion, 1n);
  const entry = await ann.config.getEntry({ sequence: 0n });
  assert.equal(entry.author?.principal, "ann");
  assert.equal(entry.author?.role, "pact-platform-admin");
  assert.equal(entry.ttl?.seconds, 3600n);
  assert.equal(entry.stateDelta?.kernel[0]?.declaredValue, "10");
  assert.equal(entry.stateDelta?.kernel[0]?.actualValue, "60");
  assert.match(
    (await refusalOf(ann.config.getEntry({ sequence: 99n }))).message,
    /entry 99 not found/,
  );
  const entries = await all(ann.config.listEntries({ scope }));
  assert.deepEqual(entries.map((each) => each.entryType), [
    EntryType.COMMIT,
    EntryType.BOOT_CONFIG,
  ]);
});

Deno.test("API-35: a log can be verified over the API, also by who may not see all of it", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  for (const value of ["ml", "sim", "ml"]) {
    const scope = { scope: { case: "vclusterId", value } } as const;
    await ann.config.appendEntry({ entry: { entryType: EntryType.COMMIT, scope } });
  }
  const request = { includeDocuments: true, includeHidden: true };
  for (const [clients, hides] of [[ann, false], [await site.as("pact-viewer-ml"), true]] as const) {
    const verifier = new LogVerifier();
    for await (
      const { sequence, document, previousHash, hash } of clients.config.listEntries(request)
    ) {
      if (document === "") verifier.hiddenEntry(Number(sequence), previousHash, hash);
      else verifier.entry(JSON.parse(document));
    }
    const { finding, entries, hidden } = verifier.end();
    assert.equal(finding, undefined);
    assert.ok(entries >= 3);
    assert.equal(hidden > 0, hides);
  }
});

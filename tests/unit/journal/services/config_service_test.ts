import assert from "node:assert/strict";
import { config } from "../../../../api/mod.ts";
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

import assert from "node:assert/strict";
import { SnapshotUpkeep } from "../../../../journal/replica/snapshot_upkeep.ts";
import { SnapshotStore } from "../../../../journal/snapshots/mod.ts";
import { StateStore } from "../../../../journal/store/mod.ts";
import { tempDir } from "../../../support/mod.ts";

/** Bytes of log, of the first snapshot's weight, that a member with this draw lets pass. */
async function partsUntilSecond(draw: number): Promise<number> {
  await using directory = await tempDir();
  const statePath = `${directory.path}/state.db`;
  const snapshots = new SnapshotStore(`${directory.path}/snapshots`);
  const store = new StateStore(statePath);
  let made = 0;
  const upkeep = new SnapshotUpkeep({
    snapshots,
    statePath,
    interval: 10,
    random: () => draw,
    flush: () => {
      store.commit();
      made++;
    },
    onMade: () => Promise.resolve(),
    onError: (error) => {
      throw error;
    },
  });
  try {
    upkeep.applied(10, 1);
    await upkeep.request();
    assert.equal(made, 1);
    const weight = snapshots.kept[0]?.file.bytes ?? NaN;
    // A file's size is a multiple of eight, so no part of it is rounded.
    let eighths = 0;
    while (made === 1 && eighths < 80) {
      upkeep.applied(10, weight / 8);
      eighths++;
    }
    return eighths / 8;
  } finally {
    await upkeep.stop();
    store.close();
  }
}

Deno.test("JRN-51: the next snapshot waits until the log weighs more than the last, and not all members make theirs at once", async () => {
  assert.deepEqual(await Promise.all([0, 0.5, 0.99].map(partsUntilSecond)), [1.5, 2, 2.5]);
});

import assert from "node:assert/strict";
import { Gathering } from "../../../../journal/quorum/mod.ts";

/** A member's gathering, and the facts that it goes by. */
class Rig {
  readonly site = { isLeader: true, diskWork: 0, commitIndex: 0 };
  readonly gathering = new Gathering({
    member: this.site,
    isLeader: () => this.site.isLeader,
    diskWork: () => this.site.diskWork,
  });
}

Deno.test("a leader's next batch waits until a majority holds the one before, unless it is full", () => {
  const { site, gathering } = new Rig();
  assert.ok(gathering.isReady(5, 20), "the first waits for nobody");
  gathering.appended(20);
  assert.ok(!gathering.isReady(5, 20));
  assert.ok(gathering.isReady(128, 20));
  site.commitIndex = 20;
  assert.ok(gathering.isReady(5, 20));
});

Deno.test("a follower gathers while its own writes or its disk are under way, and no full batch waits", () => {
  const { site, gathering } = new Rig();
  site.isLeader = false;
  assert.ok(gathering.isReady(1, 0));
  assert.ok(!gathering.isReady(1, 1));
  site.diskWork = 1;
  assert.ok(!gathering.isReady(1, 0));
  assert.ok(gathering.isReady(128, 1));
  site.diskWork = 2;
  assert.ok(!gathering.isReady(128, 0), "unless the disk does not keep up");
});

Deno.test("a follower's answer takes along what has come meanwhile, though older writes are under way", () => {
  const { site, gathering } = new Rig();
  site.isLeader = false;
  const along = () => {
    let isReady = false;
    gathering.whileAnswering(() => {
      isReady = gathering.isReady(1, 7);
    });
    return isReady;
  };
  assert.ok(along());
  assert.ok(!gathering.isReady(1, 7), "and nothing that comes later");
  site.diskWork = 1;
  assert.ok(!along(), "the next answer is not far");
});

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type MountContext,
  mountCount,
  type MountEffect,
  type MountEvent,
  type MountState,
  reconstructMounts,
  recordMount,
  stepMount,
  UNMOUNTED,
} from "../../../../contracts/mod.ts";

const CONTEXT: MountContext = {
  handle: { imagePath: "/i/a.sqfs", mountPoint: "/run/pact/uenv/a" },
  holdTimeMs: 100,
};

/** A node with one image: what the kernel has mounted, who lives, and the machine beside it. */
class Node {
  state: MountState = UNMOUNTED;
  nowMs = 0;
  isMounted = false;
  pending: ("mount" | "unmount")[] = [];
  /** Allocations that were granted the mount and have not let go. */
  readonly live = new Set<string>();

  send(event: MountEvent): void {
    const step = stepMount(this.state, event, this.nowMs, CONTEXT);
    this.state = step.state;
    step.effects.forEach((effect) => this.perform(effect));
  }

  perform(effect: MountEffect): void {
    if (effect.type === "mount" || effect.type === "unmount") this.pending.push(effect.type);
    if (effect.type === "grant") {
      assert.ok(this.isMounted, "granted what is not mounted");
      this.live.add(effect.allocationId);
    }
    if (effect.type === "unmount") assert.equal(this.live.size, 0, "unmount with a reference");
  }

  /** The kernel finishes what was asked of it first. */
  finish(isGood: boolean): void {
    const job = this.pending.shift();
    if (job === "mount") {
      this.isMounted ||= isGood;
      this.send(isGood ? { type: "mounted" } : { type: "mountFailed", reason: "EIO" });
    } else if (job === "unmount") {
      assert.equal(this.live.size, 0, "unmounted with a reference");
      if (isGood) this.isMounted = false;
      this.send(isGood ? { type: "unmounted" } : { type: "unmountBusy", holders: "1(a)" });
    }
  }

  release(allocationId: string): void {
    this.live.delete(allocationId);
    this.send({ type: "release", allocationId });
  }

  /** The agent dies; `dead` allocations end meanwhile; the mount may be lost; it comes back. */
  crash(dead: readonly string[], isLost: boolean): void {
    const record = recordMount(CONTEXT.handle, this.state);
    this.pending = [];
    for (const id of dead) this.live.delete(id);
    if (isLost) this.isMounted = false;
    const recorded = record === null ? [] : [record];
    const facts = {
      observed: this.isMounted ? [CONTEXT.handle] : [],
      liveAllocations: this.live,
      recorded,
      holdTimeMs: CONTEXT.holdTimeMs,
      nowMs: this.nowMs,
    };
    const [found] = reconstructMounts(facts);
    this.state = found?.state ?? UNMOUNTED;
    this.assertStable(facts, found?.state ?? UNMOUNTED);
    found?.effects.forEach((effect) => this.perform(effect));
    // A vanished mount that allocations still use is mounted again before anything else.
    if (this.state.name === "Mounting") this.finish(true);
  }

  /** MT-6: running it twice changes nothing. */
  assertStable(facts: Parameters<typeof reconstructMounts>[0], state: MountState): void {
    const record = recordMount(CONTEXT.handle, state);
    const again = reconstructMounts({
      ...facts,
      observed: state.name === "Unmounted" ? [] : [CONTEXT.handle],
      recorded: record === null ? [] : [record],
    });
    const settled = state.name === "Mounting" ? { name: "Mounted", holders: state.waiters } : state;
    assert.deepEqual(again[0]?.state ?? UNMOUNTED, settled);
    const corrections = again.flatMap(({ effects }) => effects)
      .filter(({ type }) => type === "audit" || type === "mount");
    assert.deepEqual(corrections, []);
  }

  assertConsistent(): void {
    const holders = this.state.name === "Mounted" ? this.state.holders : [];
    assert.deepEqual([...holders].sort(), [...this.live].sort());
    assert.equal(mountCount(this.state), this.live.size);
    if (this.live.size > 0) assert.ok(this.isMounted, "a reference to nothing");
  }
}

const id = fc.constantFrom("A", "B", "C");
const command = fc.oneof(
  {
    weight: 4,
    arbitrary: id.map((a) => (node: Node) => node.send({ type: "acquire", allocationId: a })),
  },
  { weight: 4, arbitrary: id.map((a) => (node: Node) => node.release(a)) },
  { weight: 4, arbitrary: fc.boolean().map((isGood) => (node: Node) => node.finish(isGood)) },
  {
    weight: 2,
    arbitrary: fc.nat(150).map((ms) => (node: Node) => {
      node.nowMs += ms;
      node.send({ type: "holdExpired" });
    }),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.subarray(["A", "B", "C"]), fc.boolean())
      .map(([dead, isLost]) => (node: Node) => node.crash(dead, isLost)),
  },
);

Deno.test("ACC-N5: through any acquires, releases, failures and crashes the count is the live allocations", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const node = new Node();
      for (const run of commands) {
        run(node);
        node.assertConsistent();
      }
    }),
    { numRuns: 1000 },
  );
});

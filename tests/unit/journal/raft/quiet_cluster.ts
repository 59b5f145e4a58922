import assert from "node:assert/strict";
import {
  EMPTY_MEMBERSHIP,
  type Entry,
  type Message,
  type Snapshot,
} from "../../../../journal/raft/mod.ts";
import { type MemberOptions, TestMember } from "./test_member.ts";

const MAX_ROUNDS = 1000;

/** Members on a network that carries everything in order, except what a test holds back. */
export class QuietCluster {
  readonly members: readonly TestMember[];
  /** What is on its way. */
  network: Message[] = [];
  /** What was carried, in order. */
  readonly carried: Message[] = [];
  readonly applied: { readonly id: number; readonly entry: Entry }[] = [];

  constructor(size: number, options: MemberOptions = {}) {
    const voters = Array.from({ length: size }, (_, at) => at + 1);
    const membership = { ...EMPTY_MEMBERSHIP, voters };
    const base: Snapshot = { index: 1, term: 1, data: new Uint8Array(0), membership };
    this.members = voters.map((id) =>
      new TestMember(
        id,
        base,
        options,
        (member, entry) => this.applied.push({ id: member.id, entry }),
      )
    );
  }

  member(id: number): TestMember {
    return this.members[id - 1] ?? assert.fail(`no member ${id}`);
  }

  /** A cluster with a leader that everybody follows. */
  static led(by: number, size: number, options: MemberOptions = {}): QuietCluster {
    const cluster = new QuietCluster(size, options);
    cluster.member(by).core.campaign();
    cluster.settle();
    assert.equal(cluster.member(by).core.status().role, "leader");
    return cluster;
  }

  /** Works and carries until nothing is left to do; messages that `isLost` are not carried. */
  settle(isLost: (message: Message) => boolean = () => false): void {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      this.work();
      if (this.network.length === 0) return;
      const arriving = this.network.filter((message) => !isLost(message));
      this.network = [];
      for (const message of arriving) {
        this.carried.push(message);
        const to = message.to;
        if (typeof to === "number") this.member(to).core.step(message);
      }
    }
    assert.fail(`nothing settled in ${MAX_ROUNDS} rounds`);
  }

  /** Lets every member do its work, and carries nothing. */
  work(): void {
    for (const member of this.members) {
      for (let round = 0; member.hasWork && round < MAX_ROUNDS; round++) {
        const sent = [
          ...member.processReady(),
          ...member.processAppend(),
          ...member.processApply(),
        ];
        this.network.push(...sent);
      }
    }
  }
}

import assert from "node:assert/strict";
import {
  EMPTY_MEMBERSHIP,
  EMPTY_SNAPSHOT,
  type Entry,
  isStorageThread,
  isVoter,
  membershipOf,
  type Message,
  type SingleChange,
  type Snapshot,
} from "../../../../journal/raft/mod.ts";
import { TestMember, tolerant } from "./test_member.ts";

/** Numbers from 0 up to but without `bound`; the same for the same seed. */
export type Random = (bound: number) => number;

/** A small generator with 32 bits of state (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

export interface ClusterOptions {
  readonly seed: number;
  /** All of them exist from the start; `voters` of them are members. */
  readonly size: number;
  readonly voters: number;
  readonly asyncStorageWrites: boolean;
  readonly quietCommits: boolean;
  readonly changesMembership: boolean;
  readonly stepDownOnRemoval: boolean;
}

const MAX_IN_FLIGHT = 300;
const SETTLE_ROUNDS = 400;

/** Members on a network that loses, doubles and reorders, driven by nothing but a seed. */
export class RandomCluster {
  readonly members: readonly TestMember[];
  readonly #random: Random;
  readonly #options: ClusterOptions;
  #network: Message[] = [];
  #proposals = 0;
  /** Whom nobody hears and who hears nobody; 0 for no one. */
  #isolated = 0;
  readonly #leaders = new Map<number, number>();
  /** What was applied anywhere, by index: the one history there may be. */
  readonly #ledger = new Map<number, Entry>();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#random = seeded(options.seed);
    const voters = Array.from({ length: options.voters }, (_, at) => at + 1);
    const base: Snapshot = {
      index: 1,
      term: 1,
      data: new Uint8Array(0),
      membership: { ...EMPTY_MEMBERSHIP, voters },
    };
    this.members = Array.from({ length: options.size }, (_, at) =>
      new TestMember(
        at + 1,
        at < options.voters ? base : EMPTY_SNAPSHOT,
        {
          random: this.#random,
          electionTicks: 4,
          maxAppendBytes: 60,
          maxInflightMessages: 4,
          maxInflightBytes: 500,
          preVote: options.seed % 2 === 0,
          checkQuorum: options.seed % 3 === 0,
          asyncStorageWrites: options.asyncStorageWrites,
          quietCommits: options.quietCommits,
          stepDownOnRemoval: options.stepDownOnRemoval,
        },
        (member, entry) => this.#noteApplied(member, entry),
      ));
  }

  /** How many entries were applied somewhere. */
  get committed(): number {
    return this.#ledger.size;
  }

  /** Terms that had a leader. */
  get terms(): number {
    return this.#leaders.size;
  }

  run(steps: number): void {
    for (let done = 0; done < steps; done++) {
      this.#act(this.members[this.#random(this.members.length)] ?? assert.fail());
      this.#noteLeaders();
    }
    this.#assertLogsMatch();
  }

  #act(member: TestMember): void {
    const dice = this.#random(100);
    if (dice < 35) this.#send(member.processReady());
    else if (dice < 45) this.#send(member.processAppend());
    else if (dice < 52) this.#send(member.processApply());
    else if (dice < 82) this.#deliverOne();
    else if (dice < 91) member.core.tick();
    else if (dice < 94) this.#propose(member);
    else if (dice < 95) this.#isolated = this.#random(3 * this.members.length);
    else if (dice < 96) member.core.transferLeadership(1 + this.#random(this.members.length));
    else if (dice < 97) member.disk.compact(member.state);
    else if (dice < 98) member.restart();
    else if (this.#options.changesMembership) this.#proposeChange(member);
    else member.core.forgetLeader();
  }

  #send(messages: readonly Message[]): void {
    for (const message of messages) {
      if (this.#random(10) === 0) {
        this.#report(message, false);
        continue;
      }
      this.#network.push(message);
      if (this.#random(20) === 0) this.#network.push(message);
    }
    // A network that is full loses the oldest.
    const lost = this.#network.splice(0, Math.max(0, this.#network.length - MAX_IN_FLIGHT));
    for (const message of lost) this.#report(message, false);
  }

  /** A transport tells what became of a snapshot: until then nothing else is sent there. */
  #report({ type, from, to }: Message, isDelivered: boolean): void {
    if (type !== "Snap" || isStorageThread(to)) return;
    const sender = this.members.find(({ id }) => id === from) ?? assert.fail();
    sender.core.reportSnapshot(to, isDelivered);
  }

  #deliverOne(): void {
    const [message] = this.#network.splice(this.#random(this.#network.length), 1);
    if (message === undefined) return;
    const { from, to } = message;
    if (from === this.#isolated || to === this.#isolated) this.#report(message, false);
    else this.#deliver(message);
  }

  #deliver(message: Message): void {
    const member = this.members.find(({ id }) => id === message.to) ?? assert.fail();
    tolerant(() => member.core.step(message));
    this.#report(message, true);
  }

  #propose({ core }: TestMember): void {
    const data = new Uint8Array([++this.#proposals % 256, this.#proposals >> 8, 0, 0]);
    tolerant(() => core.propose(data));
  }

  /**
   * The leader proposes some changes, of which at most one takes a vote away, and none when there
   * are only two. A member without a vote may keep a longer log than all others; where they need
   * its vote as long as they do not know that it has none, nobody would ever be elected.
   */
  #proposeChange({ core }: TestMember): void {
    const { role, configuration } = core.status();
    if (role !== "leader") return;
    const canLoseVote = configuration.voters.incoming.size > 2;
    const added = Array.from({ length: this.#random(3) }, () => this.#change("add-voter"));
    const lost = canLoseVote && this.#random(2) === 0
      ? [this.#change(this.#random(2) === 0 ? "remove" : "add-learner")]
      : [];
    const transition = this.#random(2) === 0 ? "auto" : "explicit";
    const changes = [...added, ...lost];
    const context = new Uint8Array(0);
    tolerant(() => core.proposeMembershipChange({ transition, changes, context }));
  }

  #change(kind: SingleChange["kind"]): SingleChange {
    return { kind, id: 1 + this.#random(this.members.length) };
  }

  /** Election safety, and leader completeness as far as it can be seen from outside. */
  #noteLeaders(): void {
    for (const { id, core, disk } of this.members) {
      const { role, term } = core.status();
      if (role !== "leader" || this.#leaders.get(term) === id) continue;
      assert.equal(this.#leaders.get(term), undefined, `term ${term} has two leaders`);
      this.#leaders.set(term, id);
      // Its own vote counted only after all of its log was durable.
      for (const [index, entry] of this.#ledger) {
        if (index <= disk.base.index) continue;
        assert.deepEqual(disk.at(index), entry, `leader ${id} of term ${term} lacks ${index}`);
      }
    }
  }

  /** State machine safety: nobody applies anything else at the same place. */
  #noteApplied({ id, state }: TestMember, entry: Entry): void {
    assert.equal(entry.index, state.index + 1, `member ${id} leaves out an entry`);
    const known = this.#ledger.get(entry.index);
    if (known === undefined) this.#ledger.set(entry.index, entry);
    else assert.deepEqual(entry, known, `member ${id} applies another entry ${entry.index}`);
  }

  /** Log matching: two logs with the same entry at a place are the same up to there. */
  #assertLogsMatch(): void {
    for (const { disk: left } of this.members) {
      for (const { disk: right } of this.members) {
        let isSame = false;
        const last = Math.min(left.lastIndex(), right.lastIndex());
        const first = Math.max(left.firstIndex(), right.firstIndex());
        for (let index = last; index >= first; index--) {
          isSame ||= left.term(index) === right.term(index);
          if (isSame) assert.deepEqual(left.at(index), right.at(index), `entry ${index} differs`);
        }
      }
    }
  }

  /** Heals the network and lets time pass: everybody must come to agree on something new. */
  settle(): void {
    const before = Math.max(...this.#ledger.keys(), 0);
    for (let round = 0; round < SETTLE_ROUNDS; round++) {
      this.#round();
      const leader = this.#newestLeader();
      if (leader === undefined) continue;
      if (round % 20 === 0) this.#propose(leader);
      this.#handOver(leader);
      if (this.#isSettled(leader, before)) return;
    }
    const states = this.members.map(({ core }) => {
      const { configuration, progress: _, ...status } = core.status();
      return JSON.stringify({ ...status, ...membershipOf(configuration) });
    });
    assert.fail(`no agreement after ${SETTLE_ROUNDS} rounds:\n${states.join("\n")}`);
  }

  /** Others may still think that they lead an older term. */
  #newestLeader(): TestMember | undefined {
    const leaders = this.members.filter(({ core }) => core.status().role === "leader");
    return leaders.sort((a, b) => b.core.status().term - a.core.status().term)[0];
  }

  /** A leader that has no vote any more gives leadership to who has. */
  #handOver({ id, core }: TestMember): void {
    const { configuration } = core.status();
    if (isVoter(configuration, id)) return;
    const voters = [...configuration.voters.incoming];
    core.transferLeadership(voters[this.#random(voters.length)] ?? assert.fail());
  }

  #isSettled({ core, state }: TestMember, before: number): boolean {
    const { configuration } = core.status();
    const { incoming, outgoing } = configuration.voters;
    const ids = incoming.union(outgoing).union(configuration.learners);
    return state.index > before &&
      this.members.filter(({ id }) => ids.has(id)).every((member) => {
        return Math.min(member.state.index, state.index) > before &&
          member.state.index === state.index;
      });
  }

  #round(): void {
    for (const member of this.members) {
      member.core.tick();
      for (let work = 0; member.hasWork && work < 100; work++) {
        const sent = [
          ...member.processReady(),
          ...member.processAppend(),
          ...member.processApply(),
        ];
        this.#network.push(...sent);
      }
    }
    const arriving = this.#network;
    this.#network = [];
    for (const message of arriving) this.#deliver(message);
    this.#noteLeaders();
  }
}

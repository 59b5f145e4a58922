import { LEAVE_JOINT, membershipOf, type NodeId, type SingleChange } from "../raft/mod.ts";
import { addressContext } from "./addresses.ts";
import type { Cluster } from "./cluster.ts";
import type { Fault, Plan } from "./plan.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import { directoriesIn, everyoneIn } from "./state_machine.ts";

/** Machines added in one run, at most. */
const ADDED_MAX = 2;

const SECOND_US = 1_000_000;

/** Lets go wrong what the plan says, and does what an administrator would. */
export class Troubles {
  readonly #cluster: Cluster;
  readonly #random: Random;
  readonly #plan: Plan;
  #added = 0;
  #hasDestroyed = false;
  /** Ends the isolation of the leader that was cut off last. */
  #bringBack = () => {};
  #isOver = false;

  constructor(cluster: Cluster, random: Random, plan: Plan) {
    this.#cluster = cluster;
    this.#random = random;
    this.#plan = plan;
    this.#nextLater();
    this.#administerLater();
    cluster.watch.onLeader = (id) => this.#cutOff(id);
  }

  /** Nothing goes wrong any more, what went wrong is mended; administration goes on. */
  end(): void {
    this.#isOver = true;
    this.#cluster.network.heal();
    for (const machine of this.#cluster.machines) {
      machine.standsStillUntilUs = 0;
      machine.syncUs = 1_000;
      this.#mend(machine.id);
    }
    this.#cluster.trace.note("world", "heals");
  }

  #nextLater(): void {
    const delayUs = this.#random.between(0.2, 1.8) * this.#plan.faultEveryUs;
    this.#cluster.timeline.after(delayUs, () => {
      if (this.#isOver) return;
      this.#happen(this.#random.pick(this.#plan.faults));
      this.#nextLater();
    });
  }

  #happen(fault: Fault): void {
    const id = this.#random.pick(this.#cluster.machines).id;
    const forUs = this.#random.between(0.1, 1) * this.#random.pick([0.5, 3, 6]) * SECOND_US;
    const { trace } = this.#cluster;
    switch (fault) {
      case "crash":
        return this.#crash(forUs);
      case "destroy":
        return this.#destroy();
      case "wipe":
        return this.#wipe(forUs);
      case "isolate":
        return this.#separate([id], forUs);
      case "partition":
        return this.#separate(this.#someone(), forUs);
      case "one-way":
        this.#cutWays(this.#ways(this.#someone(), this.#random.chance(0.5)), forUs);
        return;
      case "flap":
        return this.#flap([id], 4 + this.#random.below(6));
      case "slow-disk":
        trace.note(`member ${id}`, "gets a slow disk");
        return this.#slowDown(id, forUs);
      case "failing-disk":
        return this.#breakDisk(id, forUs);
      case "stand-still":
        trace.note(`member ${id}`, `stands still for ${Math.round(forUs)}`);
        return this.#standStill(id, forUs);
      case "clock-jump":
        return this.#jump(id);
      case "transfer":
        return this.#leaderDoes((leader) => this.#transfer(leader));
      case "snapshot":
        return this.#cluster.processOf(id)?.snapshot();
      case "change-membership":
        return this.#leaderDoes((leader) => this.#change(leader));
    }
  }

  /** One, some or all at once. */
  #crash(forUs: number): void {
    const dice = this.#random.below(10);
    const ids = this.#cluster.machines.map(({ id }) => id);
    const leader = this.#cluster.leader?.id;
    const victims = dice === 0
      ? ids
      : dice < 5 && leader !== undefined
      ? [leader]
      : this.#random.shuffled(ids).slice(0, dice < 8 ? 1 : 2);
    for (const id of victims) {
      this.#cluster.crash(id);
      this.#cluster.timeline.after(forUs * this.#random.next(), () => this.#cluster.start(id));
    }
  }

  /** One voter of three or more, once, and only while all of them agree in everything. */
  #destroy(): void {
    const leader = this.#cluster.leader;
    if (leader === undefined || this.#hasDestroyed) return;
    const { voters, votersOutgoing } = membershipOf(leader.status().configuration);
    if (voters.length < 3 || votersOutgoing.length > 0 || !areKnown(voters, leader)) return;
    if (!voters.every((id) => this.#cluster.processOf(id)?.isUpToDate === true)) return;
    this.#hasDestroyed = true;
    this.#cluster.destroy(this.#random.pick(voters));
  }

  /**
   * One voter of three or more, once, which comes back. Others may be behind; but where memberships
   * change all agree, as with a destroyed one.
   */
  #wipe(forUs: number): void {
    const leader = this.#cluster.leader;
    if (leader === undefined || this.#hasDestroyed) return;
    const { voters, votersOutgoing } = membershipOf(leader.status().configuration);
    if (voters.length < 3 || votersOutgoing.length > 0 || !areKnown(voters, leader)) return;
    const isUpToDate = (id: NodeId) => this.#cluster.processOf(id)?.isUpToDate === true;
    if (this.#plan.faults.includes("change-membership") && !voters.every(isUpToDate)) return;
    this.#hasDestroyed = true;
    this.#cluster.wipe(this.#random.pick(voters), forUs * this.#random.next());
  }

  #someone(): NodeId[] {
    const ids = this.#random.shuffled(this.#cluster.machines.map(({ id }) => id));
    return ids.slice(0, 1 + this.#random.below(ids.length));
  }

  /** Ways from those to all others, or back. */
  #ways(ids: readonly NodeId[], isBack: boolean): [NodeId, NodeId][] {
    const others = this.#cluster.machines.map(({ id }) => id).filter((id) => !ids.includes(id));
    const ways = ids.flatMap((id) => others.map((other): [NodeId, NodeId] => [id, other]));
    return isBack ? ways.map(([from, to]) => [to, from]) : ways;
  }

  #waysAround(ids: readonly NodeId[]): [NodeId, NodeId][] {
    return [...this.#ways(ids, false), ...this.#ways(ids, true)];
  }

  #separate(ids: readonly NodeId[], forUs: number): void {
    this.#cutWays(this.#waysAround(ids), forUs);
  }

  /** @returns what brings the ways back before the time is over */
  #cutWays(ways: readonly (readonly [NodeId, NodeId])[], forUs: number): () => void {
    const { network, timeline, trace } = this.#cluster;
    trace.note("network", `loses ${ways.map(([from, to]) => `${from}>${to}`).join(" ")}`);
    for (const [from, to] of ways) network.cutWay(from, to);
    let isCut = true;
    const bringBack = () => {
      if (!isCut) return;
      isCut = false;
      for (const [from, to] of ways) network.restoreWay(from, to);
      trace.note("network", `gets back ${ways.map(([from, to]) => `${from}>${to}`).join(" ")}`);
    };
    timeline.after(forUs, bringBack);
    return bringBack;
  }

  #flap(ids: readonly NodeId[], times: number): void {
    if (times === 0 || this.#isOver) return;
    this.#separate(ids, this.#random.between(0.1, 0.6) * SECOND_US);
    this.#cluster.timeline.after(SECOND_US * 0.8, () => this.#flap(ids, times - 1));
  }

  /**
   * Whoever leads loses touch at once, or when it has done a little of its work, and whoever lost
   * it before comes back: leaders with logs of their own take turns.
   */
  #cutOff(id: NodeId): void {
    const { timing, cutsOffLeaders, activeUs } = this.#plan;
    const isEarly = this.#cluster.timeline.nowUs < activeUs / 5;
    if (this.#isOver || isEarly || !cutsOffLeaders || this.#random.chance(0.1)) return;
    const beatUs = timing.tickMs * timing.heartbeatTicks * 1000;
    const delayUs = this.#random.pick([0, 0, 1]) * this.#random.between(0.1, 1.5) * beatUs;
    this.#cluster.timeline.after(delayUs, () => {
      if (this.#isOver) return;
      this.#bringBack();
      this.#bringBack = this.#cutWays(this.#waysAround([id]), 40 * beatUs);
    });
  }

  #slowDown(id: NodeId, forUs: number): void {
    const machine = this.#cluster.machines.find((each) => each.id === id);
    if (machine === undefined) return;
    const before = machine.syncUs;
    machine.syncUs = this.#random.between(0.05, 1.5) * SECOND_US;
    this.#cluster.timeline.after(forUs, () => {
      machine.syncUs = before;
    });
  }

  /** The member stops working until somebody has mended the disk and restarts it. */
  #breakDisk(id: NodeId, forUs: number): void {
    const machine = this.#cluster.machines.find((each) => each.id === id);
    if (machine === undefined) return;
    machine.disk.fault = this.#random.pick(["full", "append-error", "sync-error"] as const);
    this.#cluster.trace.note(`member ${id}`, `has a failing disk: ${machine.disk.fault}`);
    this.#cluster.timeline.after(forUs, () => this.#mend(id));
  }

  #mend(id: NodeId): void {
    const machine = this.#cluster.machines.find((each) => each.id === id);
    if (machine === undefined) return;
    machine.disk.fault = undefined;
    if (this.#cluster.processOf(id)?.hasFailed === true) this.#cluster.crash(id);
    this.#cluster.start(id);
  }

  #standStill(id: NodeId, forUs: number): void {
    const machine = this.#cluster.machines.find((each) => each.id === id);
    if (machine !== undefined) {
      machine.standsStillUntilUs = this.#cluster.timeline.nowUs + Math.round(forUs);
    }
  }

  #jump(id: NodeId): void {
    const byMs = Math.round(this.#random.between(-60_000, 60_000));
    this.#cluster.machines.find((machine) => machine.id === id)?.clock.jump(byMs);
    this.#cluster.trace.note(`member ${id}`, `has its clock set by ${byMs} ms`);
  }

  #leaderDoes(action: (leader: Process) => void): void {
    const { leader } = this.#cluster;
    if (leader !== undefined) action(leader);
  }

  #transfer(leader: Process): void {
    const { voters } = membershipOf(leader.status().configuration);
    const target = this.#random.pick(voters);
    this.#cluster.trace.note("admin", `lets ${leader.id} hand over to ${target}`);
    leader.transferLeadership(target);
  }

  #change(leader: Process): void {
    const { voters, votersOutgoing, learners } = membershipOf(leader.status().configuration);
    if (votersOutgoing.length > 0 || !areKnown(voters, leader)) return;
    const changes = this.#drawChanges(voters, learners);
    if (changes.length === 0) return;
    const transition = this.#random.pick(["auto", "auto", "implicit", "explicit"] as const);
    this.#propose(leader, transition, changes);
  }

  #drawChanges(voters: readonly NodeId[], learners: readonly NodeId[]): SingleChange[] {
    const alive = voters.filter((id) => !this.#cluster.isDestroyed(id));
    const removed = this.#random.pick(voters);
    const spare = this.#spare([...voters, ...learners]);
    switch (this.#random.below(5)) {
      case 0:
        return spare === undefined ? [] : [{ kind: "add-learner", id: spare }];
      case 1:
        return learners.map((id) => ({ kind: "add-voter", id }));
      case 2:
        return alive.length < 3 ? [] : [{ kind: "remove", id: removed }];
      case 3:
        return alive.length < 3 ? [] : [{ kind: "add-learner", id: removed }];
      default:
        return spare === undefined || alive.length < 3
          ? []
          : [{ kind: "add-voter", id: spare }, { kind: "remove", id: removed }];
    }
  }

  /** A machine without a place: one that lost its place before, or a new one. */
  #spare(placed: readonly NodeId[]): NodeId | undefined {
    const free = this.#cluster.machines.find(({ id }) => !placed.includes(id));
    if (free !== undefined) return free.id;
    if (this.#added === ADDED_MAX) return undefined;
    this.#added++;
    return this.#cluster.addMachine();
  }

  /** What no administrator leaves undone for long. */
  #administerLater(): void {
    this.#cluster.timeline.after(this.#random.between(0.5, 1.5) * SECOND_US, () => {
      this.#leaderDoes((leader) => this.#administer(leader));
      this.#administerLater();
    });
  }

  #administer(leader: Process): void {
    const membership = membershipOf(leader.status().configuration);
    const { voters, votersOutgoing, autoLeave } = membership;
    const lost = everyoneIn(membership).find((id) => this.#cluster.isDestroyed(id));
    if (votersOutgoing.length > 0) {
      if (!autoLeave) leader.proposeMembershipChange(LEAVE_JOINT);
    } else if (!voters.includes(leader.id)) {
      this.#transfer(leader);
    } else if (lost !== undefined && (this.#isOver || this.#random.chance(0.3))) {
      this.#propose(leader, "auto", [{ kind: "remove", id: lost }]);
    }
  }

  #propose(
    leader: Process,
    transition: "auto" | "implicit" | "explicit",
    changes: readonly SingleChange[],
  ): void {
    const listed = changes.map(({ kind, id }) => `${kind} ${id}`).join(", ");
    this.#cluster.trace.note("admin", `asks ${leader.id} to change, ${transition}: ${listed}`);
    const context = addressContext(changes.map(({ id }) => id));
    leader.proposeMembershipChange({ transition, changes, context });
  }
}

/** Whether every voter counts: an administrator relies on nobody that was never heard of. */
function areKnown(voters: readonly NodeId[], leader: Process): boolean {
  const known = directoriesIn(leader.state);
  return voters.every((id) => known.has(id));
}

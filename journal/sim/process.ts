/**
 * One run of a member's program on its machine, from its start to its crash: what the shell of a
 * real member is to the same machines. It owns nothing that survives.
 *
 * @module
 */
import {
  type ApplyWork,
  type DiskWork,
  type Leadership,
  Member,
  type MemberWork,
} from "../member/mod.ts";
import type {
  Index,
  Membership,
  MembershipChange,
  Message,
  NodeId,
  RaftStatus,
  Snapshot,
} from "../raft/mod.ts";
import { withTime } from "../quorum/mod.ts";
import type { CommandInput, Envelope } from "../state/mod.ts";
import { type Place, readEntry, Wal, type WalOptions } from "../wal/mod.ts";
import { Acquaintances } from "./acquaintances.ts";
import { ClientDesk, type SubmitReply } from "./client_desk.ts";
import { DiskWorker } from "./disk_worker.ts";
import { LogTerms } from "./log_terms.ts";
import type { Machine, Sender } from "./machine.ts";
import { MemoryState } from "./memory_state.ts";
import type { Network } from "./network.ts";
import type { Seams } from "./seams.ts";
import type { SnapshotFile } from "./snapshot_shelf.ts";
import { splitAppend } from "./split_append.ts";
import { type Question, StateMachine } from "./state_machine.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";
import type { Reply } from "./waiters.ts";
import type { Watch } from "./watch.ts";

/** Where a process runs. */
export interface Site {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly watch: Watch;
  readonly trace: Trace;
  readonly seams: Seams;
  readonly timing: ProcessTiming;
  /** The process that runs on a member's machine now; only with that directory, where it is named. */
  readonly processOf: (id: NodeId, directoryId?: string) => Process | undefined;
  /** Of a member's machine, whether anything runs on it or not. */
  readonly directoryIdOf: (id: NodeId) => string;
}

/** How a process keeps its log and its time. */
export interface ProcessTiming {
  readonly tickMs: number;
  readonly heartbeatTicks: number;
  readonly electionTicks: number;
  readonly snapshotEvery: number;
  readonly segments: Pick<WalOptions, "segmentMaxBytes" | "growthMaxBytes">;
  /** How long applying one batch takes, at most. */
  readonly applyUs: number;
  /** Share of appends that travel in pieces. */
  readonly splitRate: number;
}

type Applicable =
  | {
    readonly kind: "entries";
    readonly work: ApplyWork;
    readonly memberships: ReadonlyMap<Index, Membership>;
  }
  | { readonly kind: "snapshot"; readonly snapshot: Snapshot };

export class Process {
  readonly id: NodeId;
  readonly #machine: Machine;
  readonly #site: Site;
  readonly #wal: Wal;
  readonly #member: Member<Place>;
  readonly #disk: DiskWorker;
  readonly #stateMachine: StateMachine;
  readonly #desk: ClientDesk;
  readonly #terms: LogTerms;
  readonly #acquaintances: Acquaintances;
  #applicable: Applicable[] = [];
  #isApplying = false;
  #membership: Membership;
  #isSnapshotting = false;
  #isPumping = false;
  #isRunning = true;
  #failure: unknown;

  /** Starts the program: recovers what the disk holds. Throws where a real one refuses to start. */
  constructor(machine: Machine, site: Site) {
    const { seams, timing } = site;
    this.id = machine.id;
    this.#machine = machine;
    this.#site = site;
    machine.starts++;
    const { random, clock } = machine;
    const disk = seams.disk(machine.disk);
    this.#wal = Wal.open(disk, { ...timing.segments, newSalt: () => random.below(2 ** 32) });
    const recovered = seams.recovered(this.#wal.recovered);
    const { start, entries } = recovered;
    const logEnd = start.index + entries.length;
    this.#stateMachine = new StateMachine(machine.openState(start.index, logEnd, seams));
    this.#terms = new LogTerms(start, entries.map(({ term }) => term));
    const { applied } = this.#stateMachine;
    this.#acquaintances = new Acquaintances(machine, this.#stateMachine, recovered, seams);
    this.#membership = this.#stateMachine.membership();
    if (applied.index > logEnd) {
      throw new Violation(
        "durability",
        `the log ends before entry ${applied.index}, which is applied`,
      );
    }
    this.#member = new Member({
      id: machine.id,
      log: {
        recovered,
        membership: this.#membership,
        read: (place) => readEntry(machine.disk, place),
        snapshot: () => this.#snapshotToSend(),
      },
      appliedIndex: applied.index,
      random: (bound) => random.below(bound),
      electionTicks: timing.electionTicks,
      heartbeatTicks: timing.heartbeatTicks,
      onEvent: ({ kind }) => this.#note(kind),
    });
    this.#disk = new DiskWorker({
      wal: this.#wal,
      after: (delayUs, fire) => this.#after(delayUs, fire),
      latencyUs: () => random.between(0.3, 1) * machine.syncUs,
      onWritten: (work, places) => this.#written(work, places),
      onFailed: (error) => this.#fail(error),
    });
    this.#desk = new ClientDesk({
      clock,
      stateMachine: this.#stateMachine,
      origin: `${machine.id}-${machine.starts}`,
      readOrigin: random.below(2 ** 32),
      asksBeforeReading: seams.asksBeforeReading,
      propose: (payloads) => {
        const isTaken = this.#member.propose(payloads);
        this.#pump();
        return isTaken;
      },
      askIndex: (context) => {
        this.#member.readIndex(context);
        this.#pump();
      },
    });
    this.#note(
      `starts at ${applied.index}, log ${start.index + 1} to ${start.index + entries.length}`,
    );
    this.#tickLater();
    this.#pump();
  }

  /** Whether the process has stopped working because its disk failed. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  get state(): MemoryState {
    return this.#stateMachine.state;
  }

  get leads(): boolean {
    return this.#member.leadership.role === "leader" && !this.hasFailed;
  }

  status(): RaftStatus {
    return this.#member.status();
  }

  /** Nothing is on its way through this process. */
  get isQuiet(): boolean {
    return this.#disk.isIdle && this.#applicable.length === 0 && !this.#isApplying &&
      this.#desk.writes === 0;
  }

  /** Whether the log holds nothing that is not applied. */
  get isUpToDate(): boolean {
    return this.isQuiet && this.#member.extent.lastIndex === this.#stateMachine.applied.index;
  }

  /** The power fails, in the midst of whatever is being written. */
  crash(): void {
    this.#isRunning = false;
    const { random, disk } = this.#machine;
    if (random.chance(0.7)) {
      if (disk.fault === undefined && random.chance(0.6)) disk.fault = "sync-error";
      this.#disk.spill();
    }
    disk.fault = undefined;
    disk.crash();
    this.#note("crashes");
  }

  /** The sender is who it was when it sent the message, which may be one that it passes on. */
  receive(message: Message, { id, directoryId }: Sender, file?: SnapshotFile): void {
    this.#whenAwake(() => {
      if (this.#acquaintances.takes(message, id, directoryId)) this.#receive(message, file);
    });
  }

  #receive(message: Message, file: SnapshotFile | undefined): void {
    if (this.hasFailed) return;
    const received = this.#site.seams.receive(message);
    if (file !== undefined) this.#machine.shelf.add(file);
    const nowMs = this.#machine.clock.nowMs();
    try {
      this.#member.receive(received.type === "Prop" ? withTime(received, nowMs) : received);
      this.#pump();
    } catch (error) {
      // A leader that still counts on what was lost is noticed by a real member, too.
      if (!this.#machine.isWiped) throw error;
      this.#fail(error);
    }
  }

  /** A client's write, or one of the system's own. */
  submit(
    command: CommandInput,
    options: { readonly actor: Envelope["actor"]; readonly requestId?: string },
    reply: (reply: SubmitReply) => void,
  ): void {
    if (this.hasFailed) reply({ kind: "unavailable" });
    else this.#desk.submit(command, options, reply);
  }

  /** A read that sees everything acknowledged before it was asked (JRN-59). */
  readLinearizable(question: Question, reply: (reply: Reply) => void): void {
    if (this.hasFailed) reply({ kind: "unavailable" });
    else this.#desk.readLinearizable(question, reply);
  }

  /** A read of what is here, once it contains the entry with this sequence (JRN-59). */
  readAtLeast(question: Question, sequence: number, reply: (reply: Reply) => void): void {
    this.#desk.readAtLeast(question, sequence, reply);
  }

  proposeMembershipChange(change: MembershipChange): boolean {
    const isTaken = this.#member.proposeMembershipChange(change);
    this.#pump();
    return isTaken;
  }

  transferLeadership(target: NodeId): void {
    this.#member.transferLeadership(target);
    this.#pump();
  }

  /** Makes a snapshot of the state as it is now. */
  snapshot(): void {
    if (this.#isSnapshotting || this.hasFailed || this.#stateMachine.applied.index === 0) return;
    this.#isSnapshotting = true;
    const { random, shelf, disk } = this.#machine;
    const { state } = this.#stateMachine;
    const file = {
      ...this.#stateMachine.applied,
      membership: this.#stateMachine.membership(),
      text: state.dump(),
    };
    this.#after(random.between(1, 20) * this.#machine.syncUs, () => {
      this.#isSnapshotting = false;
      if (disk.fault !== undefined || this.hasFailed) return;
      this.#note(`keeps a snapshot of ${file.index}`);
      shelf.add(file);
      this.#compact();
    });
  }

  #after(delayUs: number, fire: () => void): void {
    this.#site.timeline.after(delayUs, () => this.#whenAwake(fire));
  }

  /** A process that stands still does everything when it goes on. */
  #whenAwake(fire: () => void): void {
    const stillUs = this.#machine.standsStillUntilUs - this.#site.timeline.nowUs;
    if (!this.#isRunning) return;
    if (stillUs > 0) this.#site.timeline.after(stillUs, () => this.#whenAwake(fire));
    else fire();
  }

  #note(what: string): void {
    this.#site.trace.note(`member ${this.id}`, what);
  }

  #tickLater(): void {
    const delayUs = this.#site.timing.tickMs * 1000 / this.#machine.clock.rate;
    this.#after(delayUs, () => {
      if (this.hasFailed) return;
      this.#tick();
      this.#tickLater();
    });
  }

  #tick(): void {
    this.#member.tick();
    const nowMs = this.#machine.clock.monotonicMs();
    const record = this.leads && this.#acquaintances.toRecord(this.#membership, nowMs);
    if (record) this.#member.proposeMembershipChange(record);
    this.#pump();
    this.#desk.tick();
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    // Ends: each piece of work is handed out once, and what it causes comes as a later event.
    for (let work = this.#take(); work !== undefined; work = this.#take()) this.#do(work);
    this.#isPumping = false;
  }

  #take(): MemberWork | undefined {
    return this.hasFailed ? undefined : this.#member.take();
  }

  #do({ send, write, apply, readStates, leadership }: MemberWork): void {
    const { seams } = this.#site;
    this.#send(send);
    if (write !== undefined) {
      this.#noteLog(write);
      if (!seams.writesBeforeAnswering) this.#send(write.responses);
      this.#disk.push(seams.write(write, this.id));
    }
    if (apply !== undefined) this.#pushApply(apply);
    for (const state of readStates) this.#desk.answered(state);
    if (leadership !== undefined) this.#leadershipChanged(leadership);
  }

  #send(messages: readonly Message[]): void {
    for (const message of messages) {
      const { type, to, term, reject } = message;
      if (typeof to !== "number" || to === this.id) continue;
      const isVote = type === "VoteResp" && !reject;
      if (isVote && !this.#machine.isWiped) this.#site.watch.voted(this.id, term, to);
      const { splitRate } = this.#site.timing;
      const pieces = this.#machine.random.chance(splitRate)
        ? splitAppend(message, this.#machine.random)
        : [message];
      for (const piece of pieces) this.#sendOne(to, piece);
    }
  }

  #sendOne(to: NodeId, message: Message): void {
    const { network, seams, processOf, directoryIdOf } = this.#site;
    const sent = seams.send(message, () => this.#member.status());
    const isSnapshot = sent.type === "Snap";
    const file = isSnapshot && sent.snapshot ? this.#machine.shelf.find(sent.snapshot) : undefined;
    if (isSnapshot && file === undefined) {
      this.#after(0, () => this.#reported(() => this.#member.reportSnapshot(to, false)));
      return;
    }
    const sender = { id: this.id, directoryId: this.#machine.directoryId };
    const directoryThere = directoryIdOf(to);
    if (!this.#acquaintances.sends(sent, to, directoryThere)) return;
    const deliver = () => processOf(to, directoryThere)?.receive(sent, sender, file);
    network.send(this.id, to, deliver, (fate) => {
      if (!this.#isRunning) return;
      const isDelivered = fate === "delivered" && processOf(to) !== undefined;
      if (isSnapshot) this.#reported(() => this.#member.reportSnapshot(to, isDelivered));
      else if (!isDelivered) this.#noteLost(to);
    });
  }

  /** Some losses are noticed, as a connection breaks then. */
  #noteLost(to: NodeId): void {
    if (!this.#machine.random.chance(0.2)) return;
    this.#reported(() => this.#member.reportUnreachable(to));
    if (to === this.#member.leadership.leader && !this.hasFailed) this.#desk.lost();
  }

  #reported(report: () => void): void {
    if (this.hasFailed) return;
    report();
    this.#pump();
  }

  #noteLog(work: DiskWork): void {
    const { snapshot, entries } = work;
    this.#acquaintances.appended(work);
    if (this.#acquaintances.isDisplaced) this.#fail(new Error("its disk is not the one it had"));
    if (snapshot !== undefined) this.#terms.restart(snapshot);
    const [first] = entries;
    if (first === undefined) return;
    this.#site.watch.wrote(this.id, entries, this.#terms.termAt(first.index - 1));
    this.#terms.write(entries);
  }

  #written(work: DiskWork, places: readonly Place[]): void {
    if (this.hasFailed) return;
    const { snapshot } = work;
    if (snapshot !== undefined) {
      this.#membership = snapshot.membership;
      this.#applicable.push({ kind: "snapshot", snapshot });
      this.#applyLater();
    }
    this.#send(this.#member.written(work, places));
    this.#desk.flush();
    this.#pump();
  }

  #pushApply(work: ApplyWork): void {
    const entries = this.#site.seams.apply(work.entries);
    const memberships = new Map<Index, Membership>();
    for (const { kind, index, ...entry } of entries) {
      if (kind !== "membership" || !("change" in entry)) continue;
      this.#membership = this.#member.applyMembershipChange(entry.change, index);
      memberships.set(index, this.#membership);
    }
    this.#applicable.push({ kind: "entries", work: { ...work, entries }, memberships });
    this.#applyLater();
  }

  #applyLater(): void {
    if (this.#isApplying || this.#applicable.length === 0) return;
    this.#isApplying = true;
    const { random } = this.#machine;
    this.#after(random.next() * this.#site.timing.applyUs, () => {
      this.#isApplying = false;
      const next = this.#applicable.shift();
      if (next === undefined || this.hasFailed) return;
      if (next.kind === "snapshot") this.#restore(next.snapshot);
      else this.#applyEntries(next.work, next.memberships);
      if (random.chance(0.2)) this.#machine.savedState = this.#stateMachine.state.clone();
      this.#acquaintances.applied(this.#stateMachine);
      this.#desk.settle();
      this.#applyLater();
      this.#pump();
    });
  }

  #applyEntries(work: ApplyWork, memberships: ReadonlyMap<Index, Membership>): void {
    for (const entry of work.entries) {
      if (entry.index <= this.#stateMachine.applied.index) continue;
      const membership = memberships.get(entry.index);
      this.#site.watch.applied(this.id, this.#member.leadership.term, entry, membership);
      const applied = this.#stateMachine.apply(entry, membership);
      if (applied !== undefined) this.#desk.applied(applied);
    }
    this.#send(this.#member.applied(work));
    const newest = this.#machine.shelf.kept[0]?.index ?? 0;
    if (this.#stateMachine.applied.index - newest >= this.#site.timing.snapshotEvery) {
      this.snapshot();
    }
  }

  #restore(snapshot: Snapshot): void {
    const file = this.#machine.shelf.find(snapshot);
    if (file === undefined) throw new Violation("durability", `snapshot ${snapshot.index} is gone`);
    if (file.index <= this.#stateMachine.applied.index) return;
    this.#note(`restores snapshot ${file.index}`);
    this.#stateMachine.replace(this.#site.seams.restore(MemoryState.restore(file.text)));
  }

  #leadershipChanged({ leader, term, role }: Leadership): void {
    this.#note(`is ${role} in term ${term}, leader ${leader}`);
    if (role === "leader") this.#site.watch.becameLeader(this.id, term, this.#terms);
    this.#desk.leaderIs(leader, term, leader === this.id);
    this.#after(0, () => this.#desk.flush());
  }

  /** As a real member does: the log is cut only up to the oldest snapshot. */
  #compact(): void {
    const oldest = this.#machine.shelf.kept.at(-1);
    const start = oldest && this.#member.compactTo(oldest.index);
    if (start === undefined) return;
    this.#terms.compactTo(start.index);
    try {
      this.#wal.compactTo(start);
    } catch (error) {
      this.#fail(error);
    }
  }

  #snapshotToSend(): Snapshot | undefined {
    const { shelf } = this.#machine;
    const kept = shelf.serving(this.#membership, this.#member.extent.firstIndex);
    if (kept === undefined) this.#after(0, () => this.snapshot());
    return kept;
  }

  #fail(error: unknown): void {
    if (this.hasFailed) return;
    this.#failure = error;
    this.#note(`stops working: ${error instanceof Error ? error.message : String(error)}`);
    this.#desk.failAll();
  }
}

/**
 * Owns this member of the quorum: the Raft machine, the thread that writes its log, the way to the
 * peers and the timer that drives it. What happens is fed to the pure machines, and what they want
 * is done until they want nothing more. Ends with `close`, or for good when the disk fails: then
 * nothing is acknowledged or sent any more, and the others elect a leader (section 17).
 *
 * @module
 */
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { type CommittedBatch, type LogStatus, stamped } from "../log/mod.ts";
import {
  type ApplyWork,
  type DiskWork,
  type Leadership,
  Member,
  type MemberWork,
} from "../member/mod.ts";
import type {
  MemberAddress,
  PeerCallKind,
  PeerHandler,
  PeerNetwork,
  SnapshotFile,
} from "../peers/mod.ts";
import {
  type Index,
  type Membership,
  type MembershipChange,
  type Message,
  NO_NODE,
  type NodeId,
} from "../raft/mod.ts";
import type { KeptSnapshot } from "../snapshots/mod.ts";
import type { Place } from "../wal/mod.ts";
import { CommittedFeed } from "./committed_feed.ts";
import { DiskQueue } from "./disk_queue.ts";
import { type Directories, directoriesOf, recoverDirectories } from "./directories.ts";
import { Gathering } from "./gathering.ts";
import { handOver } from "./hand_over.ts";
import { displaced, explained, readOnly, shuttingDown, tooLarge, tooMany } from "./log_errors.ts";
import type { MemberLog } from "./member_log.ts";
import { byPeer, withTime } from "./messages.ts";
import { openMember } from "./open_member.ts";
import { Readers } from "./readers.ts";
import { Roster } from "./roster.ts";
import { SnapshotExchange } from "./snapshot_exchange.ts";
import { type CallHandler, QUORUM_TIMING, type QuorumLogOptions } from "./quorum_options.ts";
import { Standing } from "./standing.ts";
import { Writes } from "./writes.ts";

/** Largest single payload: an overlay of 10 MiB with its envelope (journal.md section 16). */
const PROPOSAL_MAX_BYTES = 24 * 1024 * 1024;

/** Opens this member's log on what its write-ahead log and its state recovered. */
export async function openQuorumLog(options: QuorumLogOptions): Promise<QuorumLog> {
  const log = new QuorumLog(options);
  options.wal.forgetRecovered();
  await log.start();
  return log;
}

/** One member's replicated log. */
export class QuorumLog implements MemberLog {
  readonly #options: QuorumLogOptions;
  readonly #clock: Clock;
  readonly #member: Member<Place>;
  readonly #disk: DiskQueue;
  readonly #roster: Roster;
  readonly #directories: Directories;
  readonly #standing: Standing;
  readonly #snapshots: SnapshotExchange;
  readonly #feed: CommittedFeed;
  readonly #gathering: Gathering;
  readonly #writes: Writes;
  readonly #readers: Readers;
  readonly #listeners = new Set<(status: LogStatus) => void>();
  readonly #calls = new Map<PeerCallKind, CallHandler>();
  #network: PeerNetwork | undefined;
  #isPumping = false;
  #timer: TimerHandle | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: QuorumLogOptions) {
    const { id, wal, applied, clock, random, snapshots } = options;
    this.#options = options;
    this.#clock = clock;
    this.#roster = new Roster(id, applied.membership, options.configured ?? []);
    this.#directories = recoverDirectories(options);
    this.#snapshots = new SnapshotExchange(snapshots, () => options.onSnapshotWanted?.());
    this.#member = openMember(
      options,
      () => this.#snapshots.toSend(this.#roster.membership, this.#member.extent.firstIndex),
    );
    this.#standing = new Standing(id, {
      member: this.#member,
      roster: this.#roster,
      connected: () => this.connected(),
    });
    this.#feed = new CommittedFeed({
      member: this.#member,
      roster: this.#roster,
      snapshots: this.#snapshots,
      onApplied: (work) => this.#applied(work),
    });
    this.#gathering = new Gathering({
      member: this.#member,
      isLeader: () => this.isLeader,
      diskWork: () => this.#disk.size,
    });
    this.#writes = new Writes({
      clock,
      propose: (payloads) => this.#propose(payloads),
      isReady: (waiting, ownUnderWay) => this.#gathering.isReady(waiting, ownUnderWay),
      hasLeader: () => this.#member.leadership.leader !== NO_NODE,
      failure: (reason) =>
        reason === "no-leader" ? this.#standing.noLeader() : this.#standing.noQuorum(),
    });
    this.#readers = new Readers(Math.floor(random() * 2 ** 32), (context) => {
      this.#drive(() => this.#member.readIndex(context));
    });
    this.handleCalls("ReadIndex", async (_from, _data, signal) => {
      const index = Number(await this.readIndex(signal));
      return new TextEncoder().encode(JSON.stringify({ index }));
    });
    this.#disk = new DiskQueue(
      wal,
      (work, places) => this.#written(work, places),
      (error) => this.#fail(error),
    );
  }

  /** Opens the way to the peers and starts the clock. */
  async start(): Promise<void> {
    if (this.#directories.isDisplaced) throw displaced(this.id);
    this.#network = await this.#options.openNetwork?.(this.#peerHandler(), this.#directories);
    this.#roster.follow(this.#network);
    this.#campaignAlone();
    this.#arm();
    this.#pump();
  }

  get id(): NodeId {
    return this.#options.id;
  }

  /** The applied membership. */
  get membership(): Membership {
    return this.#roster.membership;
  }

  /** Whether this member leads, as far as it knows. */
  get isLeader(): boolean {
    return this.#standing.isLeader;
  }

  /** Whether this member's word alone is a majority. */
  get isAlone(): boolean {
    return this.#roster.isAlone;
  }

  get recordFormat(): number {
    return this.#roster.recordFormat;
  }

  submit(id: string, payload: Uint8Array, onFailed: (error: PactError) => void): void {
    if (this.#closed !== undefined) throw shuttingDown();
    this.#standing.refuseWhenFailed();
    if (payload.byteLength > PROPOSAL_MAX_BYTES) {
      throw tooLarge(payload.byteLength, PROPOSAL_MAX_BYTES);
    }
    if (!this.#writes.hasRoomFor(payload.byteLength)) throw tooMany();
    this.#writes.submit(id, payload, onFailed);
  }

  forget(id: string): void {
    this.#writes.forget(id);
  }

  committed({ signal }: { readonly signal?: AbortSignal } = {}): AsyncIterable<CommittedBatch> {
    return this.#feed.queue.batches(signal);
  }

  async readIndex(signal?: AbortSignal): Promise<bigint> {
    if (this.#closed !== undefined) throw shuttingDown();
    this.#standing.refuseWhenFailed();
    return await this.#readers.readIndex(() => this.#clock.monotonicMs(), signal);
  }

  status(): LogStatus {
    return this.#standing.status(this.#writes.size);
  }

  matchIndexes(): ReadonlyMap<NodeId, Index> {
    return new Map([...this.#member.status().progress].map(([id, { match }]) => [id, match]));
  }

  /** Peers whose connection is up. */
  connected(): ReadonlySet<NodeId> {
    return this.#network?.connected() ?? new Set();
  }

  /** Where members are found, this one included. */
  addresses(): ReadonlyMap<NodeId, MemberAddress> {
    return this.#roster.addresses;
  }

  onLeadership(listener: (status: LogStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async compactTo(index: bigint): Promise<void> {
    const start = this.#member.compactTo(Number(index));
    if (start !== undefined) await this.#options.wal.compactTo(start);
  }

  /** The newest snapshot of the state: what members get that lack older entries. */
  offerSnapshot(snapshot: KeptSnapshot): void {
    this.#snapshots.offer(snapshot);
  }

  /** The state says where its members are. Empty while it knows none. */
  setAddresses(addresses: readonly MemberAddress[], index: bigint): void {
    this.#roster.setAddresses(addresses);
    this.#directories.applied(directoriesOf(addresses), Number(index));
    this.#refuseDisplaced();
  }

  /** Answers calls of peers. */
  handleCalls(kind: PeerCallKind, handler: CallHandler): void {
    this.#calls.set(kind, handler);
  }

  /** Calls the leader; NO_LEADER when there is none or it is this member. */
  async callLeader(kind: PeerCallKind, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { leader } = this.#member.leadership;
    if (leader === NO_NODE || leader === this.id) throw this.#standing.noLeader();
    return await this.callMember(leader, kind, data, signal);
  }

  async callMember(to: NodeId, kind: PeerCallKind, data: Uint8Array, signal: AbortSignal) {
    if (this.#network === undefined) throw this.#standing.noLeader();
    return await this.#network.call(to, kind, data, signal);
  }

  /** Proposes a change of the membership; whether and when it takes effect shows in the log. */
  proposeMembershipChange(change: MembershipChange): boolean {
    return this.#drive(() => this.#member.proposeMembershipChange(change)) ?? false;
  }

  /** Hands leadership to `target`; best effort. */
  transferLeadership(target: NodeId): void {
    this.#drive(() => this.#member.transferLeadership(target));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#standing.role() === "leader" && this.#standing.failure === undefined) {
      await handOver({
        clock: this.#clock,
        id: this.id,
        status: this.#member.status(),
        connected: () => this.connected(),
        transfer: (target) => this.transferLeadership(target),
        onLeadership: (listener) => this.onLeadership(listener),
      });
    }
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#writes.failAll(shuttingDown());
    this.#readers.failAll(shuttingDown());
    this.#feed.queue.close();
    await this.#network?.close();
    await this.#options.wal.close();
    this.#options.logFiles.close();
  }

  #peerHandler(): PeerHandler {
    return {
      onMessages: (from, messages) => this.#receive(from, messages),
      onUnreachable: (peer) => {
        this.#drive(() => this.#member.reportUnreachable(peer));
        if (peer === this.#member.leadership.leader) this.#writes.lost();
      },
      onSnapshotReported: (peer, isDelivered) => this.#snapshotReported(peer, isDelivered),
      incomingSnapshotPath: (sha256) => this.#options.snapshots.incomingPath(sha256),
      onSnapshot: (_from, message, file) => this.#receiveSnapshot(message, file),
      onCall: async (from, kind, data, signal) => {
        const handler = this.#calls.get(kind);
        if (handler !== undefined) return await handler(from, data, signal);
        throw new PactError("UNAVAILABLE", `this member does not answer ${kind} (yet)`);
      },
      onDuplicate: (_peer, reason) => this.#options.onDuplicate?.(reason),
      onDisplaced: () => this.#fail(displaced(this.id)),
    };
  }

  #receive(_from: NodeId, messages: readonly Message[]): void {
    this.#drive(() => {
      for (const message of messages) {
        if (message.type === "Prop") this.#receiveProposals(message);
        else this.#member.receive(message);
      }
    });
  }

  /** A leader puts other members' writes into the batch of its own. */
  #receiveProposals(message: Message): void {
    const payloads = message.entries.flatMap((entry) =>
      entry.kind === "normal" ? [entry.data] : []
    );
    const isBatchable = this.isLeader && payloads.length === message.entries.length;
    if (isBatchable) this.#writes.takeAlong(payloads);
    else this.#member.receive(withTime(message, this.#clock.nowMs()));
  }

  #receiveSnapshot(message: Message, file: SnapshotFile): void {
    this.#drive(() => {
      this.#snapshots.receive(message, file);
      this.#member.receive(message);
    });
  }

  /**
   * Lets the machine see an event, and does what it wants then. Whatever breaks it ends this
   * member: what is here contradicts what the quorum holds, or cannot be read any more, and to go on
   * would be to answer for it.
   */
  #drive<T>(event: () => T): T | undefined {
    if (this.#isIdle()) return undefined;
    try {
      const result = event();
      this.#pump();
      return result;
    } catch (error) {
      this.#fail(explained(this.id, error));
      return undefined;
    }
  }

  /** Does what the machine wants, until it wants nothing more. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      // Ends: each piece of work is handed out once, what it causes comes as a later event, and
      // there are only so many writes waiting. A batch that may go now shares the way to the peers
      // with the messages that say what the one before it came to.
      do {
        for (let work = this.#take(); work !== undefined; work = this.#take()) this.#do(work);
      } while (this.#writes.flushNow());
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isPumping = false;
    }
  }

  #take(): MemberWork | undefined {
    return this.#standing.failure === undefined ? this.#member.take() : undefined;
  }

  #do({ send, write, apply, readStates, leadership }: MemberWork): void {
    this.#send(send);
    if (write !== undefined) this.#push(write);
    if (apply !== undefined) this.#feed.push(apply);
    for (const state of readStates) this.#readers.answered(state);
    if (leadership !== undefined) this.#onLeadershipChanged(leadership);
  }

  #push(work: DiskWork): void {
    const last = work.entries.at(-1);
    if (last !== undefined) this.#gathering.appended(last.index);
    this.#directories.appended(work.entries, work.snapshot);
    this.#refuseDisplaced();
    this.#disk.push(work);
  }

  #send(messages: readonly Message[]): void {
    if (messages.length === 0 || this.#network === undefined) return;
    for (const [peer, batch] of byPeer(messages, this.#directories)) {
      this.#network.send(peer, batch);
    }
    for (const message of messages) if (message.type === "Snap") this.#sendSnapshot(message);
  }

  #sendSnapshot(message: Message): void {
    const { to } = message;
    if (typeof to !== "number") return;
    const file = this.#snapshots.fileOf(message);
    // Reported after this turn: the machine is in the midst of giving out work.
    if (file === undefined) queueMicrotask(() => this.#snapshotReported(to, false));
    else this.#network?.sendSnapshot(to, message, file);
  }

  #snapshotReported(peer: NodeId, isDelivered: boolean): void {
    this.#drive(() => this.#member.reportSnapshot(peer, isDelivered));
  }

  #written(work: DiskWork, places: readonly Place[]): void {
    this.#drive(() => {
      if (work.snapshot !== undefined) this.#feed.pushSnapshot(work.snapshot);
      const answers = this.#member.written(work, places);
      this.#send(answers);
      if (answers.length > 0) this.#gathering.whileAnswering(() => this.#writes.flushNow());
    });
  }

  #applied(work: ApplyWork): void {
    this.#drive(() => {
      this.#send(this.#member.applied(work));
      this.#campaignAlone();
    });
  }

  #propose(payloads: readonly Uint8Array[]): boolean {
    const nowMs = this.#clock.nowMs();
    const timed = payloads.map((payload) => stamped(payload, nowMs));
    return this.#drive(() => this.#member.propose(timed)) ?? false;
  }

  #arm(): void {
    const { tickMs } = this.#options.timing ?? QUORUM_TIMING;
    this.#timer = this.#clock.setTimer(tickMs, () => {
      this.#tick();
      if (!this.#isIdle()) this.#arm();
    });
  }

  #tick(): void {
    if (this.#isIdle()) return;
    const nowMs = this.#clock.monotonicMs();
    this.#drive(() => this.#member.tick());
    this.#recordDirectories(nowMs);
    this.#writes.tick();
    this.#readers.tick(nowMs, () => this.#standing.noLeader());
  }

  /** A leader puts into the log with which data directories members take part that it hears of. */
  #recordDirectories(nowMs: number): void {
    if (!this.isLeader || this.#network === undefined) return;
    const heard = this.#network.directories();
    const change = this.#directories.toRecord(this.membership, heard, nowMs);
    if (change !== undefined) this.proposeMembershipChange(change);
  }

  /** Whoever lost its data takes no part, whatever anybody else knows of it. */
  #refuseDisplaced(): void {
    if (this.#directories.isDisplaced) this.#fail(displaced(this.id));
  }

  #onLeadershipChanged({ leader, term }: Leadership): void {
    this.#standing.sawLeader(leader);
    this.#writes.leaderIs(leader, term, leader === this.id);
    this.#tellListeners();
  }

  #tellListeners(): void {
    const status = this.status();
    for (const listener of this.#listeners) listener(status);
  }

  /** The only voter of a group need not wait whether somebody else leads. */
  #campaignAlone(): void {
    const { role, leader } = this.#member.leadership;
    if (this.isAlone && role === "follower" && leader === NO_NODE) this.#member.campaign();
  }

  /** Nothing more is to happen. */
  #isIdle(): boolean {
    return this.#standing.failure !== undefined;
  }

  #fail(error: unknown): void {
    if (this.#standing.failure !== undefined) return;
    this.#standing.fail(error);
    const refusal = readOnly(this.#standing.failure ?? "unknown", error);
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#writes.failAll(refusal);
    this.#readers.failAll(refusal);
    this.#tellListeners();
  }
}

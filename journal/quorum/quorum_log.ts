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
import {
  type CommittedBatch,
  type LogRecord,
  type LogRole,
  type LogStatus,
  type ReplicatedLog,
  stamped,
} from "../log/mod.ts";
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
  type Entry,
  type Membership,
  type MembershipChange,
  type Message,
  NO_NODE,
  type NodeId,
  type RaftStatus,
  type Snapshot,
} from "../raft/mod.ts";
import type { KeptSnapshot } from "../snapshots/mod.ts";
import { type Place, readEntry } from "../wal/mod.ts";
import { ApplyQueue } from "./apply_queue.ts";
import { DiskQueue } from "./disk_queue.ts";
import { handOver } from "./hand_over.ts";
import { leaderUnknown, readOnly, shuttingDown, tooLarge, tooMany } from "./log_errors.ts";
import { Readers } from "./readers.ts";
import { Roster } from "./roster.ts";
import { SnapshotExchange } from "./snapshot_exchange.ts";
import { type CallHandler, QUORUM_TIMING, type QuorumLogOptions } from "./quorum_options.ts";
import { Writes } from "./writes.ts";

/** Largest single payload: an overlay of 10 MiB with its envelope (journal.md section 16). */
export const PROPOSAL_MAX_BYTES = 24 * 1024 * 1024;

/** Pieces of disk work under way beyond which proposals are collected rather than handed on. */
const MAX_WRITES_IN_FLIGHT = 2;

/** Opens this member's log on what its write-ahead log and its state recovered. */
export async function openQuorumLog(options: QuorumLogOptions): Promise<QuorumLog> {
  const log = new QuorumLog(options);
  await log.start();
  return log;
}

/** One member's replicated log. */
export class QuorumLog implements ReplicatedLog {
  readonly #options: QuorumLogOptions;
  readonly #clock: Clock;
  readonly #member: Member<Place>;
  readonly #disk: DiskQueue;
  readonly #applies = new ApplyQueue();
  readonly #roster: Roster;
  readonly #snapshots: SnapshotExchange;
  readonly #writes: Writes;
  readonly #readers: Readers;
  readonly #listeners = new Set<(status: LogStatus) => void>();
  readonly #calls = new Map<PeerCallKind, CallHandler>();
  #network: PeerNetwork | undefined;
  #isPumping = false;
  #timer: TimerHandle | undefined;
  #lastLeader: NodeId = NO_NODE;
  #failure: string | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: QuorumLogOptions) {
    const { id, wal, applied, clock, random, snapshots } = options;
    this.#options = options;
    this.#clock = clock;
    this.#roster = new Roster(id, applied.membership, options.configured ?? []);
    this.#snapshots = new SnapshotExchange(snapshots, () => options.onSnapshotWanted?.());
    const { electionTicks, heartbeatTicks } = options.timing ?? QUORUM_TIMING;
    this.#member = new Member({
      id,
      log: {
        recovered: wal.recovered,
        membership: applied.membership,
        read: (place) => readEntry(options.logFiles, place),
        snapshot: () =>
          this.#snapshots.toSend(this.#roster.membership, this.#member.extent.firstIndex),
      },
      appliedIndex: applied.index,
      random: (bound) => Math.floor(random() * bound),
      electionTicks,
      heartbeatTicks,
      ...options.onEvent && { onEvent: options.onEvent },
    });
    this.#writes = new Writes({
      clock,
      propose: (payloads) => this.#propose(payloads),
      isReady: () => this.#disk.size < MAX_WRITES_IN_FLIGHT,
      hasLeader: () => this.#member.leadership.leader !== NO_NODE,
      failure: (reason) => reason === "no-leader" ? this.#noLeader() : this.#noQuorum(),
    });
    this.#readers = new Readers(Math.floor(random() * 2 ** 32), (context) => {
      this.#member.readIndex(context);
      this.#pump();
    });
    this.#disk = new DiskQueue(
      wal,
      (work, places) => this.#written(work, places),
      (error) => this.#fail(error),
    );
  }

  /** Opens the way to the peers and starts the clock. */
  async start(): Promise<void> {
    this.#network = await this.#options.openNetwork?.(this.#peerHandler());
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

  /** Whether this member's word alone is a majority. */
  get isAlone(): boolean {
    return this.#roster.isAlone;
  }

  submit(id: string, payload: Uint8Array, onFailed: (error: PactError) => void): void {
    if (this.#closed !== undefined) throw shuttingDown();
    if (this.#failure !== undefined) throw readOnly(this.#failure);
    if (payload.byteLength > PROPOSAL_MAX_BYTES) {
      throw tooLarge(payload.byteLength, PROPOSAL_MAX_BYTES);
    }
    if (!this.#writes.hasRoomFor(payload.byteLength)) throw tooMany();
    this.#writes.submit(id, payload, onFailed);
  }

  forget(id: string): void {
    this.#writes.forget(id);
  }

  committed(
    _fromIndex: bigint,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncIterable<CommittedBatch> {
    return this.#applies.batches(signal);
  }

  async readIndex(signal?: AbortSignal): Promise<bigint> {
    if (this.#closed !== undefined) throw shuttingDown();
    if (this.#failure !== undefined) throw readOnly(this.#failure);
    return await this.#readers.readIndex(() => this.#clock.monotonicMs(), signal);
  }

  status(): LogStatus {
    const { leader, term } = this.#member.leadership;
    const { firstIndex, lastIndex } = this.#member.extent;
    return {
      role: this.#role(),
      term: BigInt(term),
      leaderId: leader === NO_NODE || this.#failure !== undefined ? undefined : BigInt(leader),
      firstIndex: BigInt(firstIndex),
      lastIndex: BigInt(lastIndex),
      commitIndex: BigInt(this.#member.commitIndex),
      pending: this.#writes.size,
      failure: this.#failure,
    };
  }

  /** All the core knows, gathered anew. */
  raftStatus(): RaftStatus {
    return this.#member.status();
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
  setAddresses(addresses: readonly MemberAddress[]): void {
    this.#roster.setAddresses(addresses);
  }

  /** Answers calls of peers. */
  handleCalls(kind: PeerCallKind, handler: CallHandler): void {
    this.#calls.set(kind, handler);
  }

  /** Calls the leader; NO_LEADER when there is none or it is this member. */
  async callLeader(kind: PeerCallKind, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { leader } = this.#member.leadership;
    if (leader === NO_NODE || leader === this.id || this.#network === undefined) {
      throw this.#noLeader();
    }
    return await this.#network.call(leader, kind, data, signal);
  }

  /** Proposes a change of the membership; whether and when it takes effect shows in the log. */
  proposeMembershipChange(change: MembershipChange): boolean {
    const isTaken = this.#member.proposeMembershipChange(change);
    this.#pump();
    return isTaken;
  }

  /** Hands leadership to `target`; best effort. */
  transferLeadership(target: NodeId): void {
    this.#member.transferLeadership(target);
    this.#pump();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#role() === "leader" && this.#failure === undefined) await this.#handOver();
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#writes.failAll(shuttingDown());
    this.#readers.failAll(shuttingDown());
    this.#applies.close();
    await this.#network?.close();
    await this.#options.wal.close();
    this.#options.logFiles.close();
  }

  #handOver(): Promise<void> {
    return handOver({
      clock: this.#clock,
      id: this.id,
      status: this.raftStatus(),
      connected: this.connected(),
      transfer: (target) => this.transferLeadership(target),
      onLeadership: (listener) => this.onLeadership(listener),
    });
  }

  #peerHandler(): PeerHandler {
    return {
      onMessages: (from, messages) => this.#receive(from, messages),
      onUnreachable: (peer) => {
        if (this.#isIdle()) return;
        this.#member.reportUnreachable(peer);
        if (peer === this.#member.leadership.leader) this.#writes.lost();
        this.#pump();
      },
      onSnapshotReported: (peer, isDelivered) => this.#snapshotReported(peer, isDelivered),
      incomingSnapshotPath: (sha256) => this.#options.snapshots.incomingPath(sha256),
      onSnapshot: (_from, message, file) => this.#receiveSnapshot(message, file),
      onCall: async (from, kind, data, signal) => {
        const handler = this.#calls.get(kind);
        if (handler === undefined) throw new PactError("UNAVAILABLE", "the member is starting");
        return await handler(from, data, signal);
      },
      onDuplicate: (_peer, reason) => this.#options.onDuplicate?.(reason),
    };
  }

  #receive(_from: NodeId, messages: readonly Message[]): void {
    if (this.#isIdle()) return;
    for (const message of messages) {
      this.#member.receive(message.type === "Prop" ? this.#stamp(message) : message);
    }
    this.#pump();
  }

  /** Proposals of other members get their time here, where they are taken. */
  #stamp(message: Message): Message {
    const nowMs = this.#clock.nowMs();
    return {
      ...message,
      entries: message.entries.map((entry) =>
        entry.kind === "normal" ? { ...entry, data: stamped(entry.data, nowMs) } : entry
      ),
    };
  }

  #receiveSnapshot(message: Message, file: SnapshotFile): void {
    if (this.#isIdle()) return;
    try {
      this.#snapshots.receive(message, file);
      this.#member.receive(message);
      this.#pump();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Does what the machine wants, until it wants nothing more. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      // Ends: each piece of work is handed out once, and what it causes comes as a later event.
      for (let work = this.#take(); work !== undefined; work = this.#take()) this.#do(work);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isPumping = false;
    }
  }

  #take(): MemberWork | undefined {
    return this.#failure === undefined ? this.#member.take() : undefined;
  }

  #do({ send, write, apply, readStates, leadership }: MemberWork): void {
    this.#send(send);
    if (write !== undefined) this.#disk.push(write);
    if (apply !== undefined) this.#pushApply(apply);
    for (const state of readStates) this.#readers.answered(state);
    if (leadership !== undefined) this.#onLeadershipChanged(leadership);
  }

  #send(messages: readonly Message[]): void {
    if (messages.length === 0 || this.#network === undefined) return;
    const byPeer = new Map<NodeId, Message[]>();
    for (const message of messages) {
      if (typeof message.to !== "number") continue;
      if (message.type === "Snap") this.#sendSnapshot(message.to, message);
      else if (byPeer.get(message.to)?.push(message) === undefined) {
        byPeer.set(message.to, [message]);
      }
    }
    for (const [peer, batch] of byPeer) this.#network.send(peer, batch);
  }

  #sendSnapshot(to: NodeId, message: Message): void {
    const file = this.#snapshots.fileOf(message);
    // Reported after this turn: the machine is in the midst of giving out work.
    if (file === undefined) queueMicrotask(() => this.#snapshotReported(to, false));
    else this.#network?.sendSnapshot(to, message, file);
  }

  #snapshotReported(peer: NodeId, isDelivered: boolean): void {
    if (this.#isIdle()) return;
    this.#member.reportSnapshot(peer, isDelivered);
    this.#pump();
  }

  #written(work: DiskWork, places: readonly Place[]): void {
    if (this.#isIdle()) return;
    if (work.snapshot !== undefined) this.#pushSnapshot(work.snapshot);
    this.#send(this.#member.written(work, places));
    this.#writes.flushSoon();
    this.#pump();
  }

  #pushApply(work: ApplyWork): void {
    const records = work.entries.map((entry) => this.#recordOf(entry));
    this.#applies.push({
      batch: { kind: "records", records },
      onApplied: () => {
        if (this.#isIdle()) return;
        this.#send(this.#member.applied(work));
        this.#campaignAlone();
        this.#pump();
      },
    });
  }

  #pushSnapshot(snapshot: Snapshot): void {
    const { index, term, membership } = snapshot;
    const path = this.#snapshots.pathOf(snapshot);
    this.#roster.setMembership(membership);
    const position = { index: BigInt(index), term: BigInt(term) };
    this.#applies.push({
      batch: { kind: "snapshot", position, path },
      onApplied: () => {},
    });
  }

  #recordOf(entry: Entry): LogRecord {
    const position = { index: BigInt(entry.index), term: BigInt(entry.term) };
    if (entry.kind === "normal") return { ...position, payload: entry.data };
    const membership = this.#member.applyMembershipChange(entry.change, entry.index);
    this.#roster.setMembership(membership);
    const { context } = entry.change;
    return { ...position, payload: NO_PAYLOAD, membership: { membership, context } };
  }

  #propose(payloads: readonly Uint8Array[]): boolean {
    if (this.#isIdle()) return false;
    const nowMs = this.#clock.nowMs();
    const isTaken = this.#member.propose(payloads.map((payload) => stamped(payload, nowMs)));
    this.#pump();
    return isTaken;
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
    this.#member.tick();
    this.#pump();
    this.#writes.tick();
    this.#readers.tick(nowMs, () => this.#noLeader());
  }

  #onLeadershipChanged({ leader, term }: Leadership): void {
    if (leader !== NO_NODE) this.#lastLeader = leader;
    this.#writes.leaderIs(leader, term, leader === this.id);
    const status = this.status();
    for (const listener of this.#listeners) listener(status);
  }

  #role(): LogRole {
    const { role } = this.#member.leadership;
    if (this.#failure !== undefined) return "follower";
    if (role === "leader") return "leader";
    if (!this.#roster.isVoter) return "learner";
    return role === "follower" ? "follower" : "candidate";
  }

  /** The only voter of a group need not wait whether somebody else leads. */
  #campaignAlone(): void {
    const { role, leader } = this.#member.leadership;
    if (this.isAlone && role === "follower" && leader === NO_NODE) this.#member.campaign();
  }

  /** Nothing more is to happen. */
  #isIdle(): boolean {
    return this.#failure !== undefined;
  }

  #noLeader(): PactError {
    const { voters } = this.#roster.membership;
    const reachable = voters.filter((id) => id === this.id || this.connected().has(id)).length;
    if (voters.length > 0 && reachable * 2 <= voters.length) return this.#noQuorum();
    return leaderUnknown("NO_LEADER", "no leader", this.#lastLeader);
  }

  #noQuorum(): PactError {
    return leaderUnknown("NO_QUORUM", "no quorum", this.#lastLeader);
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error instanceof Error ? error.message : String(error);
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#writes.failAll(readOnly(this.#failure, error));
    this.#readers.failAll(readOnly(this.#failure, error));
    const status = this.status();
    for (const listener of this.#listeners) listener(status);
  }
}

const NO_PAYLOAD = new Uint8Array(0);

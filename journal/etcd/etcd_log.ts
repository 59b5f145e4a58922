/**
 * Owns this journal's part in a log that a site's etcd keeps: the place up to which it has followed
 * the log, the leader's lease when it has it, its clients' writes, and the way to the other journals,
 * on which writes go to the leader and snapshots to whom lacks old records. Ends with `close`, or for
 * good when what is in etcd cannot be the log.
 *
 * @module
 */
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { type CommittedBatch, type LogRecord, type LogStatus, stamped } from "../log/mod.ts";
import type { MemberAddress, PeerCallKind } from "../peers/mod.ts";
import {
  ApplyQueue,
  type CallHandler,
  leaderUnknown,
  type MemberLog,
  readOnly,
  Roster,
  shuttingDown,
  SnapshotExchange,
  tooLarge,
  tooMany,
  Writes,
} from "../quorum/mod.ts";
import {
  changeSimply,
  type Index,
  type Membership,
  type MembershipChange,
  MembershipError,
  membershipOf,
  type Message,
  NO_NODE,
  type NodeId,
  restoreConfiguration,
} from "../raft/mod.ts";
import type { KeptSnapshot } from "../snapshots/mod.ts";
import { Appender } from "./appender.ts";
import type { EtcdLogOptions } from "./etcd_options.ts";
import { HeadReads } from "./head_reads.ts";
import { JournalPeers } from "./journal_peers.ts";
import { LeaderLease } from "./leader_lease.ts";
import { LogFollower } from "./log_follower.ts";
import type { Leader } from "./tenure.ts";
import { Upkeep } from "./upkeep.ts";

/** Largest single payload: an overlay of 10 MiB with its envelope (journal.md section 16). */
const PAYLOAD_MAX_BYTES = 24 * 1024 * 1024;

/** Writes are collected while others are under way, but no more than this. */
const COLLECT_MAX = 32;

/** Bytes of records that may wait to be applied before reading on. */
const UNAPPLIED_MAX_BYTES = 32 * 1024 * 1024;

const TICK_MS = 100;
/** How often the leader is told how far this journal has come when it has come no further. */
const REPORT_MS = 2_000;

/** Begins to follow the log behind what the state contains. */
export async function openEtcdLog(options: EtcdLogOptions): Promise<EtcdLog> {
  const log = new EtcdLog(options);
  await log.start();
  return log;
}

/** One journal's replicated log in etcd. */
export class EtcdLog implements MemberLog {
  readonly #options: EtcdLogOptions;
  readonly #clock: Clock;
  readonly #roster: Roster;
  readonly #snapshots: SnapshotExchange;
  readonly #peers: JournalPeers;
  readonly #queue = new ApplyQueue();
  readonly #writes: Writes;
  readonly #reads: HeadReads;
  readonly #follower: LogFollower;
  readonly #listeners = new Set<(status: LogStatus) => void>();
  readonly #stop = new AbortController();
  #lease: LeaderLease | undefined;
  #upkeep: Upkeep | undefined;
  #appender: Appender | undefined;
  #term = 0;
  #baseTerm: number;
  #following: Promise<void> = Promise.resolve();
  #lastLeader: NodeId = NO_NODE;
  #headIndex: Index;
  #applied: Index;
  #unappliedBytes = 0;
  #drained = Promise.withResolvers<void>();
  #keptFrom: Index;
  #reported: Index = 0;
  #reportedMs = 0;
  #failure: string | undefined;
  #timer: TimerHandle | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: EtcdLogOptions) {
    const { id, applied, clock, snapshots, connection } = options;
    this.#options = options;
    this.#clock = clock;
    this.#applied = applied.index;
    // Whoever has others to ask may serve what it has while it catches up.
    const isAlone = options.openNetwork === undefined;
    this.#headIndex = isAlone ? connection.overview.head.lastIndex : applied.index;
    this.#baseTerm = connection.overview.mark?.base.term ?? 0;
    this.#keptFrom = snapshots.kept.at(-1)?.index ?? 0;
    this.#roster = new Roster(id, applied.membership, options.configured ?? []);
    this.#snapshots = new SnapshotExchange(snapshots, () => options.onSnapshotWanted?.());
    this.#peers = new JournalPeers({
      id,
      roster: this.#roster,
      store: snapshots,
      snapshots: this.#snapshots,
      firstIndex: () => this.#upkeep?.firstIndex ?? 1,
      onProposals: (payloads) => this.isLeader && this.#writes.takeAlong(payloads),
      onAsked: () => this.#lease?.asked(),
      onUnreachable: (peer) => peer === this.#leader?.id && this.#writes.lost(),
      onSnapshot: (incoming) => this.#tookSnapshot(incoming),
      onDuplicate: (reason) => options.onDuplicate?.(reason),
    });
    this.#writes = new Writes({
      clock,
      propose: (payloads) => this.#propose(payloads),
      isReady: (waiting, ownUnderWay) => this.#isReadyForBatch(waiting, ownUnderWay),
      hasLeader: () => this.#leader !== undefined,
      failure: (reason) => reason === "no-leader" ? this.#noLeader() : this.#noQuorum(),
    });
    this.#reads = new HeadReads(connection, {
      clock,
      signal: this.#stop.signal,
      failure: () => this.#closed === undefined ? this.#noQuorum() : shuttingDown(),
    });
    this.#follower = new LogFollower({
      ...connection,
      clock,
      nextIndex: applied.index + 1,
      onRecords: (records) => this.#push(records),
      onHead: (index) => this.#headIndex = Math.max(this.#headIndex, index),
      onTrimmed: (nextIndex) => this.#onTrimmed(nextIndex),
    });
    this.handleCalls("ReadIndex", async (_from, _data, signal) => {
      const index = Number(await this.readIndex(signal));
      return new TextEncoder().encode(JSON.stringify({ index }));
    });
  }

  /** Opens the way to the other journals and begins to follow. */
  async start(): Promise<void> {
    const { id, connection: { client, keys, settings }, clock, random } = this.#options;
    await this.#peers.open(this.#options.openNetwork);
    this.#lease = new LeaderLease({
      client,
      keys,
      id,
      clock,
      random,
      ttlSeconds: settings.leaseTtlSeconds,
      mayLead: () => this.#mayLead(),
      onCampaign: () => this.#options.onCampaign?.(),
      onMark: ({ base }) => this.#baseTerm = base.term,
      onChanged: () => this.#onLeaderChanged(),
    });
    this.#upkeep = new Upkeep({
      client,
      keys,
      clock,
      compactsHistory: settings.compactsHistory,
      fence: () => this.isLeader ? this.#appender?.fence : undefined,
      trimTo: () => this.#trimTo(),
    });
    this.#following = this.#follower.run(this.#stop.signal).catch((error) => this.#fail(error));
    this.#arm();
  }

  get id(): NodeId {
    return this.#options.id;
  }

  get membership(): Membership {
    return this.#roster.membership;
  }

  get isLeader(): boolean {
    return this.#failure === undefined && this.#leader?.isSelf === true &&
      this.#appender !== undefined;
  }

  get isAlone(): boolean {
    return this.#roster.isAlone;
  }

  get recordFormat(): number {
    return this.#roster.recordFormat;
  }

  submit(id: string, payload: Uint8Array, onFailed: (error: PactError) => void): void {
    if (this.#closed !== undefined) throw shuttingDown();
    if (this.#failure !== undefined) throw readOnly(this.#failure);
    if (payload.byteLength > PAYLOAD_MAX_BYTES) {
      throw tooLarge(payload.byteLength, PAYLOAD_MAX_BYTES);
    }
    if (!this.#writes.hasRoomFor(payload.byteLength)) throw tooMany();
    this.#writes.submit(id, payload, onFailed);
  }

  forget(id: string): void {
    this.#writes.forget(id);
  }

  async *committed(
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<CommittedBatch> {
    yield* this.#queue.batches(signal);
    if (this.#failure !== undefined && signal?.aborted !== true) throw new Error(this.#failure);
  }

  async readIndex(signal?: AbortSignal): Promise<bigint> {
    if (this.#closed !== undefined) throw shuttingDown();
    if (this.#failure !== undefined) throw readOnly(this.#failure);
    return await this.#reads.read(signal);
  }

  status(): LogStatus {
    const leader = this.#failure === undefined ? this.#leader : undefined;
    const facts = this.#upkeep?.facts;
    const trouble = this.#options.connection.client.trouble ??
      (facts?.alarms.length ? `etcd: ${facts.alarms.join("; ")}` : undefined);
    const lastIndex = BigInt(this.#headIndex);
    return {
      engine: "etcd",
      role: this.#role(leader),
      term: BigInt(this.#term),
      leaderId: leader && BigInt(leader.id),
      firstIndex: BigInt(this.#upkeep?.firstIndex ?? 1),
      lastIndex,
      commitIndex: lastIndex,
      pending: this.#writes.size,
      failure: this.#failure,
      trouble,
      ...facts !== undefined && { storeBytes: facts.bytes },
    };
  }

  onLeadership(listener: (status: LogStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Records go when a majority of the journals holds them in snapshots; see {@link Upkeep}. */
  async compactTo(index: bigint): Promise<void> {
    this.#keptFrom = await Promise.resolve(Number(index));
  }

  matchIndexes(): ReadonlyMap<NodeId, Index> {
    return new Map([...this.#peers.progress].map(([id, { applied }]) => [id, applied]));
  }

  connected(): ReadonlySet<NodeId> {
    return this.#peers.connected;
  }

  addresses(): ReadonlyMap<NodeId, MemberAddress> {
    return this.#roster.addresses;
  }

  setAddresses(addresses: readonly MemberAddress[]): void {
    this.#roster.setAddresses(addresses);
  }

  offerSnapshot(snapshot: KeptSnapshot): void {
    this.#snapshots.offer(snapshot);
  }

  handleCalls(kind: PeerCallKind, handler: CallHandler): void {
    this.#peers.handleCalls(kind, handler);
  }

  async callLeader(kind: PeerCallKind, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const leader = this.#leader;
    if (leader === undefined || leader.isSelf) throw this.#noLeader();
    return await this.callMember(leader.id, kind, data, signal);
  }

  async callMember(to: NodeId, kind: PeerCallKind, data: Uint8Array, signal: AbortSignal) {
    const answer = this.#peers.call(to, kind, data, signal);
    if (answer === undefined) throw this.#noLeader();
    return await answer;
  }

  proposeMembershipChange({ changes, context }: MembershipChange): boolean {
    if (!this.isLeader || this.#appender === undefined) return false;
    const { configuration } = restoreConfiguration(this.#roster.membership);
    try {
      const { voters, learners } = membershipOf(changeSimply(configuration, changes).configuration);
      return this.#appender.append([{ kind: "membership", voters, learners, context }]);
    } catch (error) {
      if (error instanceof MembershipError) return false;
      throw error;
    }
  }

  transferLeadership(target: NodeId): void {
    if (!this.isLeader || target === this.id) return;
    this.#peers.askToLead(target);
    void this.#lease?.resign();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#stop.abort();
    this.#queue.close();
    this.#drained.resolve();
    await this.#upkeep?.close();
    await this.#lease?.close();
    await this.#appender?.stop();
    this.#writes.failAll(shuttingDown());
    await this.#following;
    await this.#peers.close();
    this.#options.connection.client.close();
  }

  get #leader(): Leader | undefined {
    return this.#lease?.leader;
  }

  /** Whoever leads looks after what expires, so it should know what there is. */
  #mayLead(): boolean {
    return this.#failure === undefined && this.#closed === undefined && this.#roster.isVoter &&
      !this.#follower.isReading;
  }

  #role(leader: Leader | undefined): LogStatus["role"] {
    if (leader?.isSelf === true) return "leader";
    if (this.#failure !== undefined) return "follower";
    if (!this.#roster.isVoter) return "learner";
    return leader === undefined ? "candidate" : "follower";
  }

  #onLeaderChanged(): void {
    const leader = this.#leader;
    this.#reported = -1;
    void this.#appender?.stop();
    this.#appender = undefined;
    if (leader !== undefined) {
      this.#lastLeader = leader.id;
      this.#term = this.#baseTerm + Number(leader.createRevision);
      if (leader.isSelf) this.#appender = this.#appenderOf(leader);
    }
    this.#writes.leaderIs(leader?.id ?? NO_NODE, this.#term, leader?.isSelf ?? false);
    const status = this.status();
    for (const listener of this.#listeners) listener(status);
  }

  #appenderOf({ createRevision }: Leader): Appender {
    const { client, keys } = this.#options.connection;
    return new Appender({
      client,
      keys,
      createRevision,
      term: this.#term,
      clock: this.#clock,
      onWritten: ({ lastIndex }) => {
        this.#headIndex = Math.max(this.#headIndex, lastIndex);
        this.#writes.flushSoon();
      },
      onLost: () => void this.#lease?.resign(),
    });
  }

  #propose(payloads: readonly Uint8Array[]): boolean {
    const leader = this.#leader;
    if (leader === undefined) return false;
    if (!leader.isSelf) return this.#peers.propose(leader.id, payloads);
    const nowMs = this.#clock.nowMs();
    const records = payloads.map((payload) => ({
      kind: "payload" as const,
      payload: stamped(payload, nowMs),
    }));
    return this.#appender?.append(records) ?? false;
  }

  #isReadyForBatch(waiting: number, ownUnderWay: number): boolean {
    const isQuiet = this.#leader?.isSelf === true ? !this.#appender?.isBusy : ownUnderWay === 0;
    return isQuiet || waiting >= COLLECT_MAX;
  }

  async #push(records: readonly LogRecord[]): Promise<void> {
    for (const { membership } of records) {
      if (membership !== undefined) this.#roster.setMembership(membership.membership);
    }
    const bytes = records.reduce((sum, { payload }) => sum + payload.byteLength, 0);
    const lastIndex = Number(records.at(-1)?.index ?? 0n);
    this.#unappliedBytes += bytes;
    this.#queue.push({
      batch: { kind: "records", records },
      onApplied: () => {
        this.#applied = Math.max(this.#applied, lastIndex);
        this.#unappliedBytes -= bytes;
        if (this.#unappliedBytes <= UNAPPLIED_MAX_BYTES) this.#drained.resolve();
      },
    });
    if (this.#unappliedBytes <= UNAPPLIED_MAX_BYTES) return;
    this.#drained = Promise.withResolvers();
    if (!this.#stop.signal.aborted) await this.#drained.promise;
  }

  #onTrimmed(nextIndex: Index): void {
    if (this.#options.openNetwork !== undefined) return this.#peers.askForSnapshot(nextIndex);
    this.#fail(
      `record ${nextIndex} is not in etcd any more, and there is no other journal to have the state from: ` +
        "restore the data directory from a backup",
    );
  }

  /** The state of another journal takes the place of records that are not in etcd any more. */
  #tookSnapshot({ snapshot }: Message): void {
    if (snapshot === undefined || snapshot.index < this.#follower.nextIndex) return;
    const { index, term, membership } = snapshot;
    this.#roster.setMembership(membership);
    this.#queue.push({
      batch: {
        kind: "snapshot",
        position: { index: BigInt(index), term: BigInt(term) },
        path: this.#snapshots.pathOf(snapshot),
      },
      onApplied: () => this.#applied = Math.max(this.#applied, index),
    });
    this.#follower.skipTo(index + 1);
  }

  /** A majority keeps snapshots that reach as far, so that the loss of the others loses nothing. */
  #trimTo(): Index {
    const { voters } = this.#roster.membership;
    const kept = voters.map((id) =>
      id === this.id ? this.#keptFrom : this.#peers.progress.get(id)?.kept ?? 0
    ).toSorted((a, b) => b - a);
    return Math.min(this.#keptFrom, kept[Math.floor(voters.length / 2)] ?? 0);
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(TICK_MS, () => {
      this.#tick();
      if (this.#closed === undefined && this.#failure === undefined) this.#arm();
    });
  }

  #tick(): void {
    this.#writes.tick();
    const nowMs = this.#clock.monotonicMs();
    const leader = this.#leader;
    if (leader === undefined || leader.isSelf) return;
    if (this.#applied === this.#reported && nowMs - this.#reportedMs < REPORT_MS) return;
    this.#reported = this.#applied;
    this.#reportedMs = nowMs;
    this.#peers.report(leader.id, { applied: this.#applied, kept: this.#keptFrom });
  }

  /** For want of a leader, or of an etcd that could say who leads. */
  #noLeader(): PactError {
    const { client } = this.#options.connection;
    if (client.trouble !== undefined || this.#lease?.isBlind === true) return this.#noQuorum();
    return leaderUnknown("NO_LEADER", "no leader", this.#lastLeader);
  }

  /** What was proposed is not committed in time. */
  #noQuorum(): PactError {
    return leaderUnknown("NO_QUORUM", "no quorum", this.#lastLeader);
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error instanceof Error ? error.message : String(error);
    this.#writes.failAll(readOnly(this.#failure, error));
    this.#stop.abort();
    this.#queue.close();
    void this.#lease?.close();
    this.#onLeaderChanged();
  }
}

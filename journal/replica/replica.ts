/**
 * Owns the lock on the data directory, the log, the state store and the loop that applies what the
 * log commits. Ends with `close`; when a record cannot be applied it fails for good: reads go on,
 * writes are refused, a restart replays from the log.
 *
 * @module
 */
import type { Clock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { type Entry, SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import type { CommittedBatch, LogRecord } from "../log/mod.ts";
import { isStale, OverlayBuilder } from "../overlay/mod.ts";
import {
  type AuditRecord,
  type Command,
  type CommandInput,
  type CommandResult,
  CommandSchema,
  emptyTables,
  isPlainAppend,
  type Overlay,
  type StateView,
} from "../state/mod.ts";
import type { MemberLog } from "../quorum/mod.ts";
import { type DirectoryLock, lockDirectory } from "../storage/mod.ts";
import type { AuditQuery, EntryQuery, StateStore } from "../store/mod.ts";
import { openParts, type ReplicaParts } from "./open_parts.ts";
import { OverlayUpkeep } from "./overlay_upkeep.ts";
import { Proposals } from "./proposals.ts";
import { SequenceWaiters } from "./sequence_waiters.ts";
import { addressesOf, type QuorumSettings } from "./quorum_settings.ts";
import { SnapshotUpkeep } from "./snapshot_upkeep.ts";
import { restoreStore, statePathOf } from "./state_file.ts";
import { redactCommand, redactNote } from "./redaction.ts";
import { type AppliedRecord, applyRecords, encodeEnvelope } from "./state_machine.ts";
import { Sweeps } from "./sweeps.ts";
import type { Applied, Replica, ReplicaStatus, SubmitOptions } from "./types.ts";

/** Records after which a snapshot is due (JRN-51). */
const SNAPSHOT_INTERVAL = 10_000;

/** What a replica needs. */
export interface ReplicaOptions {
  /** The journal's data directory; created with mode 0700. */
  readonly dataDir: string;
  readonly clock: Clock;
  /** Numbers in [0, 1), for ids that must not meet another process's. */
  readonly random: () => number;
  /** This member of the quorum; without it, a group of this member alone. */
  readonly quorum?: QuorumSettings;
  /** Told once, when the replica fails. */
  readonly onFailed?: (error: Error) => void;
  /** Told what goes wrong in the background and is tried again: sweeps, rebuilds of overlays. */
  readonly onHousekeepingError?: (task: HousekeepingTask, error: unknown) => void;
  /** Told how long each command took from its proposal until it was applied. */
  readonly onApplyDuration?: (durationMs: number) => void;
}

/** What goes on in the background and is tried again when it fails. */
export type HousekeepingTask = "sweep" | "overlay" | "snapshot";

/**
 * Opens log and state, catches up with what is committed, and starts housekeeping.
 *
 * @throws {StorageError} when the directory is taken, foreign, newer or damaged, or the log lacks
 * what the state contains; exit status and message are in it.
 */
export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  const lock = lockDirectory(options.dataDir);
  const opened = new AsyncDisposableStack();
  opened.defer(() => lock.release());
  try {
    const parts = await openParts(options, opened);
    const replica = new LocalReplica(options, lock, parts);
    opened.move();
    await replica.caughtUpOrClosed();
    return replica;
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

class LocalReplica implements Replica {
  readonly #lock: DirectoryLock;
  readonly #log: MemberLog;
  readonly #store: StateStore;
  readonly #snapshots: SnapshotUpkeep;
  readonly #statePath: string;
  readonly #onFailed: ((error: Error) => void) | undefined;
  readonly #proposals: Proposals;
  readonly #waiters = new SequenceWaiters();
  /** Readers that wait for a log index rather than for an entry's sequence. */
  readonly #indexWaiters = new SequenceWaiters();
  readonly #listeners = new Set<(applied: Applied) => void>();
  readonly #stop = new AbortController();
  readonly #builder: OverlayBuilder;
  readonly #upkeep: OverlayUpkeep;
  readonly #sweeps: Sweeps;
  readonly #applying: Promise<void>;
  readonly #stopFollowing: () => void;
  #progress = Promise.withResolvers<void>();
  /** False while the log's past is replayed: overlays are looked after once, when that is done. */
  #live = false;
  #failure: Error | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    options: ReplicaOptions,
    lock: DirectoryLock,
    { log, store, snapshots, wishes }: ReplicaParts,
  ) {
    const { clock, random, onFailed, onHousekeepingError = () => {}, onApplyDuration } = options;
    this.#lock = lock;
    this.#log = log;
    this.#store = store;
    this.#onFailed = onFailed;
    this.#proposals = new Proposals({
      random,
      monotonicMs: () => clock.monotonicMs(),
      onOver: (id) => log.forget(id),
      onApplied: onApplyDuration,
    });
    const leads = () => this.#failure === undefined && log.isLeader;
    const bySystem = (command: CommandInput) => this.submit(command, { actor: SYSTEM_IDENTITY });
    this.#builder = new OverlayBuilder({
      state: store,
      propose: async (overlay) => void await bySystem({ type: "SetOverlay", overlay }),
      hasLeader: () => log.status().leaderId !== undefined,
    });
    this.#upkeep = new OverlayUpkeep(
      clock,
      this.#builder,
      leads,
      (error) => onHousekeepingError("overlay", error),
    );
    this.#sweeps = new Sweeps(
      clock,
      store,
      bySystem,
      leads,
      (error) => onHousekeepingError("sweep", error),
    );
    this.#statePath = statePathOf(options.dataDir);
    this.#snapshots = new SnapshotUpkeep({
      snapshots,
      statePath: this.#statePath,
      interval: options.quorum?.snapshotInterval ?? SNAPSHOT_INTERVAL,
      random,
      flush: () => store.commit(),
      onMade: async (newest, oldest) => {
        log.offerSnapshot(newest);
        await log.compactTo(BigInt(oldest.index));
      },
      onError: (error) => onHousekeepingError("snapshot", error),
    });
    wishes.onSnapshotWanted = () => void this.#snapshots.request();
    this.#stopFollowing = log.onLeadership(({ role }) => {
      if (role === "leader" && this.#live) this.#rebuildStale();
    });
    this.#applying = this.#applyCommitted().catch((error) => this.#fail(error));
  }

  get quorum(): MemberLog {
    return this.#log;
  }

  get state(): StateView {
    return this.#store;
  }

  get appliedSequence(): number {
    return this.#store.nextSequence - 1;
  }

  submit(command: CommandInput, options: SubmitOptions): Promise<CommandResult> {
    try {
      this.#refuseWhenUnable();
      const { id, result } = this.#proposals.begin(options.signal);
      this.#propose(id, command, options);
      return result;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  entry(sequence: number): Entry | undefined {
    return this.#store.history.entry(sequence);
  }

  entries(query: EntryQuery = {}): AsyncIterable<Entry> {
    return this.#unpaged(this.#store.entryPages(query));
  }

  audit(query: AuditQuery = {}): AsyncIterable<AuditRecord> {
    return this.#unpaged(this.#store.auditPages(query));
  }

  overlay(vclusterId: string): Promise<Overlay> {
    return this.#builder.fresh(vclusterId);
  }

  async waitForSequence(sequence: number, signal?: AbortSignal): Promise<void> {
    if (sequence > this.appliedSequence) await this.#waiters.wait(sequence, signal);
  }

  async waitForLinearizable(signal?: AbortSignal): Promise<void> {
    const index = await this.#log.readIndex(signal);
    if (index > this.#store.applied.index) await this.#indexWaiters.wait(Number(index), signal);
  }

  onApplied(listener: (applied: Applied) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  status(): ReplicaStatus {
    const log = this.#log.status();
    const reason = this.#failure?.message ?? log.failure;
    return {
      health: this.#failure !== undefined
        ? "failed"
        : log.failure === undefined
        ? "ok"
        : "read-only",
      reason,
      log,
      appliedIndex: this.#store.applied.index,
      nextSequence: this.#store.nextSequence,
      overlayBuildFailures: this.#upkeep.failures,
    };
  }

  async makeSnapshot(): Promise<void> {
    this.#refuseWhenUnable();
    await this.#snapshots.request();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** As {@link caughtUp}; where that fails nothing stays open. */
  async caughtUpOrClosed(): Promise<void> {
    try {
      await this.caughtUp();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Resolves when everything committed before the start is applied; rejects when it cannot be. */
  async caughtUp(): Promise<void> {
    const { commitIndex, lastIndex } = this.#log.status();
    // Whoever votes alone commits all of its log; among others only what is known counts now.
    const goal = this.#log.isAlone ? lastIndex : commitIndex;
    while (this.#failure === undefined && this.#store.applied.index < goal) {
      await this.#progress.promise;
    }
    if (this.#failure !== undefined) throw this.#failure;
    this.#live = true;
    this.#rebuildStale();
  }

  /** Whoever leads looks after the overlays that nobody rebuilt before. */
  #rebuildStale(): void {
    for (const [vclusterId] of this.#store.list("overlays")) {
      if (isStale(this.#store, vclusterId)) this.#upkeep.request(vclusterId);
    }
  }

  /** The items of pages, each page read when the one before is used up. */
  async *#unpaged<Item>(pages: Generator<readonly Item[]>): AsyncGenerator<Item> {
    // Ends with the pages.
    while (true) {
      this.#refuseWhenClosed();
      const { done, value } = pages.next();
      if (done === true) return;
      yield* value;
      await eventLoopTurn();
    }
  }

  #propose(id: string, command: CommandInput, { actor, requestId, audit }: SubmitOptions): void {
    try {
      const envelope = {
        format: 1,
        proposal: id,
        actor,
        // Without an id of the caller's its own makes sure that it takes effect once (JRN-57).
        request_id: requestId ?? id,
        audit: audit && redactNote(audit),
        command: redactCommand(parseCommand(command)),
      } as const;
      const payload = encodeEnvelope(envelope, this.#log.recordFormat);
      this.#log.submit(id, payload, (error) => this.#proposals.fail(id, error));
    } catch (error) {
      this.#proposals.fail(id, error);
    }
  }

  async #applyCommitted(): Promise<void> {
    for await (const batch of this.#log.committed({ signal: this.#stop.signal })) {
      if (batch.kind === "snapshot") await this.#restore(batch);
      else this.#applyRecords(batch.records);
      this.#waiters.reached(this.appliedSequence);
      this.#indexWaiters.reached(Number(this.#store.applied.index));
      this.#progress.resolve();
      this.#progress = Promise.withResolvers();
    }
  }

  async #restore({ position, path }: CommittedBatch & { kind: "snapshot" }): Promise<void> {
    await restoreStore(this.#store, path, `${this.#statePath}.new`);
    this.#tellMembers();
    this.#tell({ index: position.index, entries: [], writes: emptyTables(), restored: true });
  }

  #applyRecords(records: readonly LogRecord[]): void {
    for (const record of applyRecords(this.#store, records)) this.#report(record);
    if (records.some(({ membership }) => membership !== undefined)) this.#tellMembers();
    const bytes = records.reduce((sum, { payload }) => sum + payload.byteLength, 0);
    this.#snapshots.applied(records.length, bytes);
  }

  #tellMembers(): void {
    this.#log.setAddresses(addressesOf(this.#store) ?? [], this.#store.applied.index);
  }

  #report({ index, envelope, outcome }: AppliedRecord): void {
    if (outcome.kind === "applied") {
      const { entries, writes } = outcome;
      if (this.#live) entries.forEach((entry) => this.#upkeep.follow(entry));
      this.#tell({ index, entries, writes, restored: false });
    }
    this.#proposals.settle(envelope.proposal, outcome);
  }

  #tell(applied: Applied): void {
    for (const listener of this.#listeners) listener(applied);
  }

  #refuseWhenClosed(): void {
    if (this.#closed === undefined) return;
    throw new PactError("SHUTTING_DOWN", "journal shutting down");
  }

  #refuseWhenUnable(): void {
    this.#refuseWhenClosed();
    if (this.#failure !== undefined) throw failed(this.#failure);
  }

  #fail(error: unknown): void {
    this.#failure = error instanceof Error ? error : new Error(String(error));
    this.#proposals.failAll(failed(this.#failure));
    this.#progress.resolve();
    this.#onFailed?.(this.#failure);
  }

  async #close(): Promise<void> {
    await this.#sweeps.stop();
    await this.#upkeep.stop();
    this.#stopFollowing();
    await this.#proposals.drained();
    await this.#snapshots.stop();
    this.#stop.abort();
    await this.#applying;
    await this.#log.close();
    this.#store.close();
    this.#lock.release();
  }
}

function parseCommand(command: CommandInput): Command {
  if (isPlainAppend(command)) return command;
  const parsed = CommandSchema.safeParse(command);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.join(".") ?? "";
  throw new PactError(
    "INVALID_ARGUMENT",
    `${where === "" ? command.type : where}: ${issue?.message ?? "invalid command"}`,
  );
}

function failed(cause: Error): PactError {
  return new PactError(
    "UNAVAILABLE",
    "the journal's state cannot follow its log; see the journal's own log and restart it",
    { cause },
  );
}

/** Lets everything else that is due run first. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

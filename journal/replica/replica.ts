/**
 * Owns the lock on the data directory, the log, the state store and the loop that applies what the
 * log commits. Ends with `close`; when a record cannot be applied it fails for good: reads go on,
 * writes are refused, a restart replays from the log.
 *
 * @module
 */
import { join } from "node:path";
import type { Clock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { type Entry, SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import { type CommittedBatch, openSingleMemberLog, type ReplicatedLog } from "../log/mod.ts";
import { isStale, OverlayBuilder } from "../overlay/mod.ts";
import {
  type AuditRecord,
  type Command,
  type CommandInput,
  type CommandResult,
  CommandSchema,
  emptyTables,
  type Overlay,
  type StateView,
} from "../state/mod.ts";
import { type DirectoryLock, lockDirectory, StorageError } from "../storage/mod.ts";
import { type AuditQuery, type EntryQuery, StateStore } from "../store/mod.ts";
import { OverlayUpkeep } from "./overlay_upkeep.ts";
import { Proposals } from "./proposals.ts";
import { SequenceWaiters } from "./sequence_waiters.ts";
import { restoreSnapshot } from "./snapshot_file.ts";
import { type AppliedRecord, applyRecords, encodeEnvelope } from "./state_machine.ts";
import { Sweeps } from "./sweeps.ts";
import type { Applied, Replica, ReplicaStatus, SubmitOptions } from "./types.ts";

/** Changes of so many milliseconds are stored in one transaction. */
const GATHER_MS = 50;

/** What a replica needs. */
export interface ReplicaOptions {
  /** The journal's data directory; created with mode 0700. */
  readonly dataDir: string;
  readonly clock: Clock;
  /** Numbers in [0, 1), for ids that must not meet another process's. */
  readonly random: () => number;
  /** The log to follow; without one, a log with this member alone in `dataDir/raft`. */
  readonly log?: ReplicatedLog;
  /** Told once, when the replica fails. */
  readonly onFailed?: (error: Error) => void;
  /** Told what goes wrong in the background and is tried again: sweeps, rebuilds of overlays. */
  readonly onHousekeepingError?: (task: "sweep" | "overlay", error: unknown) => void;
  /** Told how long each command took from its proposal until it was applied. */
  readonly onApplyDuration?: (durationMs: number) => void;
}

/**
 * Opens the state, catches up with the log, and starts housekeeping.
 *
 * @throws {StorageError} when the directory is taken, foreign, newer or damaged, or the log lacks
 * what the state contains; exit status and message are in it.
 */
export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  const lock = lockDirectory(options.dataDir);
  let log: ReplicatedLog | undefined;
  let store: StateStore | undefined;
  let replica: LocalReplica | undefined;
  try {
    log = options.log ?? await openSingleMemberLog({ directory: join(options.dataDir, "raft") });
    const path = join(options.dataDir, "state.db");
    store = new StateStore(path, { gather: { clock: options.clock, forMs: GATHER_MS } });
    refuseShortLog(log, store, path);
    replica = new LocalReplica(options, lock, log, store);
    await replica.caughtUp();
    return replica;
  } catch (error) {
    if (replica !== undefined) {
      await replica.close();
    } else {
      store?.close();
      await log?.close();
      lock.release();
    }
    throw error;
  }
}

/** A state ahead of its log means that the log lost records it had acknowledged. */
function refuseShortLog(log: ReplicatedLog, store: StateStore, path: string): void {
  const { lastIndex } = log.status();
  if (store.applied.index <= lastIndex) return;
  throw new StorageError(
    "corrupt",
    path,
    `contains log record ${store.applied.index}, the log ends at ${lastIndex}: the log lost records; restore the data directory from a backup or another member`,
  );
}

class LocalReplica implements Replica {
  readonly #clock: Clock;
  readonly #lock: DirectoryLock;
  readonly #log: ReplicatedLog;
  readonly #store: StateStore;
  readonly #onFailed: ((error: Error) => void) | undefined;
  readonly #onApplyDuration: ((durationMs: number) => void) | undefined;
  readonly #proposals: Proposals;
  readonly #waiters = new SequenceWaiters();
  readonly #listeners = new Set<(applied: Applied) => void>();
  readonly #stop = new AbortController();
  readonly #builder: OverlayBuilder;
  readonly #upkeep: OverlayUpkeep;
  readonly #sweeps: Sweeps;
  readonly #applying: Promise<void>;
  #progress = Promise.withResolvers<void>();
  /** False while the log's past is replayed: overlays are looked after once, when that is done. */
  #live = false;
  #failure: Error | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    { clock, random, onFailed, onHousekeepingError = () => {}, onApplyDuration }: ReplicaOptions,
    lock: DirectoryLock,
    log: ReplicatedLog,
    store: StateStore,
  ) {
    this.#clock = clock;
    this.#lock = lock;
    this.#log = log;
    this.#store = store;
    this.#onFailed = onFailed;
    this.#onApplyDuration = onApplyDuration;
    this.#proposals = new Proposals(random);
    const leads = () => this.#failure === undefined && log.status().role === "leader";
    const bySystem = (command: CommandInput) => this.submit(command, { actor: SYSTEM_IDENTITY });
    this.#builder = new OverlayBuilder({
      state: store,
      propose: async (overlay) => void await bySystem({ type: "SetOverlay", overlay }),
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
    this.#applying = this.#applyCommitted().catch((error) => this.#fail(error));
  }

  get state(): StateView {
    return this.#store;
  }

  get appliedSequence(): number {
    return this.#store.nextSequence - 1;
  }

  async submit(command: CommandInput, options: SubmitOptions): Promise<CommandResult> {
    this.#refuseWhenUnable();
    const { actor, requestId, audit, signal } = options;
    const startedMs = this.#clock.monotonicMs();
    const { id, result } = this.#proposals.begin(signal);
    try {
      const payload = encodeEnvelope({
        format: 1,
        proposal: id,
        timestamp: new Date(this.#clock.nowMs()).toISOString(),
        actor,
        request_id: requestId,
        audit,
        command: parseCommand(command),
      });
      await this.#log.propose(payload, signal === undefined ? {} : { signal });
    } catch (error) {
      this.#proposals.fail(id, error);
    }
    const applied = await result;
    this.#onApplyDuration?.(this.#clock.monotonicMs() - startedMs);
    return applied;
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

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Resolves when everything committed before the start is applied; rejects when it cannot be. */
  async caughtUp(): Promise<void> {
    const { commitIndex } = this.#log.status();
    while (this.#failure === undefined && this.#store.applied.index < commitIndex) {
      await this.#progress.promise;
    }
    if (this.#failure !== undefined) throw this.#failure;
    this.#live = true;
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

  async #applyCommitted(): Promise<void> {
    const from = this.#store.applied.index + 1n;
    for await (const batch of this.#log.committed(from, { signal: this.#stop.signal })) {
      this.#applyBatch(batch);
      this.#progress.resolve();
      this.#progress = Promise.withResolvers();
    }
  }

  #applyBatch(batch: CommittedBatch): void {
    if (batch.kind === "snapshot") {
      restoreSnapshot(this.#store, batch.path);
      const { index } = batch.position;
      this.#tell({ index, entries: [], writes: emptyTables(), restored: true });
      return;
    }
    for (const record of applyRecords(this.#store, batch.records)) this.#report(record);
    this.#waiters.reached(this.appliedSequence);
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
    await this.#proposals.drained();
    this.#stop.abort();
    await this.#applying;
    await this.#log.close();
    this.#store.close();
    this.#lock.release();
  }
}

function parseCommand(command: CommandInput): Command {
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

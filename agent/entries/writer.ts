/**
 * Brings the node's entries to the journal: at once while there is contact, otherwise into the
 * operation log and from there in order when contact returns. It owns the pending answers; they are
 * refused by `close`.
 */

import { clone, create } from "@bufbuild/protobuf";
import { agentport, config } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { OperationLog } from "../cache/mod.ts";
import { isOutOfReach } from "./out_of_reach.ts";
import { RefusedError } from "./refused_error.ts";
import { asReplayed } from "./replayed.ts";

/** Longest wait for the journal's answer before an entry counts as not delivered. */
const ANSWER_LIMIT_MS = 12_000;
/** Wait before the next try while there is contact but no answer. */
const RETRY_MS = 1_000;
/** Answers that may be outstanding at once. */
const MAX_IN_FLIGHT = 256;

/** What became of an entry. */
export type Written =
  | { readonly kind: "appended"; readonly sequence: bigint; readonly policyRef: string }
  | Queued;

/** Kept on the node, to be replayed under this id; it was tagged `degraded:`. */
export interface Queued {
  readonly kind: "queued";
  readonly requestId: string;
}

/** What became of a queued entry at last. */
export type ReplayOutcome =
  | { readonly kind: "appended"; readonly sequence: bigint }
  | { readonly kind: "rejected"; readonly code: string; readonly reason: string };

/** An entry to be written. */
export interface EntryRequest {
  readonly entry: config.ConfigEntry;
  readonly expectedHead?: bigint | undefined;
  /** It ends an emergency of somebody else (EMG-3). */
  readonly force?: boolean;
  /** Called before it is kept for later. @throws {RefusedError} where that must not be (DEG-6) */
  readonly checkKept?: () => void;
  /** The person it is for, where a second one may have to agree (APR-12). */
  readonly approval?: {
    readonly subject: string;
    /** The approval that was given already; empty where none was. */
    readonly id: string;
    /** Whether it must not be kept for later: nobody can agree to it then (DEG-5). */
    readonly isRequired: boolean;
  };
}

/** Writes entries. */
export interface EntryWriter {
  /** @throws {RefusedError} what the journal refused, or RESOURCE_EXHAUSTED when the queue is full. */
  write(request: EntryRequest): Promise<Written>;
  /**
   * Keeps an entry of which it is known that no journal can take it now; replayed like all others.
   *
   * @throws {RefusedError} RESOURCE_EXHAUSTED when the queue is full.
   */
  keep(request: Pick<EntryRequest, "entry" | "force">): Queued;
  /** Contact was made or lost. */
  connected(isConnected: boolean): void;
  /** Replays what is pending; resolves when it is in the journal or contact is lost again. */
  replay(): Promise<void>;
  onResult(result: agentport.AppendResult): void;
  /** Entries waiting for replay. */
  readonly pendingCount: number;
  /** What is written now goes to the journal at once. */
  readonly isReachable: boolean;
  /** Nothing more can be kept: what changes the node is to be refused (PRT-7). */
  readonly isFull: boolean;
  /** Resolves when nothing is on its way any more, at the latest after `limitMs`. */
  settled(limitMs: number): Promise<void>;
  close(): void;
}

/** What the writer works with. */
export interface EntryWriterOptions {
  readonly operations: OperationLog;
  readonly send: (append: agentport.Append) => void;
  readonly clock: Clock;
  readonly log: Logger;
  /** A new request id, unguessable and unique. */
  readonly newRequestId: () => string;
  /** Told of every entry that leaves the queue, also of one that an earlier agent had queued. */
  readonly onReplayed: (append: agentport.Append, outcome: ReplayOutcome) => void;
}

/** A writer without contact. */
export function createEntryWriter(options: EntryWriterOptions): EntryWriter {
  return new Writer(options);
}

class Writer implements EntryWriter {
  readonly #inFlight = new Map<bigint, (result: agentport.AppendResult) => void>();
  readonly #idle: (() => void)[] = [];
  #isConnected = false;
  #isReplaying = false;
  #retry: TimerHandle | undefined;
  #lastId = 0n;

  constructor(private readonly options: EntryWriterOptions) {}

  get pendingCount(): number {
    return this.options.operations.pending.length;
  }

  get isReachable(): boolean {
    return this.#isConnected && this.pendingCount === 0;
  }

  get isFull(): boolean {
    return this.options.operations.isFull;
  }

  connected(isConnected: boolean): void {
    this.#isConnected = isConnected;
    if (isConnected) return;
    this.#forgetRetry();
    const lost = create(agentport.AppendResultSchema, {
      errorCode: "UNAVAILABLE",
      errorMessage: "contact with the journal was lost",
    });
    for (const settle of [...this.#inFlight.values()]) settle(lost);
  }

  async write(request: EntryRequest): Promise<Written> {
    const append = this.#appendOf(request);
    if (request.approval?.isRequired === true) return await this.#writeNow(append);
    // What is pending must come first, or the log would tell another order than what happened.
    if (!this.#isConnected || this.pendingCount > 0) return this.#keep(append, request);
    const result = await this.#submit(append);
    if (result.errorCode === "") {
      return { kind: "appended", sequence: result.sequence, policyRef: result.policyRef };
    }
    if (isOutOfReach(result.errorCode)) return this.#keep(append, request);
    throw refusalOf(result);
  }

  keep(request: EntryRequest): Queued {
    return this.#keep(this.#appendOf(request), request);
  }

  #appendOf({ entry, expectedHead, approval, force }: EntryRequest): agentport.Append {
    return create(agentport.AppendSchema, {
      entry,
      requestId: this.options.newRequestId(),
      ...(expectedHead === undefined ? {} : { expectedHead }),
      authorSubject: approval?.subject ?? "",
      approvalId: approval?.id ?? "",
      force: force ?? false,
    });
  }

  /** What takes two people is written now or not at all. */
  async #writeNow(append: agentport.Append): Promise<Written> {
    const result = this.#isConnected ? await this.#submit(append) : undefined;
    if (result === undefined || isOutOfReach(result.errorCode)) {
      throw new RefusedError("POLICY_DENIED", "two-person approval unavailable during partition");
    }
    if (result.errorCode !== "") throw refusalOf(result);
    return { kind: "appended", sequence: result.sequence, policyRef: result.policyRef };
  }

  async replay(): Promise<void> {
    if (this.#isReplaying) return;
    this.#forgetRetry();
    this.#isReplaying = true;
    try {
      await this.#replayPending();
    } finally {
      this.#isReplaying = false;
    }
    this.#replayLater();
  }

  async #replayPending(): Promise<void> {
    const { operations, log } = this.options;
    while (this.#isConnected && operations.pending.length > 0) {
      const first = asReplayed(operations.pending);
      if (first === undefined) return;
      const result = await this.#submit(first);
      if (isOutOfReach(result.errorCode)) return;
      operations.settleFirst();
      if (result.errorCode === "") {
        this.options.onReplayed(first, { kind: "appended", sequence: result.sequence });
        continue;
      }
      const refusal = { code: result.errorCode, reason: result.errorMessage };
      log.error("replay rejected", refusal);
      this.options.onReplayed(first, { kind: "rejected", ...refusal });
    }
  }

  /** What waits while there is contact is tried again: contact need not be made anew for that. */
  #replayLater(): void {
    if (!this.#isConnected || this.pendingCount === 0) return;
    if (this.#isReplaying || this.#retry !== undefined) return;
    this.#retry = this.options.clock.setTimer(RETRY_MS, () => {
      this.#retry = undefined;
      this.replay().catch((error: unknown) =>
        this.options.log.error("replay failed", { error: String(error) })
      );
    });
  }

  #forgetRetry(): void {
    if (this.#retry !== undefined) this.options.clock.clearTimer(this.#retry);
    this.#retry = undefined;
  }

  onResult(result: agentport.AppendResult): void {
    this.#inFlight.get(result.appendId)?.(result);
  }

  async settled(limitMs: number): Promise<void> {
    if (this.#inFlight.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.options.clock.setTimer(limitMs, resolve);
    this.#idle.push(resolve);
    await promise;
    this.options.clock.clearTimer(timer);
  }

  close(): void {
    this.connected(false);
    this.options.operations.close();
  }

  #keep(append: agentport.Append, { checkKept }: EntryRequest): Queued {
    checkKept?.();
    if (this.isFull) {
      throw new RefusedError("RESOURCE_EXHAUSTED", "local audit log full");
    }
    const queued = clone(agentport.AppendSchema, append);
    delete queued.expectedHead;
    if (queued.entry !== undefined) tagDegraded(queued.entry);
    this.options.operations.add(queued);
    this.#replayLater();
    return { kind: "queued", requestId: append.requestId };
  }

  #submit(append: agentport.Append): Promise<agentport.AppendResult> {
    const { promise, resolve } = Promise.withResolvers<agentport.AppendResult>();
    const appendId = ++this.#lastId;
    if (this.#inFlight.size >= MAX_IN_FLIGHT) {
      resolve(unavailable(appendId, "too many entries on their way"));
      return promise;
    }
    const timer: TimerHandle = this.options.clock.setTimer(
      ANSWER_LIMIT_MS,
      () => settle(unavailable(appendId, "the journal did not answer in time")),
    );
    const settle = (result: agentport.AppendResult) => {
      this.options.clock.clearTimer(timer);
      this.#inFlight.delete(appendId);
      if (this.#inFlight.size === 0) { for (const wake of this.#idle.splice(0)) wake(); }
      resolve(result);
    };
    this.#inFlight.set(appendId, settle);
    this.options.send({ ...append, appendId });
    return promise;
  }
}

/** Marks an entry as done without contact; its own time is kept at replay (JRN-24). */
function tagDegraded(entry: config.ConfigEntry): void {
  if (!entry.policyRef.startsWith("degraded:")) {
    entry.policyRef = `degraded:${entry.policyRef || "offline"}`;
  }
}

function refusalOf(
  { errorCode, errorMessage, approvalId, approvalExpires }: agentport.AppendResult,
): RefusedError {
  return new RefusedError(errorCode, errorMessage, { id: approvalId, expires: approvalExpires });
}

function unavailable(appendId: bigint, errorMessage: string): agentport.AppendResult {
  return create(agentport.AppendResultSchema, { appendId, errorCode: "UNAVAILABLE", errorMessage });
}

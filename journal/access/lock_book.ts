/**
 * The locks in force at this member, and the streams of those they may be on. It owns the timers that
 * cut off streams and ends with `close`; the streams it knows end by themselves.
 *
 * | what happens              | streams of whom it keeps out                          |
 * |---------------------------|-------------------------------------------------------|
 * | a lock is set             | a person's are cut off at once, a node's a moment later |
 * | a snapshot brings locks   | the same                                              |
 * | a lock ends               | nothing: whoever was cut off opens new ones           |
 */

import {
  type LockFacts,
  lockOnCaller,
  lockOnScope,
  lockText,
  type Principal,
} from "../../common/authz/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { LiveStream } from "../../common/rpc_server/mod.ts";
import type { Replica } from "../replica/mod.ts";
import { lockFacts } from "../state/mod.ts";
import type { Caller } from "./caller.ts";

/** A node's stream stays so long, for the node to hear on it that it is locked. */
const NODE_GRACE_MS = 500;

/** Where a request applies, as locks see it. */
export interface LockPlace {
  readonly nodeId?: string | undefined;
  readonly vclusterId?: string | undefined;
}

/** See the head of this file. */
export class LockBook {
  readonly #locks = new Map<string, LockFacts>();
  readonly #streams = new Map<LiveStream, Caller>();
  readonly #timers = new Set<TimerHandle>();
  readonly #listeners = new Set<() => void>();
  readonly #lookup = (key: string) => this.#locks.get(key);
  readonly #stop: () => void;

  constructor(
    private readonly replica: Pick<Replica, "state" | "onApplied">,
    private readonly clock: Clock,
  ) {
    this.#read();
    this.#stop = replica.onApplied(({ writes, restored }) => {
      if (!restored && writes.locks.size === 0) return;
      this.#read();
      this.#cutOff();
      for (const listener of this.#listeners) listener();
    });
  }

  /** Whether nobody and nothing is locked, which is the usual case. */
  get isEmpty(): boolean {
    return this.#locks.size === 0;
  }

  /** The lock that keeps a caller out whatever it asks for. */
  onCaller(caller: Pick<Caller, "principal" | "nodeId">): LockFacts | undefined {
    if (this.#locks.size === 0) return undefined;
    return lockOnCaller(this.#lookup, caller, this.clock.nowMs());
  }

  /** The lock that keeps a principal out of a node or a vCluster. */
  onScope(principal: Principal, place: LockPlace): LockFacts | undefined {
    if (this.#locks.size === 0) return undefined;
    return lockOnScope(this.#lookup, principal, place, this.clock.nowMs());
  }

  /** Refuses a caller who is kept out. @throws {PactError} LOCKED */
  requireFree(caller: Caller): void {
    const lock = this.onCaller(caller);
    if (lock !== undefined) throw lockedError(lock);
  }

  /** Cuts off a stream as soon as its caller is kept out. */
  follow(caller: Caller, stream: LiveStream): void {
    this.#streams.set(stream, caller);
    stream.onEnd(() => this.#streams.delete(stream));
  }

  /** Calls `listener` whenever locks have changed, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#stop();
    for (const timer of this.#timers) this.clock.clearTimer(timer);
  }

  #read(): void {
    this.#locks.clear();
    for (const [key, lock] of this.replica.state.list("locks")) {
      this.#locks.set(key, lockFacts(lock));
    }
  }

  #cutOff(): void {
    for (const [stream, caller] of this.#streams) {
      const lock = this.onCaller(caller);
      if (lock === undefined) continue;
      if (caller.principal.nodeId === undefined) stream.cut(lockedError(lock));
      else this.#soon(() => stream.cut(lockedError(lock)));
    }
  }

  #soon(cut: () => void): void {
    const timer = this.clock.setTimer(NODE_GRACE_MS, () => {
      this.#timers.delete(timer);
      cut();
    });
    this.#timers.add(timer);
  }
}

/** What callers get who are kept out. */
export function lockedError(lock: LockFacts): PactError {
  return new PactError("LOCKED", lockText(lock));
}

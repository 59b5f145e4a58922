import type { Actor } from "./event.ts";

/** What is to be known of a process besides its number. */
export interface ProcessFacts {
  /** 0: unknown. */
  readonly parentPid: number;
  /** Absent where it was gone before anybody could look at it. */
  readonly uid?: number;
  readonly loginUid?: number;
  readonly comm: string;
  readonly exe?: string;
  readonly cgroup?: string;
}

interface Known {
  readonly facts: ProcessFacts;
  readonly atMs: number;
}

/** Most processes remembered. */
export const MAX_PROCESSES = 4096;
/** A process that ended this long ago is nobody's actor any more. */
export const REMEMBERED_MS = 10_000;
const MAX_PARENTS = 4;
const MAX_FORKS_FOLLOWED = 8;

/**
 * Remembers processes for a while after their end, because what changes a file is often gone when the
 * news of it arrive. It knows no clock and reads nothing: it is told both.
 */
export class ActorTable {
  readonly #known = new Map<number, Known>();
  readonly #forks = new Map<number, { readonly parentPid: number; readonly atMs: number }>();

  /** How many processes are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** A process was forked: whatever had its number before is forgotten. */
  forked(pid: number, parentPid: number, nowMs: number): void {
    this.#known.delete(pid);
    this.#forks.delete(pid);
    this.#forks.set(pid, { parentPid, atMs: nowMs });
    forgetOldest(this.#forks);
  }

  /** A process was looked at, or the kernel has told all of it. */
  learned(pid: number, facts: ProcessFacts, nowMs: number): void {
    this.#known.delete(pid);
    this.#known.set(pid, { facts, atMs: nowMs });
    forgetOldest(this.#known);
  }

  /** What is remembered of a process, unless that is too long ago. */
  facts(pid: number, nowMs: number): ProcessFacts | undefined {
    const known = this.#known.get(pid);
    return known !== undefined && nowMs - known.atMs <= REMEMBERED_MS ? known.facts : undefined;
  }

  /**
   * The actor behind a number. `alive` are the facts of a process that has just been looked at; without
   * them what was remembered serves, and then the program that forked it.
   */
  actor(
    pid: number,
    nowMs: number,
    alive: (pid: number) => ProcessFacts | undefined,
  ): Actor {
    const found = alive(pid);
    if (found !== undefined) this.learned(pid, found, nowMs);
    const facts = found ?? this.facts(pid, nowMs);
    if (facts !== undefined) return this.#actorOf(pid, facts, "certain", nowMs, alive);
    const forker = this.#forker(pid, nowMs, alive);
    return forker === undefined
      ? { pid, confidence: "number" }
      : { ...this.#actorOf(pid, forker, "likely", nowMs, alive), isForker: true };
  }

  #forker(pid: number, nowMs: number, alive: (pid: number) => ProcessFacts | undefined) {
    let at = pid;
    for (let step = 0; step < MAX_FORKS_FOLLOWED; step++) {
      const fork = this.#forks.get(at);
      if (fork === undefined || nowMs - fork.atMs > REMEMBERED_MS) return undefined;
      at = fork.parentPid;
      const facts = alive(at) ?? this.facts(at, nowMs);
      if (facts !== undefined) return facts;
    }
    return undefined;
  }

  #actorOf(
    pid: number,
    facts: ProcessFacts,
    confidence: Actor["confidence"],
    nowMs: number,
    alive: (pid: number) => ProcessFacts | undefined,
  ): Actor {
    const { parentPid, ...shown } = facts;
    const parents: string[] = [];
    for (let above = parentPid; above > 1 && parents.length < MAX_PARENTS;) {
      const parent = this.facts(above, nowMs) ?? alive(above);
      if (parent === undefined) break;
      parents.push(parent.comm);
      above = parent.parentPid;
    }
    return { pid, confidence, ...shown, ...(parents.length > 0 && { parents }) };
  }
}

/** A map keeps the order of insertion: the first is the oldest. */
function forgetOldest(map: Map<number, unknown>): void {
  if (map.size <= MAX_PROCESSES) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

import type { ResourceLimits } from "../../contracts/mod.ts";
import type { ControlFileWatch } from "./control_file_watch.ts";

/** A function this node cannot offer, and why (CTX-5). */
export interface Unavailable {
  readonly what: string;
  readonly reason: string;
}

/** A process that was in a slice itself, where nothing belongs (CG-28). */
export interface StrayProcess {
  readonly pid: number;
  readonly comm: string;
  readonly slice: string;
}

/** What is put right from time to time. */
export interface Housekeeping {
  /** Moves this process to the scope that is the agent's own (ISO-1). @throws {CgroupError} */
  placeAgent(pid: number): void;
  /** Removes scopes that could not be emptied before and are empty now (CG-25). */
  retryZombies(): void;
  /** Moves processes that are in no scope to the one for strays; answers which. */
  moveStrays(): readonly StrayProcess[];
}

/** Keeps what one service, command or session starts together, so that all of it can be ended. */
export interface Isolation {
  /** What is missing here, for status and capability report. */
  readonly unavailable: readonly Unavailable[];
  /**
   * A new scope, empty. Its processes get `cgroupDirectory` at spawn, and `hold` right after.
   *
   * @param slice one of pact's slices
   * @throws {CgroupError} when it cannot be made; nothing is left of it then (RI5)
   */
  open(slice: string, name: string, limits: ResourceLimits): Promise<Scope>;
  /** A scope of a former life of the agent, by what `Scope.id` was, and its main process. */
  adopt(id: string, mainPid: number): Scope;
  /** Null where scopes are no cgroups. */
  readonly housekeeping: Housekeeping | null;
}

/** What a scope may have and has had, as far as the kernel counts it. */
export interface ScopeMemory {
  /** memory.max; null without a limit. */
  readonly maxBytes: bigint | null;
  /** memory.peak; null on kernels without it. */
  readonly peakBytes: bigint | null;
}

/** The processes that belong together. */
export interface Scope {
  /** Names the scope in a state file. */
  readonly id: string;
  /** The cgroup to spawn into; null where scopes are no cgroups. */
  readonly cgroupDirectory: string | null;
  /** Says which process was spawned into the scope. */
  hold(mainPid: number): void;
  /** Whether `pid` belongs to the scope, or to a cgroup below it (INI-32). */
  contains(pid: number): boolean;
  setLimits(limits: ResourceLimits): void;
  /** How many processes the kernel killed for want of memory. */
  oomKills(): bigint;
  /** Calls back after what may be such a kill, until closed; never where scopes are no cgroups. */
  onMemoryEvent(listener: () => void): ControlFileWatch;
  memory(): ScopeMemory;
  /** Kills what there is, at once; while the main process has not been reaped. */
  sweep(): void;
  /**
   * Kills what there is, waits until it is gone and removes the scope (CG-24).
   *
   * @throws {CgroupError} KillFailed after 10 s, naming the survivors
   */
  clear(): Promise<void>;
}

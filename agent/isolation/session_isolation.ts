import type { Clock } from "../../common/clock/mod.ts";
import { DESTROY_LIMIT_MS, killFailed, type ResourceLimits } from "../../contracts/mod.ts";
import type { ControlFileWatch } from "./control_file_watch.ts";
import type { Isolation, Scope, ScopeMemory, Unavailable } from "./isolation.ts";
import { pause } from "./pause.ts";
import { type ProcessEntry, type ProcessTable, ZOMBIE_STATE } from "./process_table.ts";

/**
 * Scopes where no cgroups can be had: the session that every spawned process leads. What calls
 * setsid(2) leaves it, and limits are not enforced; `unavailable` has to say so.
 */
export function createSessionIsolation(
  processes: ProcessTable,
  clock: Clock,
  unavailable: readonly Unavailable[],
): Isolation {
  return {
    unavailable,
    housekeeping: null,
    open: (_slice, name) => Promise.resolve(new SessionScope(processes, clock, name)),
    adopt: (id, mainPid) => {
      const scope = new SessionScope(processes, clock, id);
      scope.hold(mainPid);
      return scope;
    },
  };
}

/** A fork bomb may outrun a pass; clear() goes on where this bound ends. */
const SWEEP_PASSES = 64;
const LONGEST_PAUSE_MS = 50;

class SessionScope implements Scope {
  readonly id: string;
  readonly cgroupDirectory = null;
  readonly #processes: ProcessTable;
  readonly #clock: Clock;
  readonly #killed = new Map<number, ProcessEntry>();
  #mainPid = 0;
  #swept = false;

  constructor(processes: ProcessTable, clock: Clock, id: string) {
    this.#processes = processes;
    this.#clock = clock;
    this.id = id;
  }

  hold(mainPid: number): void {
    this.#mainPid = mainPid;
  }

  contains(pid: number): boolean {
    return this.#processes.find(pid)?.session === this.#mainPid;
  }

  setLimits(_limits: ResourceLimits): void {}

  oomKills(): bigint {
    return 0n;
  }

  onMemoryEvent(_listener: () => void): ControlFileWatch {
    return { close: () => {} };
  }

  memory(): ScopeMemory {
    return { maxBytes: null, peakBytes: null };
  }

  /**
   * The leader, alive or not yet reaped, keeps its number from being given to another session:
   * only then may processes be killed by it. Members found are remembered for `clear`.
   */
  sweep(): void {
    if (this.#swept || this.#mainPid === 0) return;
    for (let pass = 0; pass < SWEEP_PASSES; pass++) {
      const fresh = this.#processes.all().filter((entry) =>
        entry.session === this.#mainPid && entry.state !== ZOMBIE_STATE &&
        !this.#killed.has(entry.pid)
      );
      if (fresh.length === 0) break;
      for (const entry of fresh) {
        this.#killed.set(entry.pid, entry);
        this.#processes.kill(entry.pid);
      }
    }
    this.#swept = true;
  }

  async clear(): Promise<void> {
    this.sweep();
    const deadlineMs = this.#clock.monotonicMs() + DESTROY_LIMIT_MS;
    let pauseMs = 1;
    for (let left = this.#survivors(); left.length > 0; left = this.#survivors()) {
      if (this.#clock.monotonicMs() >= deadlineMs) throw killFailed(this.id, left);
      await pause(this.#clock, pauseMs);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }

  #survivors(): readonly ProcessEntry[] {
    return [...this.#killed.values()].map(({ pid, startTicks }) => {
      const now = this.#processes.find(pid);
      return now?.startTicks === startTicks && now.state !== ZOMBIE_STATE ? now : null;
    }).filter((entry) => entry !== null);
  }
}

import { decodeExit, EXIT_FIELDS, type ExitStatus, type ReapedProcess } from "./exit_status.ts";
import { check, isErrno, isShimError, ShimError } from "./shim_error.ts";
import { type SignalName, signalNumber } from "./signals.ts";
import { SpawnError } from "./spawn_error.ts";
import { packSpawnRequest, type SpawnRequest } from "./spawn_request.ts";
import type { Library } from "./symbols.ts";

/** How a child came into its cgroup: none was asked for, born in it, or moved itself before exec. */
export type CgroupPlacement = "none" | "clone" | "moved";

const PLACEMENTS: readonly CgroupPlacement[] = ["none", "clone", "moved"];
const RESULT_FIELDS = 8;
const REAP_BATCH = 512;

/** A process held by its pidfd: signals reach it and never a successor of its pid. */
export interface Process {
  readonly pid: number;
  /** For the event pump; owned by this object. */
  readonly pidfd: number;
  /** Our ends of the pipes asked for, else null. Whoever adopts one (`readPipe`) owns and closes it;
   * `close` leaves them alone. */
  readonly stdin: number | null;
  readonly stdout: number | null;
  readonly stderr: number | null;
  readonly placement: CgroupPlacement;
  /** Sends a signal; false when the process is gone already. */
  signal(name: SignalName): boolean;
  /** Sends a signal to the process group it leads, its descendants that did not leave it included;
   * false when there is none. Not safe against reuse of the pid: only before `exitStatus` answered. */
  signalGroup(name: SignalName): boolean;
  /** null while it runs. The first answer after its end consumes the status; later ones repeat it. */
  exitStatus(): ExitStatus | null;
  isAlive(): boolean;
  /** Closes the pidfd and ends supervision of the pid: from then on its end belongs to
   * `reapOrphans`. Repeatable. */
  close(): void;
}

/** Starting, holding and reaping processes. All calls return at once, `spawn` when exec happened. */
export interface Processes {
  /** Starts a program. Throws SpawnError. Call it on the main thread when it has a
   * parentDeathSignal, which is tied to the calling thread (prctl(2)). */
  spawn(request: SpawnRequest): Process;
  /** Holds a process that runs already, after a restart of ours say. Throws ESRCH. */
  adopt(pid: number): Process;
  /** Reaps ended children that nobody supervises and never one that `spawn` or `adopt` holds
   * (INI-10). Answers at most `limit`, 512 unless given, which keeps a call within a few
   * milliseconds; when it answers as many, call again on the next turn of the loop (INI-11). */
  reapOrphans(limit?: number): ReapedProcess[];
  /** Orphans below this process become its children, as they would be of PID 1. */
  becomeSubreaper(enabled?: boolean): void;
  /** kill(2) by pid, for processes without a pidfd; false when there is none. */
  kill(pid: number, name: SignalName): boolean;
  /** The pids that `reapOrphans` leaves alone. */
  supervisedPids(): number[];
}

/** True on success, false on ESRCH, throws anything else. */
function reached(result: number, operation: string, target: string): boolean {
  if (isErrno(result, "ESRCH")) return false;
  check(result, operation, target);
  return true;
}

class HeldProcess implements Process {
  readonly #library: Library;
  readonly #supervised: Map<number, HeldProcess>;
  #status: ExitStatus | null = null;
  #closed = false;

  constructor(
    library: Library,
    supervised: Map<number, HeldProcess>,
    readonly pid: number,
    readonly pidfd: number,
    readonly placement: CgroupPlacement = "none",
    readonly stdin: number | null = null,
    readonly stdout: number | null = null,
    readonly stderr: number | null = null,
  ) {
    this.#library = library;
    this.#supervised = supervised;
    supervised.set(pid, this);
  }

  signal(name: SignalName): boolean {
    if (this.#status !== null) return false;
    this.#assertOpen("pidfd_send_signal");
    const result = this.#library.pact_shim_pidfd_signal(this.pidfd, signalNumber(name));
    return reached(result, "pidfd_send_signal", `${this.pid}`);
  }

  signalGroup(name: SignalName): boolean {
    if (this.#status !== null) return false;
    const result = this.#library.pact_shim_kill_group(this.pid, signalNumber(name));
    return reached(result, "killpg", `${this.pid}`);
  }

  exitStatus(): ExitStatus | null {
    if (this.#status !== null) return this.#status;
    this.#assertOpen("waitid");
    const fields = new Int32Array(EXIT_FIELDS);
    const result = this.#library.pact_shim_pidfd_wait(this.pidfd, fields);
    if (result === 0) return null;
    try {
      check(result, "waitid", `${this.pid}`);
      this.#status = decodeExit(fields, 0).status;
    } catch (error) {
      if (!isShimError(error, "ECHILD")) throw error;
      if (this.isAlive()) return null;
      this.#status = { kind: "unknown" };
    }
    this.#endSupervision();
    return this.#status;
  }

  isAlive(): boolean {
    if (this.#status !== null) return false;
    this.#assertOpen("poll");
    return check(this.#library.pact_shim_pidfd_alive(this.pidfd), "poll", `${this.pid}`) === 1;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#endSupervision();
    check(this.#library.pact_shim_close(this.pidfd), "close", `pidfd of ${this.pid}`);
  }

  #endSupervision(): void {
    if (this.#supervised.get(this.pid) === this) this.#supervised.delete(this.pid);
  }

  #assertOpen(operation: string): void {
    if (this.#closed) throw ShimError.of("EBADF", operation, `${this.pid}`);
  }
}

/** The processes of one loaded shim. */
export function createProcesses(library: Library): Processes {
  const supervised = new Map<number, HeldProcess>();
  const orNull = (fd: number) => fd < 0 ? null : fd;

  function spawn(request: SpawnRequest): Process {
    const packed = packSpawnRequest(request);
    const fields = new Int32Array(RESULT_FIELDS);
    const result = library.pact_shim_spawn(packed, packed.byteLength, fields);
    const [pid = -1, pidfd = -1, stdin = -1, stdout = -1, stderr = -1, placement = 0, step = 0] =
      fields;
    if (result < 0) throw new SpawnError(-result, step, request);
    return new HeldProcess(
      library,
      supervised,
      pid,
      pidfd,
      PLACEMENTS[placement] ?? "none",
      orNull(stdin),
      orNull(stdout),
      orNull(stderr),
    );
  }

  function adopt(pid: number): Process {
    const pidfd = check(library.pact_shim_pidfd_open(pid), "pidfd_open", `${pid}`);
    return new HeldProcess(library, supervised, pid, pidfd);
  }

  function reapOrphans(limit = 512): ReapedProcess[] {
    const held = Int32Array.from(supervised.keys()).sort();
    const fields = new Int32Array(REAP_BATCH * EXIT_FIELDS);
    const reaped: ReapedProcess[] = [];
    let count = REAP_BATCH;
    while (count === REAP_BATCH && reaped.length < limit) {
      const room = Math.min(REAP_BATCH, limit - reaped.length);
      const result = library.pact_shim_reap_orphans(held, held.length, fields, room);
      count = check(result, "waitid");
      for (let index = 0; index < count; index++) reaped.push(decodeExit(fields, index));
    }
    return reaped;
  }

  return {
    spawn,
    adopt,
    reapOrphans,
    becomeSubreaper: (enabled = true) => {
      check(library.pact_shim_set_subreaper(enabled ? 1 : 0), "prctl", "PR_SET_CHILD_SUBREAPER");
    },
    kill: (pid, name) => reached(library.pact_shim_kill(pid, signalNumber(name)), "kill", `${pid}`),
    supervisedPids: () => [...supervised.keys()],
  };
}

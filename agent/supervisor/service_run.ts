import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { CgroupError, DEFAULT_LIMITS, type ResourceLimits } from "../../contracts/mod.ts";
import {
  type EventPump,
  type ExitStatus as RawExitStatus,
  type Process,
  type Shim,
  ShimError,
  type SignalName,
  SpawnError,
  type Watch,
} from "../../ffi/mod.ts";
import type { Isolation, ProcessTable, Scope, ScopeMemory, Unavailable } from "../isolation/mod.ts";
import type { ServiceDeclaration } from "./declaration.ts";
import type { NodePlace } from "./environment.ts";
import { type ExitStatus, isFailure } from "./exit_status.ts";
import { formerEnd, type FormerEnds } from "./former_end.ts";
import { resolveIdentity } from "./identity.ts";
import {
  isNotifying,
  type NotifyListener,
  openNotifyListener,
  reopenNotifyListener,
} from "./notify_listener.ts";
import { captureOutput, type OutputCapture } from "./output_capture.ts";
import { OomWatch } from "./oom_watch.ts";
import type { OutputStream, ServiceLog } from "./service_log.ts";
import type { Notification } from "./readiness.ts";
import { type SpawnParts, spawnService } from "./spawn_service.ts";

/*
 * Shell: one run of a service, from its spawn until nothing is left of it. Owns the process's pidfd,
 * its scope and its output pipes. Ends by `clear`, which kills, or by `release`, which lets live.
 */

export interface RunContext {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly isolation: Isolation;
  readonly processes: ProcessTable;
  /** Where the named pipes of services' output are; for the agent alone. */
  readonly pipesDirectory: string;
  /** Where the sockets are that services notify; others may only pass through. */
  readonly notifyDirectory: string;
  readonly log: Logger;
  readonly place: () => NodePlace;
  /** Told when this node refuses something every run would want. */
  readonly onUnavailable: (what: Unavailable) => void;
  /** How services ended that outlived the agent that had started them; absent: nobody knows. */
  readonly formerEnds?: FormerEnds;
}

export type StartOutcome =
  | { readonly kind: "started"; readonly run: ServiceRun }
  | { readonly kind: "blocked"; readonly waitingFor: string }
  | { readonly kind: "failed"; readonly reason: string; readonly permanent: boolean };

/** What identifies a run in a state file (INI-31). */
export interface RunRecord {
  readonly pid: number;
  readonly startTicks: bigint;
  readonly scopeId: string;
}

/** Descriptors to read the output of one run from. */
type OutputReaders = Readonly<Record<OutputStream, number>>;

const STREAMS = ["stdout", "stderr"] as const;
/** How long pipes may take to be empty once every process of the scope is gone. */
const LAST_OUTPUT_MS = 1_000;

/** Starts a service in a scope of its own (SUP-20). */
export async function startRun(
  declaration: ServiceDeclaration,
  log: ServiceLog,
  context: RunContext,
): Promise<StartOutcome> {
  const outcome = await resolveIdentity(declaration.user, context.shim);
  if (outcome.kind === "unknown") {
    return { kind: "blocked", waitingFor: `identity of ${declaration.user}` };
  }
  if (outcome.kind === "impossible") {
    return { kind: "failed", reason: outcome.reason, permanent: true };
  }
  let scope: Scope;
  try {
    const { name, slice } = declaration;
    scope = await context.isolation.open(slice, name, limitsOf(declaration));
  } catch (error) {
    if (!(error instanceof CgroupError)) throw error;
    return { kind: "failed", reason: error.message, permanent: true };
  }
  let notify: NotifyListener | null = null;
  try {
    const { identity } = outcome;
    if (isNotifying(declaration)) {
      notify = openNotifyListener(declaration, identity, scope, context);
    }
    const { process, readers } = spawnWithOutput(declaration, {
      identity,
      scope,
      notifyEnvironment: notify?.environment ?? {},
    }, context);
    scope.hold(process.pid);
    const run = new ServiceRun({ process, pid: process.pid, scope, readers, notify }, log, context);
    return { kind: "started", run };
  } catch (error) {
    notify?.close({ forget: true });
    await scope.clear();
    if (!(error instanceof SpawnError) && !(error instanceof ShimError)) throw error;
    return { kind: "failed", reason: error.message, permanent: false };
  }
}

/** Takes over a run of a former life of the agent; it may have ended meanwhile (INI-32). */
export function adoptRun(
  declaration: ServiceDeclaration,
  record: RunRecord,
  log: ServiceLog,
  context: RunContext,
): ServiceRun {
  const found = context.processes.find(record.pid);
  const isSame = found !== null && found.startTicks === record.startTicks;
  // A pid given to somebody else names neither our process nor our session.
  const scope = context.isolation.adopt(record.scopeId, found === null || isSame ? record.pid : 0);
  const process = isSame && scope.contains(record.pid)
    ? context.shim.processes.adopt(record.pid)
    : null;
  const readers = process === null ? null : openReaders(declaration.name, context);
  const notify = process === null ? null : reopenNotifyListener(declaration, scope, context);
  return new ServiceRun(
    { process, pid: record.pid, startTicks: record.startTicks, scope, readers, notify },
    log,
    context,
  );
}

/** What a run is made of and owns. */
interface RunParts {
  /** Null for one that has ended without its supervisor. */
  readonly process: Process | null;
  readonly pid: number;
  /** Absent for one that was started just now. */
  readonly startTicks?: bigint;
  readonly scope: Scope;
  readonly readers: OutputReaders | null;
  readonly notify: NotifyListener | null;
}

export class ServiceRun {
  /** Resolves when the main process has ended. Never rejects. */
  readonly exited: Promise<ExitStatus>;
  readonly pid: number;
  readonly #process: Process | null;
  readonly #scope: Scope;
  readonly #context: RunContext;
  readonly #captures: readonly OutputCapture[];
  readonly #startTicks: bigint;
  #watch: Watch | null = null;
  #hasEnded = false;
  #ended: () => void = () => {};
  readonly #oom: OomWatch;
  readonly #notify: NotifyListener | null;

  constructor(
    { process, pid, startTicks, scope, readers, notify }: RunParts,
    log: ServiceLog,
    context: RunContext,
  ) {
    this.#notify = notify;
    this.#process = process;
    this.pid = pid;
    this.#scope = scope;
    this.#oom = new OomWatch(scope, context.clock);
    this.#context = context;
    this.#startTicks = startTicks ?? context.processes.find(pid)?.startTicks ?? 0n;
    this.#captures = readers === null
      ? []
      : STREAMS.map((stream) => captureOutput(readers[stream], stream, log, context.clock));
    this.exited = process === null
      ? formerEnd(this.record, context)
      : new Promise((resolve) => this.#awaitExit(process, resolve));
  }

  get record(): RunRecord {
    return { pid: this.pid, startTicks: this.#startTicks, scopeId: this.#scope.id };
  }

  /** Where what the service says of itself goes. */
  onNotification(listener: (notification: Notification) => void): void {
    this.#notify?.listen(listener);
  }

  signal(name: SignalName): void {
    this.#process?.signal(name);
  }

  setLimits(declaration: ServiceDeclaration): void {
    this.#scope.setLimits(limitsOf(declaration));
  }

  /**
   * Kills whatever is left, waits for it and for the last output, and removes the scope.
   *
   * @throws {CgroupError} KillFailed, naming the survivors
   */
  async clear(): Promise<void> {
    this.#oom.close();
    this.#notify?.close({ forget: true });
    await this.#scope.clear();
    await this.exited;
    const late = this.#context.clock.setTimer(LAST_OUTPUT_MS, () => this.#closePipes());
    await Promise.allSettled(this.#captures.map(({ done }) => done));
    this.#context.clock.clearTimer(late);
    this.#process?.close();
  }

  /** Lets go of everything without touching the service. */
  release(): void {
    this.#watch?.close();
    this.#oom.close();
    this.#notify?.close();
    this.#closePipes();
    this.#process?.close();
  }

  /** Looks whether the process ended without its event having come (SUP-5); true when it had. */
  poll(): boolean {
    if (this.#hasEnded || this.#process === null || this.#process.isAlive()) return false;
    this.#ended();
    return true;
  }

  #awaitExit(process: Process, resolve: (status: ExitStatus) => void): void {
    this.#ended = () => {
      if (this.#hasEnded) return;
      this.#hasEnded = true;
      this.#watch?.close();
      let overrun: ScopeMemory | null = null;
      try {
        // Before the status is consumed: until then nobody else can get the pid (SUP-26).
        this.#scope.sweep();
        overrun = this.#oom.cause();
      } catch (error) {
        // The end is reported all the same; `clear` meets the error again, where it can be told.
        if (!(error instanceof CgroupError) && !(error instanceof ShimError)) throw error;
      }
      const end = (status: ExitStatus) =>
        resolve(overrun !== null && isFailure(status) ? oomStatus(overrun) : status);
      const status = exitStatusOf(process.exitStatus());
      // One that another agent had started is PID 1's child, and PID 1 has the status.
      if (status.kind === "unknown") formerEnd(this.record, this.#context).then(end);
      else end(status);
    };
    this.#watch = this.#context.events.watch(process.pidfd, this.#ended, { once: true });
  }

  #closePipes(): void {
    for (const capture of this.#captures) capture.close();
  }
}

/**
 * Spawns with output into two named pipes, of which the service holds both ends: it goes on while no
 * agent reads them, and the next agent finds them by their names.
 */
function spawnWithOutput(
  declaration: ServiceDeclaration,
  parts: Omit<SpawnParts, "output">,
  context: RunContext,
): { readonly process: Process; readonly readers: OutputReaders } {
  const { files } = context.shim;
  const open: number[] = [];
  try {
    const writers = mapStreams((stream) => {
      const fd = files.openFifo(pipePath(declaration.name, stream, context), "both");
      open.push(fd);
      return fd;
    });
    const readers = openReaders(declaration.name, context);
    try {
      return {
        process: spawnService(declaration, { ...parts, output: writers }, context),
        readers,
      };
    } catch (error) {
      open.push(readers.stdout, readers.stderr);
      throw error;
    }
  } finally {
    for (const fd of open) files.closeDescriptor(fd);
  }
}

function openReaders(name: string, context: RunContext): OutputReaders {
  return mapStreams((stream) =>
    context.shim.files.openFifo(pipePath(name, stream, context), "read")
  );
}

function pipePath(name: string, stream: OutputStream, { pipesDirectory }: RunContext): string {
  return `${pipesDirectory}/${name}.${stream}`;
}

function mapStreams<T>(make: (stream: OutputStream) => T): Readonly<Record<OutputStream, T>> {
  return { stdout: make("stdout"), stderr: make("stderr") };
}

function limitsOf(declaration: ServiceDeclaration): ResourceLimits {
  return {
    ...DEFAULT_LIMITS,
    memoryMaxBytes: declaration.memoryMaxBytes,
    cpuWeight: declaration.cpuWeight,
    pidsMax: declaration.pidsMax,
    ioMaxBytesPerSecond: declaration.ioMaxBytesPerSecond,
  };
}

function oomStatus({ maxBytes, peakBytes }: ScopeMemory): ExitStatus {
  return {
    kind: "oom",
    limitText: maxBytes === null ? "of the node" : binaryBytes(maxBytes),
    peakText: peakBytes === null ? "unknown" : binaryBytes(peakBytes),
  };
}

function exitStatusOf(status: RawExitStatus | null): ExitStatus {
  switch (status?.kind) {
    case "exited":
      return { kind: "code", code: status.code };
    case "signaled":
      return { kind: "signal", signal: status.signal, coreDumped: status.coreDumped };
    default:
      return { kind: "unknown" };
  }
}

/** 134217728 as `128M`; what is no whole number of a unit in plain bytes. */
function binaryBytes(bytes: bigint): string {
  for (const [exponent, unit] of [[40n, "T"], [30n, "G"], [20n, "M"], [10n, "K"]] as const) {
    if (bytes % (1n << exponent) === 0n) return `${bytes >> exponent}${unit}`;
  }
  return `${bytes}`;
}

import { createHash } from "node:crypto";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  allocationScopePath,
  alreadyHasNamespaces,
  assertNamespaceRequest,
  DEFAULT_LIMITS,
  isSameRequest,
  isUnitName,
  NamespaceError,
  type NamespaceRequest,
  type NamespaceResponse,
  type NodePaths,
  normaliseCgroupPath,
  PACT_INFRA,
  WORKLOAD_ROOT,
} from "../../contracts/mod.ts";
import { type EventPump, isShimError, type Shim } from "../../ffi/mod.ts";
import type { ControlFileWatcher, Isolation, ProcessTable, Scope } from "../isolation/mod.ts";
import { Allocation, type AllocationDuties } from "./allocation.ts";
import type { HeldNamespaces, NamespaceProgram } from "./namespace_program.ts";
import type { Pins } from "./pins.ts";
import { ScopeWatch } from "./scope_watch.ts";
import { type AllocationRecord, decodeTable, encodeTable, MAX_ALLOCATIONS } from "./table.ts";

/*
 * Shell: owns the namespaces of all allocations: makes, pins, hands out and takes them down, and keeps
 * the table that a new agent finds them by. Ends by `close`; what it made lives on.
 */

/** Shared mounts, as far as namespaces need them. */
export interface UenvMounts {
  /** Mounts an image for an allocation. @throws {NamespaceError | MountError} */
  acquire(image: string, allocationId: string): Promise<{ readonly mountPoint: string }>;
  /** Drops every reference of an allocation that is over. */
  releaseAll(allocationId: string): Promise<void>;
}

export interface ProviderOptions {
  readonly shim: Pick<Shim, "files" | "processes">;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  readonly paths: NodePaths;
  readonly isolation: Isolation;
  readonly watcher: ControlFileWatcher;
  readonly processes: ProcessTable;
  readonly program: NamespaceProgram;
  readonly pins: Pins;
  readonly mounts: UenvMounts;
  readonly audit: AllocationDuties["audit"];
}

/** Limits of a holder: it needs next to nothing. */
const HOLDER_LIMITS = { ...DEFAULT_LIMITS, pidsMax: 8 };
/** WLI-5. */
const RECONCILE_INTERVAL_MS = 60_000;
const MAX_TABLE_BYTES = 4 * 2 ** 20;

/** pact's side of the handoff. */
export class NamespaceProvider {
  readonly #allocations = new Map<string, Allocation>();
  /** Being made. */
  readonly #pending = new Map<string, NamespaceRequest>();
  /** Has to be done before this ends. */
  readonly #working = new Set<Promise<unknown>>();
  #reconciliation: TimerHandle | undefined;
  #isClosed = false;
  #onEnded: (allocationId: string) => void = () => {};

  constructor(private readonly options: ProviderOptions) {}

  /** Finds what a former agent left: running allocations are not disturbed (WLI-6). */
  async restore(): Promise<void> {
    const { pins } = this.options;
    await pins.prepare();
    const pinned = new Map(pins.list().map(({ allocationId, types }) => [allocationId, types]));
    for (const record of this.#load()) {
      const { allocationId, namespaces } = record.request;
      const types = pinned.get(allocationId) ?? [];
      pinned.delete(allocationId);
      const isWhole = namespaces.every((type) => types.includes(type));
      const allocation = this.#adopt(record);
      if (!isWhole) allocation.on({ type: "endAsked" });
    }
    for (const allocationId of pinned.keys()) await this.#takeDownLeak(allocationId);
    this.#save();
    this.#reconcileLater();
  }

  /**
   * Looks for what lost its other half (WLI-5, F35): pins that no allocation owns are taken down, and
   * allocations whose pins somebody removed are over.
   */
  async reconcile(): Promise<void> {
    const { pins, log, audit } = this.options;
    const pinned = new Map(pins.list().map(({ allocationId, types }) => [allocationId, types]));
    for (const allocation of this.#allocations.values()) {
      const types = pinned.get(allocation.id) ?? [];
      pinned.delete(allocation.id);
      if (!allocation.isLive) continue;
      if (allocation.record.request.namespaces.every((type) => types.includes(type))) continue;
      log.warn("an allocation has lost its namespaces", { allocation: allocation.id });
      audit("namespace.leak_detected", allocation.id, "Success", "record without its pins");
      allocation.on({ type: "endAsked" });
    }
    for (const allocationId of pinned.keys()) {
      if (!this.#pending.has(allocationId)) await this.#takeDownLeak(allocationId);
    }
  }

  async #takeDownLeak(allocationId: string): Promise<void> {
    const { pins, mounts, log, audit } = this.options;
    log.warn("namespaces without an allocation are taken down", { allocation: allocationId });
    audit("namespace.leak_detected", allocationId, "Success", "pins without a record");
    await pins.remove(allocationId);
    await mounts.releaseAll(allocationId);
  }

  #reconcileLater(): void {
    this.#reconciliation = this.options.clock.setTimer(RECONCILE_INTERVAL_MS, () => {
      const work = this.reconcile()
        .catch((error: unknown) =>
          this.options.log.error("namespaces not reconciled", { error: String(error) })
        )
        .finally(() => {
          this.#working.delete(work);
          if (!this.#isClosed) this.#reconcileLater();
        });
      this.#working.add(work);
    });
  }

  /** Called with the id of every allocation that is over. */
  onEnded(listener: (allocationId: string) => void): void {
    this.#onEnded = listener;
  }

  /**
   * The namespaces of an allocation, made or, for an equal request, again (NS-16); all or nothing
   * (NS-17).
   *
   * @throws {NamespaceError} CreationFailed
   */
  async create(request: NamespaceRequest): Promise<NamespaceResponse> {
    assertNamespaceRequest(request);
    const { allocationId } = request;
    const live = this.#allocations.get(allocationId);
    if (live !== undefined) {
      const same = live.isLive && isSameRequest(live.record.request, request);
      if (!same) throw alreadyHasNamespaces(live.record.request);
      return responseOf(live.record);
    }
    const pending = this.#pending.get(allocationId);
    if (pending !== undefined) throw alreadyHasNamespaces(pending);
    if (this.#allocations.size + this.#pending.size >= MAX_ALLOCATIONS) {
      throw failure("allocation limit reached");
    }
    this.#pending.set(allocationId, request);
    const making = this.#make(request);
    this.#working.add(making);
    try {
      const record = await making;
      this.#adopt(record);
      this.#save();
      const types = request.namespaces.join(", ");
      this.options.audit("namespace.handoff", allocationId, "Success", types);
      return responseOf(record);
    } catch (error) {
      const failed = asNamespaceError(error);
      this.options.audit("namespace.handoff_failed", allocationId, "Failure", failed.message);
      throw failed;
    } finally {
      this.#pending.delete(allocationId);
      this.#working.delete(making);
    }
  }

  /** Descriptors of a response's namespaces, in its order; the caller closes them. */
  openDescriptors({ allocationId, fdTypes }: NamespaceResponse): readonly number[] {
    const { pins, shim } = this.options;
    const opened: number[] = [];
    try {
      for (const type of fdTypes) opened.push(pins.open(allocationId, type));
      return opened;
    } catch (error) {
      for (const fd of opened) shim.files.closeDescriptor(fd);
      throw new NamespaceError({ kind: "FdPassing", cause: String(error) }, { cause: error });
    }
  }

  /**
   * The allocation is over, or will be once its scope is empty (NS-22).
   *
   * @throws {NamespaceError} AllocationNotFound
   */
  end(allocationId: string): void {
    const allocation = this.#allocations.get(allocationId);
    if (allocation === undefined) {
      throw new NamespaceError({ kind: "AllocationNotFound", allocationId });
    }
    allocation.on({ type: "endAsked" });
  }

  /** Allocations whose namespaces exist, and what they are. */
  list(): readonly NamespaceRequest[] {
    return [...this.#allocations.values()].map(({ record }) => record.request);
  }

  /** Resolves when what has begun is done; namespaces and allocations live on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#reconciliation !== undefined) this.options.clock.clearTimer(this.#reconciliation);
    const allocations = [...this.#allocations.values()];
    for (const allocation of allocations) allocation.release();
    await Promise.allSettled([...this.#working, ...allocations.map(({ settled }) => settled)]);
    for (const allocation of this.#allocations.values()) allocation.release();
  }

  async #make(request: NamespaceRequest): Promise<AllocationRecord> {
    const { clock, mounts, pins } = this.options;
    const { allocationId, uenvImage, namespaces } = request;
    this.#scopeDirectory(request);
    let made: Made | undefined;
    try {
      const uenv = uenvImage === null ? null : await mounts.acquire(uenvImage, allocationId);
      made = await this.#start(request, uenv?.mountPoint ?? "");
      for (const type of namespaces) {
        await pins.pin(allocationId, type, `/proc/${made.held.pid}/ns/${NS_FILES[type]}`);
      }
      const holder = namespaces.includes("Pid") ? this.#holderOf(made.held.pid) : null;
      // While the process still has its number: a scope may know its members by that alone.
      if (holder === null) await made.scope.clear();
      await made.held.letGo();
      return {
        request,
        holder,
        holderScope: holder === null ? null : made.scope.id,
        uenvMountPath: uenv?.mountPoint ?? null,
        wasUsed: false,
        createdAtMs: clock.nowMs(),
      };
    } catch (error) {
      await this.#undo(allocationId, made);
      throw error;
    }
  }

  async #start(request: NamespaceRequest, keep: string): Promise<Made> {
    const { isolation, program, paths } = this.options;
    const name = holderName(request.allocationId);
    const scope = await isolation.open(PACT_INFRA, name, HOLDER_LIMITS);
    try {
      const held = await program.hold(
        request.namespaces,
        { uenvBase: paths.uenvMountBase, keep, pins: paths.namespacePins },
        scope.cgroupDirectory,
      );
      scope.hold(held.pid);
      return { held, scope };
    } catch (error) {
      await scope.clear();
      throw error;
    }
  }

  /** NS-17: nothing of a failed request stays. */
  async #undo(allocationId: string, made: Made | undefined): Promise<void> {
    const { mounts, pins, log } = this.options;
    const steps = [
      () => pins.remove(allocationId),
      () => made?.held.letGo(),
      () => made?.scope.clear(),
      () => mounts.releaseAll(allocationId),
    ];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        log.error("namespaces not undone", { allocation: allocationId, error: String(error) });
      }
    }
  }

  #holderOf(pid: number) {
    const found = this.options.processes.find(pid);
    if (found === null) throw failure("the holder ended at once");
    return { pid, startTicks: found.startTicks };
  }

  /** Watches over an allocation that exists. */
  #adopt(record: AllocationRecord): Allocation {
    const { clock, log, audit, shim, watcher } = this.options;
    const allocation = new Allocation(record, {
      clock,
      log,
      audit,
      cleanUp: (ended) => this.#cleanUp(ended),
      changed: () => this.#save(),
      tellEnded: (id) => this.#onEnded(id),
      forget: (id) => this.#allocations.delete(id),
    });
    this.#allocations.set(record.request.allocationId, allocation);
    this.#watchHolder(allocation);
    allocation.follow(
      new ScopeWatch({
        files: shim.files,
        watcher,
        clock,
        directory: this.#scopeDirectory(record.request),
        onChange: (isPopulated) => allocation.onScope(isPopulated),
      }),
    );
    return allocation;
  }

  #watchHolder(allocation: Allocation): void {
    const { holder } = allocation.record;
    if (holder === null) return;
    const { shim, events } = this.options;
    if (!this.#isAlive(holder)) return allocation.on({ type: "holderDied" });
    const process = shim.processes.adopt(holder.pid);
    const watching = new AbortController();
    allocation.keep({
      close: () => {
        watching.abort();
        process.close();
      },
    });
    events.exitOf(process, { signal: watching.signal }).then(
      () => allocation.on({ type: "holderDied" }),
      // The watching ended, not the holder.
      () => {},
    );
  }

  #isAlive({ pid, startTicks }: { readonly pid: number; readonly startTicks: bigint }): boolean {
    return this.options.processes.find(pid)?.startTicks === startTicks;
  }

  /** Pins, holder, mounts: in the order in which nothing of them is in use any more (NS-22). */
  async #cleanUp({ request, holder, holderScope }: AllocationRecord): Promise<void> {
    const { pins, mounts, isolation } = this.options;
    await pins.remove(request.allocationId);
    if (holder !== null && holderScope !== null) {
      const scope = isolation.adopt(holderScope, holder.pid);
      if (this.#isAlive(holder)) this.options.processes.kill(holder.pid);
      await ignoringGone(() => scope.clear());
    }
    await mounts.releaseAll(request.allocationId);
  }

  #scopeDirectory({ allocationId, cgroupPath }: NamespaceRequest): string {
    const { cgroupRoot } = this.options.paths;
    const wanted = cgroupPath ?? allocationScopePath(allocationId);
    const path = normaliseCgroupPath(wanted, cgroupRoot);
    if (path === null || !path.startsWith(`${WORKLOAD_ROOT}/`)) {
      throw failure(`not a scope below ${WORKLOAD_ROOT}: ${wanted}`);
    }
    return `${cgroupRoot}/${path}`;
  }

  get #tablePath(): string {
    return `${this.options.paths.state}/handoff.json`;
  }

  #save(): void {
    const records = [...this.#allocations.values()].map(({ recordNow }) => recordNow);
    const { shim, log } = this.options;
    try {
      shim.files.writeAtomicSync(this.#tablePath, encodeTable(records), { mode: 0o600 });
    } catch (error) {
      log.error("handoff table not written", { error: String(error) });
    }
  }

  #load(): readonly AllocationRecord[] {
    const { shim, log } = this.options;
    const path = this.#tablePath;
    try {
      if (shim.files.lstatIfPresent(path) === null) return [];
      const how = { maxBytes: MAX_TABLE_BYTES, followSymlink: false };
      return decodeTable(shim.files.readText(path, how));
    } catch (error) {
      log.error("handoff table of a former agent ignored", { path, error: String(error) });
      return [];
    }
  }
}

interface Made {
  readonly held: HeldNamespaces;
  readonly scope: Scope;
}

const NS_FILES = { Pid: "pid", Net: "net", Mount: "mnt" } as const;

/** WLI-3: `ns-holder-ALLOC`; an id that makes no scope name is replaced by its digest. */
function holderName(allocationId: string): string {
  const plain = `ns-holder-${allocationId}`;
  if (isUnitName(plain)) return plain;
  return `ns-holder-${createHash("sha256").update(allocationId).digest("hex").slice(0, 32)}`;
}

function responseOf({ request, uenvMountPath }: AllocationRecord): NamespaceResponse {
  return { allocationId: request.allocationId, fdTypes: request.namespaces, uenvMountPath };
}

async function ignoringGone(operation: () => Promise<void>): Promise<void> {
  try {
    await operation();
  } catch (error) {
    const isGone = error instanceof Error && "kind" in error && error.kind === "NotFound";
    if (!isGone && !isShimError(error, "ENOENT")) throw error;
  }
}

function failure(reason: string): NamespaceError {
  return new NamespaceError({ kind: "CreationFailed", reason });
}

function asNamespaceError(error: unknown): NamespaceError {
  if (error instanceof NamespaceError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new NamespaceError({ kind: "CreationFailed", reason }, { cause: error });
}

import type { Clock } from "../../common/clock/mod.ts";
import {
  ALL_SLICES,
  assertLimits,
  assertWritable,
  CgroupError,
  cgroupErrorFromErrno,
  type CgroupHandle,
  type CgroupManager,
  type CgroupMetrics,
  type CgroupWrite,
  DEFAULT_LIMITS,
  DESTROY_LIMIT_MS,
  ioMaxLine,
  isLimitedDisk,
  isPactSlice,
  killFailed,
  limitFiles,
  MAX_LISTED_SURVIVORS,
  normaliseCgroupPath,
  PACT_ROOT,
  parseCounterFile,
  parseFlatKeyed,
  type ResourceLimits,
  scopeInUse,
  scopeNameAfterZombies,
  scopePath,
  type SurvivingProcess,
  UNIFIED_REQUIRED,
  WANTED_CONTROLLERS,
} from "../../contracts/mod.ts";
import { isShimError, ShimError } from "../../ffi/mod.ts";
import type { CgroupTree } from "./cgroup_tree.ts";
import { type ProcessTable, ZOMBIE_STATE } from "./process_table.ts";
import { pause } from "./pause.ts";

/*
 * Shell: owns pact.slice of one cgroup v2 hierarchy. Holds nothing open; scopes end by destroyScope.
 */

export interface CgroupManagerOptions {
  readonly tree: CgroupTree;
  /** Absolute path of the hierarchy. */
  readonly root: string;
  readonly processes: ProcessTable;
  readonly clock: Clock;
  /** Called once for each wanted controller that this host does not have (CG-20). */
  readonly onMissingController?: (controller: string) => void;
  readonly destroyLimitMs?: number;
}

/** Where admin commands and sessions run (agent.md 6). */
export const SESSION_SLICE = `${PACT_ROOT}/session.slice`;
/** ISO-3: all sessions together. */
const SESSION_PIDS_MAX = 4096;
const SESSION_CPU_WEIGHT = 100;
const SESSION_MEMORY_BYTES = 512n * 1024n * 1024n;
/** ISO-5: workload.slice has the kernel's 100. */
const PACT_CPU_WEIGHT = 1000;
const SMALL_FILE_BYTES = 4 * 1024 * 1024;
const BLOCK_DEVICES = "/sys/block";
const LONGEST_PAUSE_MS = 50;
const MAX_ZOMBIES_OF_A_NAME = 64;

/** What this manager adds to the contract. */
export interface LinuxCgroups extends CgroupManager {
  /** Absolute path of a scope, for spawning into it (CG-23). */
  directoryOf(handle: CgroupHandle): string;
  /** Rewrites the limits of a scope that exists. */
  setLimits(handle: CgroupHandle, limits: ResourceLimits): void;
  /** Kills what is in a scope now, without waiting (CG-24). */
  killAll(handle: CgroupHandle): void;
  /** Every process in a scope and below it. */
  pidsOf(handle: CgroupHandle): readonly number[];
  /** The processes in a cgroup itself. */
  ownPidsOf(path: string): readonly number[];
  /** Moves a process into a scope below pact.slice, made if need be; `memoryMinBytes` is kept for it. */
  placeProcess(path: string, pid: number, memoryMinBytes: bigint | null): void;
  /** Paths of scopes that could not be emptied (CG-25). */
  zombies(): readonly string[];
  /** Kills once more, and removes the scope if it is empty. */
  retryZombie(path: string): void;
}

/** The cgroup contract on a real cgroup v2 hierarchy, or on a tree that imitates one. */
export function createCgroupManager(options: CgroupManagerOptions): LinuxCgroups {
  return new Cgroups(options);
}

class Cgroups implements LinuxCgroups {
  readonly #options: CgroupManagerOptions;
  readonly #missing = new Set<string>();
  readonly #destroyed = new Set<string>();
  readonly #zombies = new Set<string>();

  constructor(options: CgroupManagerOptions) {
    this.#options = options;
  }

  createHierarchy(): Promise<void> {
    return asPromise(() => {
      if (!this.#exists("", "cgroup.controllers")) {
        throw new CgroupError({ kind: "CreationFailed", reason: UNIFIED_REQUIRED });
      }
      this.#enableControllers("");
      for (const slice of [...ALL_SLICES, SESSION_SLICE]) {
        if (!this.#exists(slice)) this.#makeDirectory(slice);
        this.#enableControllers(slice);
      }
      const { nearRoot, sessions } = this.#sliceLimits();
      this.setLimits({ path: PACT_ROOT }, nearRoot);
      this.setLimits({ path: SESSION_SLICE }, sessions);
    });
  }

  createScope(parent: string, name: string, limits: ResourceLimits): Promise<CgroupHandle> {
    return asPromise(() => {
      assertLimits(limits);
      const slice = this.#normalise(parent);
      const below = slice.startsWith(`${PACT_ROOT}/`) && this.#exists(slice);
      if (!isPactSlice(slice) && !below) {
        throw new CgroupError({ kind: "CreationFailed", reason: `unknown slice: ${parent}` });
      }
      const handle = this.#claim(slice, name);
      try {
        this.setLimits(handle, limits);
      } catch (error) {
        this.#removeTree(handle.path);
        throw error;
      }
      return handle;
    });
  }

  async destroyScope(handle: CgroupHandle): Promise<void> {
    const path = this.#normalise(handle.path);
    if (!this.#exists(path)) {
      if (this.#destroyed.has(path)) return;
      throw new CgroupError({ kind: "NotFound", path });
    }
    const { clock, destroyLimitMs = DESTROY_LIMIT_MS } = this.#options;
    const deadlineMs = clock.monotonicMs() + destroyLimitMs;
    let pauseMs = 1;
    this.killAll(handle);
    while (this.#isPopulated(path)) {
      if (clock.monotonicMs() >= deadlineMs) {
        this.#zombies.add(path);
        throw killFailed(path, this.#survivors(path));
      }
      await pause(clock, pauseMs);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      this.killAll(handle);
    }
    this.#removeTree(path);
    this.#zombies.delete(path);
    this.#destroyed.add(path);
  }

  readMetrics(path: string): Promise<CgroupMetrics> {
    return asPromise(() => {
      const relative = this.#normalise(path);
      if (!this.#exists(relative)) throw new CgroupError({ kind: "NotFound", path });
      const read = (file: string) => this.#readIfPresent(relative, file);
      return {
        memoryCurrentBytes: parseCounterFile(read("memory.current")) ?? 0n,
        memoryMaxBytes: parseCounterFile(read("memory.max")),
        memoryPeakBytes: parseCounterFile(read("memory.peak")),
        cpuUsageUsec: parseFlatKeyed(read("cpu.stat") ?? "", "usage_usec") ?? 0n,
        nrProcesses: this.#pids(relative).length,
        oomKills: parseFlatKeyed(read("memory.events") ?? "", "oom_kill") ?? 0n,
      };
    });
  }

  isScopeEmpty(handle: CgroupHandle): Promise<boolean> {
    return asPromise(() => {
      const path = this.#normalise(handle.path);
      if (this.#exists(path)) return !this.#isPopulated(path);
      if (this.#destroyed.has(path)) return true;
      throw new CgroupError({ kind: "NotFound", path });
    });
  }

  directoryOf(handle: CgroupHandle): string {
    return this.#absolute(this.#normalise(handle.path));
  }

  setLimits(handle: CgroupHandle, limits: ResourceLimits): void {
    assertLimits(limits);
    const path = this.#normalise(handle.path);
    const controllers = this.#controllers(path);
    for (const { file, value, controller } of limitFiles(limits)) {
      if (controllers.has(controller)) this.#write(path, file, value);
    }
    if (controllers.has("io")) this.#limitDisks(path, limits.ioMaxBytesPerSecond);
  }

  /** A limit is for every disk there is; without one those that had one are freed (CG-22, CG-27). */
  #limitDisks(path: string, bytesPerSecond: bigint | null): void {
    const limited = (this.#readIfPresent(path, "io.max") ?? "").split("\n")
      .map((line) => line.split(" ", 1)[0] ?? "").filter((device) => device !== "");
    for (const device of bytesPerSecond === null ? limited : this.#disks()) {
      this.#guard(path, "Other");
      const target = `${this.#absolute(path)}/io.max`;
      try {
        this.#options.tree.writeExisting(target, ioMaxLine(device, bytesPerSecond));
      } catch (error) {
        // Gone meanwhile, or nothing that can be limited (an empty drive).
        if (!isShimError(error, "ENODEV", "ENXIO")) throw asCgroupError(error, target);
      }
    }
  }

  killAll(handle: CgroupHandle): void {
    const path = this.#normalise(handle.path);
    if (!this.#exists(path)) return;
    if (this.#exists(path, "cgroup.kill")) return this.#write(path, "cgroup.kill", "1", "Kill");
    this.#guard(path, "Kill");
    for (const pid of this.#pids(path)) this.#options.processes.kill(pid);
  }

  pidsOf(handle: CgroupHandle): readonly number[] {
    const path = this.#normalise(handle.path);
    return this.#exists(path) ? this.#pids(path) : [];
  }

  ownPidsOf(path: string): readonly number[] {
    return this.#ownPids(this.#normalise(path));
  }

  placeProcess(path: string, pid: number, memoryMinBytes: bigint | null): void {
    const scope = this.#normalise(path);
    if (!this.#exists(scope)) this.#makeDirectory(scope);
    if (memoryMinBytes !== null && this.#controllers(scope).has("memory")) {
      this.#write(scope, "memory.min", memoryMinBytes.toString());
    }
    this.#write(scope, "cgroup.procs", pid.toString());
  }

  zombies(): readonly string[] {
    return [...this.#zombies];
  }

  retryZombie(path: string): void {
    this.killAll({ path });
    if (this.#exists(path) && this.#isPopulated(path)) return;
    if (this.#exists(path)) this.#removeTree(path);
    this.#zombies.delete(path);
  }

  /** ISO-3, ISO-5: management stays responsive beside the workload, sessions leave room for both. */
  #sliceLimits() {
    const text = this.#options.tree.readText("/proc/meminfo", { maxBytes: SMALL_FILE_BYTES });
    const totalKib = BigInt(/^MemTotal: +([0-9]+) kB$/m.exec(text)?.[1] ?? "0");
    const share = totalKib * 1024n / 50n;
    return {
      nearRoot: { ...DEFAULT_LIMITS, oomGroup: false, cpuWeight: PACT_CPU_WEIGHT },
      sessions: {
        ...DEFAULT_LIMITS,
        oomGroup: false,
        pidsMax: SESSION_PIDS_MAX,
        cpuWeight: SESSION_CPU_WEIGHT,
        memoryMaxBytes: share > SESSION_MEMORY_BYTES ? share : SESSION_MEMORY_BYTES,
      },
    };
  }

  /** CG-22: an empty directory of the name is taken over, a zombie's name is counted on. */
  #claim(slice: string, name: string): CgroupHandle {
    for (let round = 0; round < MAX_ZOMBIES_OF_A_NAME; round++) {
      const candidate = scopeNameAfterZombies(name, round);
      const path = scopePath(slice, candidate, this.#options.root);
      if (this.#zombies.has(path)) continue;
      if (!this.#exists(path)) this.#makeDirectory(path);
      else if (this.#isPopulated(path)) throw scopeInUse(candidate, this.#pids(path).length);
      this.#destroyed.delete(path);
      return { path };
    }
    throw new CgroupError({ kind: "CreationFailed", reason: `too many zombies of scope ${name}` });
  }

  #enableControllers(path: string): void {
    const available = this.#controllers(path);
    for (const controller of WANTED_CONTROLLERS) {
      if (available.has(controller)) {
        this.#write(path, "cgroup.subtree_control", `+${controller}`, "EnableControllers");
      } else if (!this.#missing.has(controller)) {
        this.#missing.add(controller);
        this.#options.onMissingController?.(controller);
      }
    }
  }

  #controllers(path: string): ReadonlySet<string> {
    const text = this.#readIfPresent(path, "cgroup.controllers") ?? "";
    return new Set(text.split(/\s+/).filter((name) => name !== ""));
  }

  #disks(): readonly string[] {
    const { tree } = this.#options;
    const hasNumber = (name: string) =>
      tree.lstatIfPresent(`${BLOCK_DEVICES}/${name}/dev`) !== null;
    return tree.list(BLOCK_DEVICES).map(({ name }) => name)
      .filter((name) => isLimitedDisk(name) && hasNumber(name))
      .map((name) => tree.readText(`${BLOCK_DEVICES}/${name}/dev`, { maxBytes: 64 }).trim());
  }

  #isPopulated(path: string): boolean {
    const events = this.#readIfPresent(path, "cgroup.events") ?? "";
    return parseFlatKeyed(events, "populated") === 1n;
  }

  /** All processes of a subtree. */
  #pids(path: string): readonly number[] {
    return [...this.#ownPids(path), ...this.#children(path).flatMap((child) => this.#pids(child))];
  }

  #ownPids(path: string): readonly number[] {
    return (this.#readIfPresent(path, "cgroup.procs") ?? "").split("\n")
      .filter((line) => line !== "").map(Number);
  }

  #survivors(path: string): readonly SurvivingProcess[] {
    return this.#pids(path).slice(0, MAX_LISTED_SURVIVORS)
      .map((pid) => this.#options.processes.find(pid))
      .filter((found) => found !== null && found.state !== ZOMBIE_STATE)
      .map((found) => ({
        pid: found?.pid ?? 0,
        state: found?.state ?? "?",
        comm: found?.comm ?? "?",
      }));
  }

  #children(path: string): readonly string[] {
    return this.#attempt(path, () => this.#options.tree.list(this.#absolute(path)))
      .filter(({ type }) => type === "directory").map(({ name }) => `${path}/${name}`);
  }

  #removeTree(path: string): void {
    for (const child of this.#children(path)) this.#removeTree(child);
    this.#guard(path, "Other");
    this.#attempt(path, () => this.#options.tree.rmdir(this.#absolute(path)));
  }

  #makeDirectory(path: string): void {
    this.#guard(path, "CreateDirectory");
    this.#attempt(path, () => this.#options.tree.mkdir(this.#absolute(path), 0o755));
  }

  #write(path: string, file: string, value: string, write: CgroupWrite = "Other"): void {
    this.#guard(path, write);
    const target = `${this.#absolute(path)}/${file}`;
    this.#attempt(target, () => this.#options.tree.writeExisting(target, value));
  }

  /** CG-3: nothing is written that this has not let pass. */
  #guard(path: string, write: CgroupWrite): void {
    assertWritable(this.#absolute(path), "Pact", { write, cgroupRoot: this.#options.root });
  }

  #readIfPresent(path: string, file: string): string | null {
    const target = `${this.#absolute(path)}/${file}`;
    try {
      return this.#options.tree.readText(target, { maxBytes: SMALL_FILE_BYTES });
    } catch (error) {
      if (isShimError(error, "ENOENT", "ENOTDIR", "ENODEV")) return null;
      throw asCgroupError(error, target);
    }
  }

  #exists(path: string, file?: string): boolean {
    const target = file === undefined ? this.#absolute(path) : `${this.#absolute(path)}/${file}`;
    return this.#attempt(target, () => this.#options.tree.lstatIfPresent(target)) !== null;
  }

  #absolute(path: string): string {
    return path === "" ? this.#options.root : `${this.#options.root}/${path}`;
  }

  #normalise(path: string): string {
    const relative = normaliseCgroupPath(path, this.#options.root);
    if (relative === null) throw new CgroupError({ kind: "NotFound", path });
    return relative;
  }

  #attempt<T>(path: string, operation: () => T): T {
    try {
      return operation();
    } catch (error) {
      throw asCgroupError(error, path);
    }
  }
}

function asCgroupError(error: unknown, path: string): unknown {
  return error instanceof ShimError ? cgroupErrorFromErrno(error.code, path) : error;
}

/** The contract answers with promises; what the kernel does at once is done at once. */
function asPromise<T>(operation: () => T): Promise<T> {
  return new Promise((resolve) => resolve(operation()));
}

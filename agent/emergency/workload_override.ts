import type { Clock } from "../../common/clock/mod.ts";
import {
  assertWritable,
  CgroupError,
  cgroupErrorFromErrno,
  type CgroupWrite,
  type EmergencyOverride,
  type EmergencyRecord,
  killFailed,
  MAX_LISTED_SURVIVORS,
  parseFlatKeyed,
  type SurvivingProcess,
  WORKLOAD_ROOT,
} from "../../contracts/mod.ts";
import { ShimError } from "../../ffi/mod.ts";
import type { CgroupTree, ProcessTable } from "../isolation/mod.ts";

/*
 * Shell: the only writes that pact makes below workload.slice (CG-5, ISO-8): freeze, thaw and kill,
 * each once its record is durable. Owns nothing.
 */

export interface WorkloadOverrideOptions {
  readonly tree: CgroupTree;
  /** Absolute path of the hierarchy. */
  readonly cgroupRoot: string;
  readonly processes: ProcessTable;
  readonly clock: Clock;
  /** Of the kernel, for what is told when it does not obey. */
  readonly kernelRelease: string;
  /** Waits until the event is durable. @throws {AuditSinkError} */
  readonly record: (
    action: "emergency.freeze" | "emergency.kill",
    detail: string,
  ) => Promise<EmergencyRecord>;
}

/** What an admin may do to all workload of a node in an emergency. */
export type WorkloadOperation = "freeze" | "thaw" | "kill";

/** An override as it is asked for: without the record, which is made here. */
export type OverrideRequest = Omit<EmergencyOverride, "acceptedEvent">;

/** ISO-9. */
const WAIT_LIMIT_MS = 10_000;
const LOOK_INTERVAL_MS = 20;
const MAX_FILE_BYTES = 4 * 2 ** 20;
const HINT = "reboot the node through its BMC";

/** Freezes, thaws or kills workload.slice. */
export class WorkloadOverride {
  constructor(private readonly options: WorkloadOverrideOptions) {}

  /**
   * @throws {AuditSinkError} when the record cannot be made durable; nothing was done then (AS-6)
   * @throws {CgroupError} when the kernel does not obey within 10 s, with what still runs
   */
  async perform(operation: WorkloadOperation, request: OverrideRequest): Promise<void> {
    const write: CgroupWrite = operation === "kill" ? "Kill" : "Freeze";
    const action = operation === "kill" ? "emergency.kill" : "emergency.freeze";
    const { emergencySession, reason } = request;
    const detail = `${operation} ${WORKLOAD_ROOT} in emergency ${emergencySession}: ${reason}`;
    const acceptedEvent = await this.options.record(action, detail);
    this.#write(operation, write, { ...request, acceptedEvent });
    const isDone = operation === "kill"
      ? () => this.#flag("populated") !== 1n
      : () => this.#flag("frozen") === (operation === "freeze" ? 1n : 0n);
    if (await this.#within(isDone)) return;
    const survivors = this.#survivors();
    if (operation === "kill") throw killFailed(WORKLOAD_ROOT, survivors);
    const states = survivors.map(({ pid, state, comm }) => `${pid}(${state},${comm})`).join(",");
    const cause = `${operation} of ${WORKLOAD_ROOT} not done within ${WAIT_LIMIT_MS / 1000} s` +
      ` on kernel ${this.options.kernelRelease}: ${states}; ${HINT}`;
    throw new CgroupError({ kind: "Io", cause });
  }

  #write(operation: WorkloadOperation, write: CgroupWrite, override: EmergencyOverride): void {
    const { tree, cgroupRoot } = this.options;
    const path = assertWritable(WORKLOAD_ROOT, "Pact", { write, override, cgroupRoot });
    const file = operation === "kill" ? "cgroup.kill" : "cgroup.freeze";
    const target = `${cgroupRoot}/${path}/${file}`;
    try {
      tree.writeExisting(target, operation === "thaw" ? "0" : "1");
    } catch (error) {
      throw error instanceof ShimError ? cgroupErrorFromErrno(error.code, target) : error;
    }
  }

  #flag(name: "populated" | "frozen"): bigint | null {
    return parseFlatKeyed(this.#read(WORKLOAD_ROOT, "cgroup.events"), name);
  }

  async #within(isDone: () => boolean): Promise<boolean> {
    const { clock } = this.options;
    const deadlineMs = clock.monotonicMs() + WAIT_LIMIT_MS;
    while (!isDone()) {
      if (clock.monotonicMs() >= deadlineMs) return false;
      await new Promise<void>((resolve) => clock.setTimer(LOOK_INTERVAL_MS, resolve));
    }
    return true;
  }

  #survivors(): readonly SurvivingProcess[] {
    return this.#pids(WORKLOAD_ROOT).slice(0, MAX_LISTED_SURVIVORS)
      .map((pid) => this.options.processes.find(pid))
      .filter((found) => found !== null)
      .map(({ pid, state, comm }) => ({ pid, state, comm }));
  }

  #pids(path: string): readonly number[] {
    const { tree, cgroupRoot } = this.options;
    const own = this.#read(path, "cgroup.procs").split("\n").filter((line) => line !== "");
    const children = tree.list(`${cgroupRoot}/${path}`)
      .filter(({ type }) => type === "directory")
      .flatMap(({ name }) => this.#pids(`${path}/${name}`));
    return [...own.map(Number), ...children];
  }

  #read(path: string, file: string): string {
    const target = `${this.options.cgroupRoot}/${path}/${file}`;
    try {
      return this.options.tree.readText(target, { maxBytes: MAX_FILE_BYTES });
    } catch (error) {
      if (!(error instanceof ShimError)) throw error;
      throw cgroupErrorFromErrno(error.code, target);
    }
  }
}

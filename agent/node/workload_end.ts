import type { Clock } from "../../common/clock/mod.ts";
import type { Actor, ServiceManager } from "../supervisor/mod.ts";
import type { WorkloadState } from "../workload/mod.ts";

/** What ending the workload takes. */
export interface WorkloadEndOptions {
  readonly services: Pick<ServiceManager, "specs" | "statusOf" | "stop" | "atRest">;
  readonly look: () => WorkloadState;
  readonly clock: Clock;
  readonly by: Actor;
}

/** Whoever owns workload.slice (RI1). */
const WORKLOAD_MANAGER = "lattice-node-agent";
const MANAGER_LIMIT_MS = 60_000;
const WORKLOAD_LIMIT_MS = 10_000;
const PAUSE_MS = 100;

/**
 * Before the services of a node end: has the workload's manager end, and gives what it started a while
 * to be gone (SHD-4). Resolves with whether it is; what is left the machine's end kills.
 */
export async function endWorkload(
  { services, look, clock, by }: WorkloadEndOptions,
): Promise<boolean> {
  const isRun = services.specs().some(({ name }) => name === WORKLOAD_MANAGER) &&
    services.statusOf(WORKLOAD_MANAGER).state === "Running";
  if (!isRun) return look() !== "active";
  services.stop(WORKLOAD_MANAGER, by, { force: true });
  await services.atRest(WORKLOAD_MANAGER, MANAGER_LIMIT_MS);
  const deadlineMs = clock.monotonicMs() + WORKLOAD_LIMIT_MS;
  while (look() === "active") {
    if (clock.monotonicMs() >= deadlineMs) return false;
    await new Promise<void>((resolve) => clock.setTimer(PAUSE_MS, resolve));
  }
  return true;
}

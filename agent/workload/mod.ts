/**
 * Whether workload runs on this node, and how often the agent looks after everything because of it
 * (agent.md 5.4, contracts CG-41).
 *
 * @module
 */
export {
  openWorkloadDetector,
  type WorkloadDetector,
  type WorkloadDetectorOptions,
} from "./detector.ts";
export type { Inspection } from "./inspections.ts";
export { type KernelOomWatch, openKernelOomWatch } from "./kernel_oom.ts";
export { boundIntervals, type LoopIntervals, type Pace, type WorkloadState } from "./pace.ts";
export { SupervisionLoop, type SupervisionLoopOptions } from "./supervision_loop.ts";

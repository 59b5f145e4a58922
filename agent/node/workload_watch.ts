import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { nodePaths } from "../../contracts/mod.ts";
import type { Shim } from "../../ffi/mod.ts";
import type { ControlFileWatcher } from "../isolation/mod.ts";
import type { ServiceManager } from "../supervisor/mod.ts";
import {
  boundIntervals,
  type Inspection,
  openKernelOomWatch,
  openWorkloadDetector,
  SupervisionLoop,
} from "../workload/mod.ts";

/*
 * Shell: the supervision loop of a node and what it looks at the workload with. Owns both and ends by
 * `close`.
 */

export interface WorkloadWatchOptions {
  readonly shim: Shim;
  readonly watcher: ControlFileWatcher;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: agentport.AgentConfig;
  readonly supervisor: ServiceManager;
  readonly beat?: () => void;
  readonly longestTickMs?: number;
  /** The kernel ended processes that are neither services' nor workload's (OOM-3). */
  readonly onKernelOom: (kills: bigint) => void;
  /** What is looked after while no workload runs. */
  readonly inspections?: readonly Inspection[];
}

export interface WorkloadWatch {
  /** Workload runs here, as far as the last tick knew (CG-41). */
  readonly isActive: boolean;
  close(): void;
}

/** Opens the watch and starts the loop. */
export function openWorkloadWatch(options: WorkloadWatchOptions): WorkloadWatch {
  const { shim, clock, config, supervisor, beat, inspections } = options;
  const log = options.log.child("agent.loop");
  const { intervals, warnings } = boundIntervals({
    baselineMs: config.baselinePollMs,
    idleMs: config.idlePollMs,
    activeMs: config.activePollMs,
    activeMaxMs: Math.max(config.activePollMs, config.activePollMaxMs),
  }, options.longestTickMs ?? Infinity);
  for (const warning of warnings) log.warn(warning);

  const { cgroupRoot } = nodePaths(config.root);
  const kernelOom = openKernelOomWatch(shim.files, cgroupRoot);
  const detector = openWorkloadDetector({
    files: shim.files,
    watcher: options.watcher,
    cgroupRoot,
    onChange: () => loop.noteEvent(),
  });
  const loop = new SupervisionLoop({
    clock,
    log,
    intervals,
    ...(beat === undefined ? {} : { beat }),
    ...(inspections === undefined ? {} : { inspections }),
    workload: () => detector.look(),
    onWorkload: (state) => {
      log.info("workload state", { state });
      supervisor.setActive(state === "active");
    },
    supervise: () => {
      const kills = kernelOom.look();
      if (kills > 0n) options.onKernelOom(kills);
      return supervisor.poll() || kills > 0n;
    },
  });
  const stopListening = supervisor.onNotice(() => loop.noteEvent());
  loop.start();
  return {
    get isActive() {
      return loop.pace.workload === "active";
    },
    close: () => {
      stopListening();
      loop.close();
      detector.close();
    },
  };
}

import type { NetworkConditions } from "./network.ts";
import type { ProcessTiming } from "./process.ts";
import { Random } from "./random.ts";

/** What can go wrong, or be asked for, while clients work. */
export const FAULTS = [
  "crash",
  "destroy",
  "wipe",
  "isolate",
  "partition",
  "one-way",
  "flap",
  "slow-disk",
  "failing-disk",
  "stand-still",
  "clock-jump",
  "transfer",
  "snapshot",
  "change-membership",
] as const;

export type Fault = typeof FAULTS[number];

/** What one run is like. */
export interface Plan {
  /** How long clients work and things go wrong. */
  readonly activeUs: number;
  readonly clients: number;
  /** Between a client's operations, at most. */
  readonly thinkUs: number;
  readonly network: NetworkConditions;
  readonly timing: ProcessTiming;
  /** What goes wrong in this run, as often as it stands here. */
  readonly faults: readonly Fault[];
  /** Whether whoever leads loses touch soon after its election, all the time. */
  readonly cutsOffLeaders: boolean;
  /** From one fault to the next, on average. */
  readonly faultEveryUs: number;
}

const SECOND_US = 1_000_000;

/**
 * Draws a run. Not everything goes wrong in every run: some failures show only while others stay
 * away, so each run has its own few.
 */
export function drawPlan(random: Random): Plan {
  const cutsOffLeaders = random.chance(0.25);
  const kindsMax = cutsOffLeaders ? 3 : FAULTS.length;
  const kinds = random.shuffled(FAULTS).slice(0, 1 + random.below(kindsMax));
  const tickMs = cutsOffLeaders ? 20 : random.pick([20, 50, 100]);
  return {
    activeUs: random.between(15, 45) * SECOND_US,
    clients: 3 + random.below(4),
    thinkUs: random.pick([100_000, 300_000, 600_000]),
    network: drawNetwork(random),
    timing: {
      tickMs,
      heartbeatTicks: 5,
      electionTicks: 15,
      snapshotEvery: random.pick([15, 40, 1_000]),
      segments: {
        segmentMaxBytes: random.pick([4_096, 20_000, 1_000_000]),
        growthMaxBytes: random.pick([0, 10_000, 500_000]),
      },
      applyUs: random.pick([200, 5_000, 100_000]),
      splitRate: cutsOffLeaders ? 1 : random.pick([0, 0.2, 1]),
    },
    faults: kinds.flatMap((kind) => Array.from({ length: 1 + random.below(3) }, () => kind)),
    cutsOffLeaders,
    faultEveryUs: random.pick([0.3, 0.8, 2]) * SECOND_US,
  };
}

function drawNetwork(random: Random): NetworkConditions {
  const isCalm = random.chance(0.3);
  return {
    lossRate: isCalm ? 0 : random.pick([0, 0.02, 0.05, 0.1, 0.3]),
    duplicateRate: isCalm ? 0 : random.pick([0, 0.05, 0.2]),
    minDelayUs: 100,
    maxDelayUs: random.pick([500, 5_000, 50_000]),
    lateRate: isCalm ? 0 : random.pick([0, 0.02, 0.1]),
    lateUs: random.pick([0.1, 1, 4]) * SECOND_US,
  };
}

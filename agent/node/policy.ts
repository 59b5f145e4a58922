import type { agentport, policy } from "../../api/mod.ts";
import {
  DEFAULT_SEVERITY,
  DEFAULT_WEIGHTS,
  DRIFT_CATEGORIES,
  type DriftCategory,
  type PerCategory,
} from "../drift/mod.ts";
import type { ConvergencePolicy, EnforcementMode } from "../window/mod.ts";

const DEFAULT_EMERGENCY_SECONDS = 14_400;

/** What governs drift here: the vCluster's policy once known, the configuration before (ACF-3). */
export function convergencePolicy(
  config: agentport.AgentConfig,
  policy: policy.VClusterPolicy | undefined,
): ConvergencePolicy {
  return {
    window: {
      mode: enforcementMode(policy?.enforcementMode || config.enforcementMode),
      baseSeconds: policy?.baseCommitWindowSeconds || config.baseWindowSeconds,
      sensitivity: policy?.driftSensitivity ?? config.driftSensitivity,
      floorSeconds: config.minWindowSeconds,
      emergencyWindowSeconds: policy?.emergencyWindowSeconds || DEFAULT_EMERGENCY_SECONDS,
    },
    weights: driftWeights(policy?.driftWeights),
    severity: DEFAULT_SEVERITY,
    autoConverge: categories(policy?.autoConvergeCategories ?? []),
    requireAck: categories(policy?.requireAckCategories ?? []),
    blacklist: config.blacklist,
  };
}

function driftWeights(message: policy.VClusterPolicy["driftWeights"]): PerCategory {
  if (message === undefined) return DEFAULT_WEIGHTS;
  const { mounts, files, network, services, kernel, packages, gpu } = message;
  return { mounts, files, network, services, kernel, packages, gpu };
}

function enforcementMode(text: string): EnforcementMode {
  return text === "enforce" || text === "warn" ? text : "observe";
}

function categories(names: readonly string[]): ReadonlySet<DriftCategory> {
  return new Set(DRIFT_CATEGORIES.filter((category) => names.includes(category)));
}

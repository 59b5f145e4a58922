/**
 * The engine that a journal's settings ask for, kept supplied with what the replicated state says of
 * roles and vClusters. It owns the engine and ends with `close`.
 */

import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { JournalSettings } from "../config/mod.ts";
import { ConfigError } from "../../common/config/mod.ts";
import type { Replica } from "../replica/mod.ts";
import { policyData } from "./data.ts";
import type { PolicyEngine } from "./engine.ts";
import { BundleError, EmbeddedPolicy } from "./embedded/mod.ts";
import type { RegoEvaluator } from "../../common/rego/mod.ts";
import { OpaEvaluator } from "./opa/mod.ts";
import { type EngineOutcome, RegoEngine } from "./rego_engine.ts";

/** An engine that runs. */
export interface RunningEngine {
  readonly kind: "opa" | "embedded";
  readonly engine: PolicyEngine;
  /** Whether the engine can be asked. */
  isUp(): boolean;
  /** Takes another endpoint or bundle into use, or reads the same one again (CFG-3). */
  reload(settings: EngineSettings): Promise<void>;
  close(): void;
}

/** The settings of an engine. */
export type EngineSettings = Pick<
  JournalSettings,
  "policyEngine" | "opaEndpoint" | "policyBundle"
>;

/** What an engine is opened with. */
export interface OpenEngineOptions {
  readonly settings: EngineSettings;
  readonly replica: Replica;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onOutcome: (outcome: EngineOutcome) => void;
}

/**
 * Opens the engine of the settings; undefined where roles alone decide. A server that does not answer
 * is no reason not to start: the degraded table holds until it does.
 *
 * @throws {ConfigError} for a bundle that cannot be used.
 */
export async function openEngine(options: OpenEngineOptions): Promise<RunningEngine | undefined> {
  const { settings, replica, clock, log, onOutcome } = options;
  if (settings.policyEngine === "rbac") return undefined;
  const evaluator = settings.policyEngine === "opa"
    ? await openOpa(options)
    : await openEmbedded(options);
  const engine = new RegoEngine({
    evaluator,
    monotonicMs: () => clock.monotonicMs(),
    onOutcome,
    onUnavailable: (cause) => log.debug("the policy engine gave no answer", { cause }),
  });
  const stop = replica.onApplied(({ writes, restored }) => {
    if (!restored && writes.policies.size === 0 && writes.node_assignments.size === 0) return;
    engine.forgetReads();
    evaluator.feedSoon();
  });
  return {
    kind: settings.policyEngine,
    engine,
    isUp: () => evaluator.isUp,
    reload: async (fresh) => {
      await evaluator.reload(fresh);
      engine.forgetReads();
    },
    close: () => {
      stop();
      evaluator.close();
    },
  };
}

/** An evaluator with what keeps it. */
interface KeptEvaluator extends RegoEvaluator {
  readonly isUp: boolean;
  feedSoon(): void;
  reload(settings: EngineSettings): Promise<void>;
  close(): void;
}

async function openOpa(
  { settings, replica, clock, log }: OpenEngineOptions,
): Promise<KeptEvaluator> {
  const evaluator = new OpaEvaluator({
    base: settings.opaEndpoint,
    clock,
    log,
    data: () => policyData(replica.state),
  });
  await evaluator.start();
  return evaluator;
}

async function openEmbedded(
  { settings, replica, clock, log }: OpenEngineOptions,
): Promise<KeptEvaluator> {
  const evaluator = new EmbeddedPolicy({
    bundlePath: settings.policyBundle,
    clock,
    log,
    data: () => policyData(replica.state),
  });
  try {
    await evaluator.start();
    return evaluator;
  } catch (error) {
    evaluator.close();
    if (!(error instanceof BundleError)) throw error;
    throw new ConfigError(`policy.engine.bundle: ${error.message}`);
  }
}

import {
  type Blacklist,
  compileBlacklist,
  type DriftItem,
  type DriftMagnitude,
  evaluateDrift,
  itemName,
  type KnownItem,
  knownItems,
  magnitudeOf,
  redactItem,
} from "../drift/mod.ts";
import type { Applier } from "./applier.ts";
import type { ConvergenceOptions, ConvergencePolicy, NamedReason } from "./convergence_types.ts";
import type { RemainingDrift } from "./window_state.ts";

/** What an evaluation changed. */
export interface WatchResult {
  readonly changed: boolean;
  readonly grew: boolean;
}

/** Knows what has drifted: evaluates when told, and remembers from one evaluation to the next. */
export class DriftWatch {
  readonly #options: ConvergenceOptions;
  readonly #applier: Applier;
  readonly #warned = new Set<string>();
  #policy: ConvergencePolicy;
  #declaredPatterns: readonly string[] = [];
  #blacklist: Blacklist;
  #known: ReadonlyMap<string, KnownItem>;
  #items: readonly DriftItem[] = [];
  #blind: readonly NamedReason[] = [];

  constructor(
    options: ConvergenceOptions,
    applier: Applier,
    known: ReadonlyMap<string, KnownItem>,
  ) {
    this.#options = options;
    this.#applier = applier;
    this.#known = known;
    this.#policy = options.policy;
    this.#blacklist = this.#compile();
  }

  /** The items of the last evaluation, contents included. */
  get items(): readonly DriftItem[] {
    return this.#items;
  }

  /** The same, fit to be shown (DRIFT-12). */
  get shownItems(): readonly DriftItem[] {
    return this.#items.map(redactItem);
  }

  /** What the next agent has to know of them. */
  get known(): ReadonlyMap<string, KnownItem> {
    return this.#known;
  }

  /** Names of what has drifted, by this evaluation or one before the agent's restart. */
  get names(): ReadonlySet<string> {
    return new Set([...this.#items.map(itemName), ...this.#known.keys()]);
  }

  /** Verified items that could not be looked at. */
  get blind(): readonly NamedReason[] {
    return this.#blind;
  }

  get magnitude(): DriftMagnitude {
    return magnitudeOf(this.#items, this.#policy.weights, this.#policy.severity);
  }

  /** What is left, as the window wants to know it; undefined when nothing is. */
  get remaining(): RemainingDrift | undefined {
    if (this.#items.length === 0) return undefined;
    const { requireAck } = this.#policy;
    return {
      magnitude: this.magnitude.total,
      onlyAcknowledged: this.#items.every(({ category }) => requireAck.has(category)),
    };
  }

  setPolicy(policy: ConvergencePolicy): void {
    this.#policy = policy;
    this.#blacklist = this.#compile();
  }

  /** Another list of the vCluster takes the place of the one before (BLK-1, BLK-5). */
  setDeclaredPatterns(patterns: readonly string[]): void {
    this.#declaredPatterns = patterns;
    this.#blacklist = this.#compile();
  }

  /** Looks at everything verified (OBS-7). */
  async evaluate(): Promise<WatchResult> {
    const { differences, blind } = await this.#applier.survey(this.names);
    const { attribution, cause, clock } = this.#options;
    const evaluation = evaluateDrift({
      differences,
      blacklist: this.#blacklist,
      before: this.#known,
      nowMs: clock.nowMs(),
      ...(attribution && { attribution }),
      ...(cause && { cause }),
    });
    this.#blind = blind;
    this.#items = evaluation.items;
    this.#known = knownItems(evaluation.items);
    for (const name of evaluation.declaredThoughListed) this.#warnListed(name);
    return evaluation;
  }

  #compile(): Blacklist {
    const blacklist = compileBlacklist(this.#policy.blacklist, this.#declaredPatterns);
    for (const { pattern, reason } of blacklist.refused) {
      this.#options.log.warn("blacklist pattern ignored", { pattern, reason });
    }
    return blacklist;
  }

  #warnListed(name: string): void {
    if (this.#warned.has(name)) return;
    this.#warned.add(name);
    this.#options.log.warn("declared item is blacklisted; it is watched all the same", {
      item: name,
    });
  }
}

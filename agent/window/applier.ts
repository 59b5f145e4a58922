import {
  APPLY_ORDER,
  type Captured,
  type DeltaItem,
  type Dimension,
  type Operation,
  type Outcome,
} from "../apply/mod.ts";
import {
  type Difference,
  type DriftCategory,
  type DriftItem,
  type DriftSource,
  itemName,
  type Observation,
  parseItemName,
} from "../drift/mod.ts";
import type { Baseline } from "./baseline.ts";
import type { ApplyResult, ConvergenceOptions, NamedReason } from "./convergence_types.ts";
import type { DeclaredKey, Ledger } from "./ledger.ts";
import type { Originals } from "./originals.ts";
import { restoreBaseline } from "./restore.ts";

/** How the node stands to what was verified. */
export interface Survey {
  readonly differences: readonly (Difference & { readonly source: DriftSource })[];
  /** Verified items that nobody can look at now. */
  readonly blind: readonly NamedReason[];
}

/** What became of reverting some items. */
export interface Reversion {
  readonly backups: ReadonlyMap<string, string>;
  readonly problems: readonly NamedReason[];
}

/** An ApplyResult that is being put together. */
interface Collected {
  readonly applied: string[];
  readonly failed: NamedReason[];
  readonly unavailable: NamedReason[];
}

/** Carries out what the ledger asks for, dimension by dimension, in the order of APL-2. */
export class Applier {
  readonly #dimensions: ReadonlyMap<DriftCategory, Dimension>;
  readonly #ledger: Ledger;
  readonly #originals: Originals;
  readonly #baseline: Baseline | undefined;
  readonly #bootMs: () => number;
  /** The supervisor of a fresh agent has been told of no service yet. */
  #servicesTold = false;

  constructor(
    options: ConvergenceOptions,
    ledger: Ledger,
    originals: Originals,
    bootMs: () => number,
  ) {
    const { dimensions } = options;
    this.#dimensions = new Map(dimensions.map((dimension) => [dimension.category, dimension]));
    this.#ledger = ledger;
    this.#originals = originals;
    this.#baseline = restoreBaseline(options);
    this.#bootMs = bootMs;
  }

  /**
   * Brings every declared key that is not verified to its target, and releases what is no longer
   * declared. Somebody's work on a drifted key is kept as a backup (RBK-2). What is watched beside
   * it is taken as it is then, once in a boot (OBS-9).
   */
  async applyDeclared(drifted: ReadonlySet<string>): Promise<ApplyResult> {
    await this.#releaseUndeclared();
    const pending = this.#ledger.declaredKeys().filter((declared) =>
      !this.#ledger.isConverged(declared) ||
      (declared.category === "services" && !this.#servicesTold)
    );
    this.#servicesTold = true;
    const result = await this.#bringAbout(pending, drifted);
    await this.#baseline?.record((category) => this.#declaredIn(category));
    return result;
  }

  /** Tries these declared names again (APL-6). */
  async retry(names: ReadonlySet<string>): Promise<ApplyResult> {
    const pending = this.#ledger.declaredKeys().filter(({ name }) => names.has(name));
    return await this.#bringAbout(pending, new Set());
  }

  /**
   * Compares everything verified, and what is watched beside it, with what is there now. `drifted` names
   * what had drifted before.
   */
  async survey(drifted: ReadonlySet<string>): Promise<Survey> {
    const differences: (Difference & { source: DriftSource })[] = [];
    const blind: NamedReason[] = [];
    for (const dimension of this.#inOrder()) {
      const { category } = dimension;
      const targets = this.#ledger.convergedTargets(category);
      if (targets.size === 0) continue;
      const observed = await dimension.observe(targets.keys());
      for (const [key, observation] of observed) {
        if (observation.state !== "unavailable") continue;
        blind.push({ name: itemName({ category, key }), reason: observation.reason });
      }
      for (const difference of await dimension.diff(targets, observed)) {
        differences.push({ ...difference, source: "declared" });
      }
    }
    const declaredIn = (category: DriftCategory) => this.#declaredIn(category);
    for (const difference of await this.#baseline?.differences(declaredIn, drifted) ?? []) {
      differences.push({ ...difference, source: "baseline" });
    }
    blind.push(...this.#baseline?.limitations ?? []);
    return { differences, blind };
  }

  /**
   * Lines about active consumers of what a rollback would take away, and the items that have none
   * (RBK-3).
   */
  async consumersOf(
    items: readonly DriftItem[],
  ): Promise<{ lines: readonly string[]; free: readonly DriftItem[] }> {
    const lines: string[] = [];
    const free: DriftItem[] = [];
    for (const item of items) {
      const operation = this.#operationFor(item);
      const found = operation === undefined ? [] : await this.#consumers(item, operation);
      if (found.length === 0) free.push(item);
      lines.push(...found);
    }
    return { lines, free };
  }

  /** Restores the declared values of drifted items, in reverse apply order (RBK-2). */
  async revert(items: readonly DriftItem[]): Promise<Reversion> {
    const backups = new Map<string, string>();
    const problems: NamedReason[] = [];
    for (const dimension of this.#inOrder().reverse()) {
      const { category } = dimension;
      const outcomes = [
        ...await this.#revertIn(dimension, items, "declared"),
        ...await this.#revertIn(dimension, items, "baseline"),
      ];
      for (const outcome of outcomes) {
        const name = itemName({ category, key: outcome.key });
        if (outcome.result !== "done") problems.push({ name, reason: outcome.reason });
        else if (outcome.backup !== undefined) backups.set(name, outcome.backup);
      }
    }
    return { backups, problems };
  }

  /** A drifted item as it can be declared from now on (WIN-6). */
  async capture(item: DriftItem): Promise<Captured> {
    const captured = item.source === "baseline"
      ? await this.#baseline?.capture(item)
      : await this.#dimensions.get(item.category)?.capture(item);
    return captured ?? { ok: false, reason: "no such dimension" };
  }

  /** What was committed and yet is not declared, as a module that is gone, is as it shall be (WIN-3). */
  async acceptUndeclared(items: readonly DeltaItem[]): Promise<void> {
    const undeclared = items.filter(({ category, key }) => !this.#declaredIn(category).has(key));
    if (undeclared.length > 0) await this.#baseline?.accept(undeclared);
  }

  /** Parts of declared items that this profile cannot bring about (CTX-5). */
  async limitations(): Promise<NamedReason[]> {
    const limitations: NamedReason[] = [];
    for (const dimension of this.#inOrder()) {
      const { category } = dimension;
      const limited = await dimension.limitations(this.#ledger.effective.targets[category]);
      for (const [key, reason] of limited) {
        limitations.push({ name: itemName({ category, key }), reason });
      }
    }
    return limitations;
  }

  async #bringAbout(
    pending: readonly DeclaredKey[],
    drifted: ReadonlySet<string>,
  ): Promise<ApplyResult> {
    const result: Collected = { applied: [], failed: [], unavailable: [] };
    for (const dimension of this.#inOrder()) {
      const mine = pending.filter(({ category }) => category === dimension.category);
      if (mine.length === 0) continue;
      await this.#rememberOriginals(dimension, mine);
      const overWork = mine.filter(({ name }) => drifted.has(name));
      const fresh = mine.filter(({ name }) => !drifted.has(name));
      const outcomes: Outcome[] = [];
      if (fresh.length > 0) outcomes.push(...await dimension.apply(fresh));
      if (overWork.length > 0) outcomes.push(...await dimension.revert(overWork));
      for (const outcome of outcomes) this.#note(mine, outcome, result);
    }
    return result;
  }

  #note(
    pending: readonly DeclaredKey[],
    outcome: Outcome,
    result: Collected,
  ): void {
    const declared = pending.find(({ key }) => key === outcome.key);
    if (declared === undefined) return;
    this.#ledger.note(declared, outcome, this.#bootMs());
    const { name } = declared;
    if (outcome.result === "done") result.applied.push(name);
    else result[outcome.result].push({ name, reason: outcome.reason });
  }

  async #rememberOriginals(dimension: Dimension, pending: readonly DeclaredKey[]): Promise<void> {
    const { category } = dimension;
    // Services are what they are declared to be: there is nothing before them.
    if (category === "services") return;
    const first = pending.filter(({ name }) =>
      !this.#originals.has(name) && !this.#ledger.converged.has(name)
    );
    if (first.length === 0) return;
    const observed = await dimension.observe(first.map(({ key }) => key));
    for (const { key, name } of first) {
      const observation = observed.get(key);
      if (observation === undefined || observation.state === "unavailable") continue;
      const captured = await dimension.capture({
        category,
        key,
        action: "Modify",
        ...valueIn(observation),
      });
      if (captured.ok) this.#originals.remember(name, captured.value);
    }
  }

  async #releaseUndeclared(): Promise<void> {
    const released = this.#ledger.released().flatMap((name) => {
      const parsed = parseItemName(name);
      return parsed === undefined ? [] : [{ ...parsed, name }];
    });
    for (const dimension of this.#inOrder().reverse()) {
      const mine = released.filter(({ category }) => category === dimension.category);
      if (mine.length === 0) continue;
      await dimension.release(
        mine.map(({ key, name }) => ({ key, original: this.#originals.get(name) })),
      );
      for (const { name } of mine) {
        this.#ledger.forget(name);
        this.#originals.forget(name);
      }
    }
  }

  async #revertIn(
    dimension: Dimension,
    items: readonly DriftItem[],
    source: DriftSource,
  ): Promise<readonly Outcome[]> {
    const { category } = dimension;
    const operations = items.filter((item) => item.category === category && item.source === source)
      .flatMap((item) => this.#operationFor(item) ?? []);
    if (operations.length === 0) return [];
    if (source === "declared") return await dimension.revert(operations);
    return await this.#baseline?.revert(category, operations) ?? [];
  }

  async #consumers(item: DriftItem, operation: Operation): Promise<readonly string[]> {
    const { category, source } = item;
    return source === "baseline"
      ? await this.#baseline?.consumers(category, [operation]) ?? []
      : await this.#dimensions.get(category)?.consumers([operation]) ?? [];
  }

  #declaredIn(category: DriftCategory): ReadonlySet<string> {
    return new Set(this.#ledger.effective.targets[category].keys());
  }

  /** Declared things go back to what is declared, others to what they were (RBK-1). */
  #operationFor({ category, key, source }: DriftItem): Operation | undefined {
    const target = source === "baseline"
      ? this.#baseline?.targetOf(category, key)
      : this.#ledger.effective.targets[category].get(key);
    return target === undefined ? undefined : { key, target };
  }

  #inOrder(): Dimension[] {
    return APPLY_ORDER.flatMap((category) => this.#dimensions.get(category) ?? []);
  }
}

function valueIn(observation: Observation): Pick<Difference, "actual"> {
  return observation.state === "present" ? { actual: observation.value } : {};
}

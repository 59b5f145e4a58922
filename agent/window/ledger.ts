import {
  APPLY_ORDER,
  type DeltaItem,
  type EffectiveState,
  emptyEffective,
  type FailureList,
  foldDelta,
  forgetFailure,
  noteFailure,
  type Outcome,
} from "../apply/mod.ts";
import { type DriftCategory, itemName, type Target, targetFingerprint } from "../drift/mod.ts";
import type { NamedReason } from "./convergence_types.ts";

/** A commit whose delta the declaration from the journal does not contain yet. */
export interface LocalCommit {
  readonly id: number;
  /** Of its entry; absent while it waits in the operation log. */
  readonly sequence?: bigint;
  /** Of its entry in the operation log; absent where the journal took it at once. */
  readonly requestId?: string;
  readonly items: readonly DeltaItem[];
}

/** One declared key. */
export interface DeclaredKey {
  readonly category: DriftCategory;
  readonly key: string;
  readonly name: string;
  readonly target: Target;
}

/**
 * What is declared, and which of it has been brought about and verified: only that can drift. A pure
 * book: it reads and writes nothing.
 */
export class Ledger {
  #declared: EffectiveState = emptyEffective();
  #effective: EffectiveState = this.#declared;
  #commits: readonly LocalCommit[] = [];
  #failures: FailureList = new Map();
  /** By item name, the fingerprint of the target that was verified. */
  readonly #converged: Map<string, string>;
  readonly #unavailable = new Map<string, string>();

  constructor(converged: ReadonlyMap<string, string>, commits: readonly LocalCommit[]) {
    this.#converged = new Map(converged);
    this.#commits = commits;
    this.#refold();
  }

  get effective(): EffectiveState {
    return this.#effective;
  }

  get failures(): FailureList {
    return this.#failures;
  }

  get commits(): readonly LocalCommit[] {
    return this.#commits;
  }

  get converged(): ReadonlyMap<string, string> {
    return this.#converged;
  }

  /** Another declaration; commits that it contains need no longer be put on top of it. */
  declare(declared: EffectiveState): void {
    this.#declared = declared;
    this.#commits = this.#commits.filter(({ sequence }) =>
      sequence === undefined || sequence > declared.sequence
    );
    this.#refold();
  }

  /** Makes committed items part of what is declared, as verified: they are what the node has. */
  addCommit(commit: LocalCommit): void {
    this.#commits = [...this.#commits, commit];
    this.#refold();
    for (const { category, key } of commit.items) {
      const name = itemName({ category, key });
      const target = this.#effective.targets[category].get(key);
      if (target === undefined) this.#converged.delete(name);
      else this.#converged.set(name, targetFingerprint(target));
    }
  }

  /** Gives a commit that was queued the sequence of its entry. */
  acknowledge(requestId: string, sequence: bigint): void {
    this.#commits = this.#commits.map((commit) =>
      commit.requestId === requestId ? { ...commit, sequence } : commit
    );
  }

  /** Forgets a commit that the journal refused; what the node has of it counts as drifted. */
  withdrawCommit(requestId: string): void {
    const withdrawn = this.#commits.find((commit) => commit.requestId === requestId);
    if (withdrawn === undefined) return;
    this.#commits = this.#commits.filter((commit) => commit !== withdrawn);
    this.#refold();
    for (const { category, key } of withdrawn.items) {
      const target = this.#effective.targets[category].get(key);
      const name = itemName({ category, key });
      if (target === undefined) this.#converged.delete(name);
      else this.#converged.set(name, targetFingerprint(target));
    }
  }

  /** Forgets commits that are to be reverted with the declaration they stand on. */
  dropCommits(): void {
    this.#commits = [];
    this.#refold();
  }

  /** Every declared key, in the order of applying. */
  declaredKeys(): DeclaredKey[] {
    return APPLY_ORDER.flatMap((category) =>
      [...this.#effective.targets[category]].map(([key, target]) => ({
        category,
        key,
        name: itemName({ category, key }),
        target,
      }))
    );
  }

  /** Whether the target of a key was verified and has not changed since. */
  isConverged({ name, target }: DeclaredKey): boolean {
    return this.#converged.get(name) === targetFingerprint(target);
  }

  /** The targets of one dimension that can drift. */
  convergedTargets(category: DriftCategory): ReadonlyMap<string, Target> {
    const converged = new Map<string, Target>();
    for (const [key, target] of this.#effective.targets[category]) {
      const name = itemName({ category, key });
      if (this.isConverged({ category, key, name, target })) converged.set(key, target);
    }
    return converged;
  }

  /** Names that were brought about and are no longer declared. */
  released(): string[] {
    const declared = new Set(this.declaredKeys().map(({ name }) => name));
    return [...this.#converged.keys()].filter((name) => !declared.has(name));
  }

  /** Notes what became of an operation on a declared key. */
  note(declared: DeclaredKey, outcome: Outcome, nowMs: number): void {
    const { name, target } = declared;
    if (outcome.result === "done") {
      this.#converged.set(name, targetFingerprint(target));
      this.#failures = forgetFailure(this.#failures, name);
      this.#unavailable.delete(name);
      return;
    }
    this.#converged.delete(name);
    if (outcome.result === "failed") {
      this.#unavailable.delete(name);
      this.#failures = noteFailure(this.#failures, name, outcome.reason, nowMs);
    } else {
      this.#failures = forgetFailure(this.#failures, name);
      this.#unavailable.set(name, outcome.reason);
    }
  }

  /** Has an item that fails tried again at once; what it waited for may be there. */
  hurry(name: string): void {
    const failure = this.#failures.get(name);
    if (failure === undefined) return;
    this.#failures = new Map(this.#failures).set(name, { ...failure, retryAtMs: 0 });
  }

  /** Forgets a key altogether. */
  forget(name: string): void {
    this.#converged.delete(name);
    this.#unavailable.delete(name);
    this.#failures = forgetFailure(this.#failures, name);
  }

  failureReasons(): NamedReason[] {
    return [...this.#failures].map(([name, { reason }]) => ({ name, reason }));
  }

  /** What cannot be done, with the names that could not even be expressed. */
  unavailableReasons(): NamedReason[] {
    const reasons = [...this.#unavailable].map(([name, reason]) => ({ name, reason }));
    const inexpressible = this.#effective.unsupported
      .filter((name) => !this.#unavailable.has(name))
      .map((name) => ({ name, reason: "not supported by this build" }));
    return [...reasons, ...inexpressible];
  }

  /** What is not declared any more can neither fail nor be missed. */
  #refold(): void {
    this.#effective = this.#commits.reduce(
      (state, { items }) => foldDelta(state, items),
      this.#declared,
    );
    const declared = new Set(this.declaredKeys().map(({ name }) => name));
    for (const name of [...this.#failures.keys(), ...this.#unavailable.keys()]) {
      if (declared.has(name)) continue;
      this.#failures = forgetFailure(this.#failures, name);
      this.#unavailable.delete(name);
    }
  }
}

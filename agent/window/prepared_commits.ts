import type { Captured, DeltaItem } from "../apply/mod.ts";
import { type DriftItem, itemName, redactItem, stateDelta } from "../drift/mod.ts";
import { ConvergenceError, type PreparedCommit } from "./convergence_types.ts";

/** A commit that the journal has not answered holds a rollback back no longer than this. */
const HOLD_MS = 30_000;
/** After this nobody will confirm it any more. */
const FORGOTTEN_MS = 600_000;
const MAX_PREPARED = 64;

/** A prepared commit and what confirming it declares. */
interface Prepared {
  readonly commit: PreparedCommit;
  readonly items: readonly DeltaItem[];
  readonly preparedMs: number;
}

/** Commits between the captured values and the journal's answer: the first of two steps. */
export class PreparedCommits {
  readonly #capture: (item: DriftItem) => Promise<Captured>;
  readonly #prepared = new Map<number, Prepared>();
  #lastId: number;

  /** `capture` answers the value of an item as it can be declared. */
  constructor(capture: (item: DriftItem) => Promise<Captured>, lastId: number) {
    this.#capture = capture;
    this.#lastId = lastId;
  }

  /** Captures all drifted items or those named. Throws ConvergenceError; see prepareCommit. */
  async prepare(
    drifted: readonly DriftItem[],
    names: readonly string[],
    nowMs: number,
  ): Promise<PreparedCommit> {
    if (drifted.length === 0) {
      throw new ConvergenceError("FAILED_PRECONDITION", "nothing to commit");
    }
    for (const [id, { preparedMs }] of this.#prepared) {
      if (preparedMs < nowMs - FORGOTTEN_MS) this.#prepared.delete(id);
    }
    if (this.#prepared.size >= MAX_PREPARED) {
      throw new ConvergenceError("FAILED_PRECONDITION", "too many commits are under way");
    }
    const captured: DriftItem[] = [];
    for (const item of choose(drifted, names)) captured.push(await this.#captured(item));
    const id = ++this.#lastId;
    const commit = { id, items: captured.map(redactItem), delta: stateDelta(captured) };
    this.#prepared.set(id, { commit, items: captured.map(deltaItemOf), preparedMs: nowMs });
    return commit;
  }

  /** Takes a commit out to confirm it. */
  take(id: number): { readonly commit: PreparedCommit; readonly items: readonly DeltaItem[] } {
    const prepared = this.#prepared.get(id);
    if (prepared === undefined) {
      throw new ConvergenceError("NOT_FOUND", `no prepared commit ${id}`);
    }
    this.#prepared.delete(id);
    return prepared;
  }

  /** Forgets a commit that was refused. */
  drop(id: number): void {
    this.#prepared.delete(id);
  }

  /** Until then the window must not roll back what the journal may be accepting. */
  get heldUntilMs(): number {
    let until = 0;
    for (const { preparedMs } of this.#prepared.values()) {
      until = Math.max(until, preparedMs + HOLD_MS);
    }
    return until;
  }

  async #captured(item: DriftItem): Promise<DriftItem> {
    const captured = await this.#capture(item);
    if (!captured.ok) {
      throw new ConvergenceError("FAILED_PRECONDITION", `${itemName(item)}: ${captured.reason}`);
    }
    const { actual: _seen, ...rest } = item;
    return captured.value === undefined ? rest : { ...rest, actual: captured.value };
  }
}

function choose(drifted: readonly DriftItem[], names: readonly string[]): Iterable<DriftItem> {
  if (names.length === 0) return drifted;
  const byName = new Map(drifted.map((item) => [itemName(item), item]));
  return new Set(names.map((name) => {
    const item = byName.get(name);
    if (item === undefined) {
      throw new ConvergenceError("INVALID_ARGUMENT", `${name} has not drifted`);
    }
    return item;
  }));
}

/** What a committed item declares (WIN-6). */
function deltaItemOf(item: DriftItem): DeltaItem {
  const { category, key, actual } = item;
  if (actual === undefined) return { category, key, action: "Remove" };
  return { category, key, action: item.action === "Add" ? "Add" : "Modify", value: actual };
}

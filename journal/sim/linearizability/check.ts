/**
 * Whether a history of concurrent operations could have come from a sequential object: whether each
 * operation can be given one moment between its call and its return so that, in the order of these
 * moments, everybody saw what the object would have shown (Herlihy and Wing, "Linearizability: a
 * correctness condition for concurrent objects", 1990).
 *
 * The search is that of Wing and Gong (1993): take an operation that nobody has to precede, see
 * whether the object agrees, go on with the rest; go back where it does not. As Lowe (2017) showed,
 * it pays to remember where one has been: the same operations done, with the same state, lead to
 * the same end.
 *
 * @module
 */
import { EventList } from "./event_list.ts";
import type { History, Model, Operation } from "./history.ts";
import { OperationSet } from "./operation_set.ts";

/** What was found out about a history. */
export type Verdict<Input, Output> =
  | { readonly kind: "linearizable" }
  | {
    readonly kind: "violation";
    /** The longest order found that the model agrees with. */
    readonly longest: History<Input, Output>;
    /** The operation that no such order can get past: it returned what nothing explains. */
    readonly stuckAt: Operation<Input, Output>;
  }
  /** The search was given up after visiting this many configurations. */
  | { readonly kind: "undecided"; readonly visited: number };

/** Configurations to visit before giving up: some seconds and some 100 MB at most. */
const VISITS_MAX = 1_000_000;

/** Judges each part of the history; the worst verdict counts. */
export function checkLinearizability<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: History<Input, Output>,
  visitsMax: number = VISITS_MAX,
): Verdict<Input, Output> {
  const parts = Map.groupBy(history, ({ input }) => model.partOf?.(input) ?? "");
  let worst: Verdict<Input, Output> = { kind: "linearizable" };
  for (const part of parts.values()) {
    const verdict = new Search(model, part, visitsMax).run();
    if (verdict.kind === "violation") return verdict;
    if (verdict.kind === "undecided") worst = verdict;
  }
  return worst;
}

/** An operation that was given its moment, and the state before it. */
interface Step<State> {
  readonly operation: number;
  readonly before: State;
}

class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #history: History<Input, Output>;
  readonly #visitsMax: number;
  readonly #events: EventList;
  readonly #done: OperationSet;
  /** States that were reached, by the operations done. */
  readonly #visited = new Map<string, Set<unknown>>();
  readonly #steps: Step<State>[] = [];
  #state: State;
  #visits = 0;
  /** Operations that returned and have no moment yet. */
  #open: number;
  #longest: readonly number[] = [];
  #stuckAt = -1;

  constructor(
    model: Model<State, Input, Output>,
    history: History<Input, Output>,
    visitsMax: number,
  ) {
    this.#model = model;
    this.#history = history;
    this.#visitsMax = visitsMax;
    this.#events = new EventList(history);
    this.#done = new OperationSet(history.length);
    this.#state = model.initial();
    this.#open = history.filter(({ outcome }) => outcome.kind === "returned").length;
  }

  run(): Verdict<Input, Output> {
    let place = this.#events.first;
    while (this.#open > 0) {
      if (this.#visits > this.#visitsMax) return { kind: "undecided", visited: this.#visits };
      const { isCall, operation } = this.#events.at(place);
      if (isCall) {
        place = this.#advance(operation) ? this.#events.first : this.#events.after(place);
        continue;
      }
      // Whatever comes behind this return comes after this operation, which has no moment yet.
      this.#noteStuck(operation);
      const last = this.#steps.pop();
      if (last === undefined) return this.#violation();
      this.#goBack(last);
      place = this.#events.after(this.#events.callOf(last.operation));
    }
    return { kind: "linearizable" };
  }

  /** Gives the operation its moment now, unless the model disagrees or this led nowhere before. */
  #advance(operation: number): boolean {
    const { input, outcome } = this.#operation(operation);
    const { state, output } = this.#model.apply(this.#state, input);
    const identity = this.#model.identity(state);
    if (outcome.kind === "returned") {
      if (!this.#model.isSame(output, outcome.output)) return false;
    } else if (identity === this.#model.identity(this.#state)) {
      // Nobody saw its answer and it changes nothing: it need not have happened.
      return false;
    }
    this.#done.toggle(operation);
    if (!this.#isNew(identity)) {
      this.#done.toggle(operation);
      return false;
    }
    this.#steps.push({ operation, before: this.#state });
    this.#state = state;
    this.#events.take(operation);
    if (outcome.kind === "returned") this.#open--;
    return true;
  }

  #goBack({ operation, before }: Step<State>): void {
    this.#events.putBack(operation);
    this.#done.toggle(operation);
    this.#state = before;
    if (this.#operation(operation).outcome.kind === "returned") this.#open++;
  }

  #isNew(identity: unknown): boolean {
    this.#visits++;
    const key = this.#done.key();
    const states = this.#visited.get(key);
    if (states === undefined) {
      this.#visited.set(key, new Set([identity]));
      return true;
    }
    if (states.has(identity)) return false;
    states.add(identity);
    return true;
  }

  #noteStuck(operation: number): void {
    if (this.#stuckAt !== -1 && this.#steps.length <= this.#longest.length) return;
    this.#longest = this.#steps.map((step) => step.operation);
    this.#stuckAt = operation;
  }

  #violation(): Verdict<Input, Output> {
    return {
      kind: "violation",
      longest: this.#longest.map((operation) => this.#operation(operation)),
      stuckAt: this.#operation(this.#stuckAt),
    };
  }

  #operation(number: number): Operation<Input, Output> {
    const operation = this.#history[number];
    if (operation === undefined) throw new RangeError(`no operation ${number}`);
    return operation;
  }
}

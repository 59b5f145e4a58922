/** What became of an operation, as its client saw it. Times are of one clock for all clients. */
export type OperationOutcome<Output> =
  | { readonly kind: "returned"; readonly at: number; readonly output: Output }
  /** The client never learnt whether it took effect: it may have, at any time since its call. */
  | { readonly kind: "unknown" };

/** One operation of one client. What failed for certain without effect is left out of a history. */
export interface Operation<Input, Output> {
  /** For a reader of the history; two operations of one client are ordered by their times alone. */
  readonly client: string;
  readonly input: Input;
  readonly calledAt: number;
  readonly outcome: OperationOutcome<Output>;
}

/** Operations in any order. One precedes another if it returned before the other was called. */
export type History<Input, Output> = readonly Operation<Input, Output>[];

/** The sequential object that the operations should look like. */
export interface Model<State, Input, Output> {
  initial(): State;
  /** Pure. What an operation does when nothing else happens at the same time. */
  apply(state: State, input: Input): { readonly state: State; readonly output: Output };
  /** What the model says against what a client saw. */
  isSame(expected: Output, seen: Output): boolean;
  /** Equal, as keys of a Map are, exactly for states that behave alike from there on. */
  identity(state: State): unknown;
  /** Operations of different parts never see each other's effect: each part is judged by itself. */
  partOf?(input: Input): string;
}

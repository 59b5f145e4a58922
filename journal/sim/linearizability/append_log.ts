import type { Model } from "./history.ts";

/** What a client asks of the journal, as far as it can be told from its answers. */
export type AppendLogInput =
  | {
    readonly kind: "append";
    /** The same request asked again gets the same answer and appends nothing (JRN-57). */
    readonly request: string;
    readonly scope: string;
    /** Refused when the scope has a newer entry (JRN-25). */
    readonly expectedHead?: number;
    /** Refused unless it precedes the entry (JRN-22). */
    readonly parent?: number;
  }
  /** A linearizable read of one entry. */
  | { readonly kind: "entry"; readonly sequence: number }
  /** A linearizable read of the sequence that the next entry gets. */
  | { readonly kind: "next-sequence" };

/** What it answers. */
export type AppendLogOutput =
  | { readonly kind: "appended"; readonly sequence: number }
  | { readonly kind: "conflict"; readonly head: number }
  | { readonly kind: "parent-refused" }
  /** The request that wrote the entry; undefined where there is none yet. */
  | { readonly kind: "entry"; readonly request: string | undefined }
  | { readonly kind: "next-sequence"; readonly sequence: number };

/** A log as the way that leads to it: equal logs are the same object. */
export interface LogState {
  readonly length: number;
  readonly last:
    | { readonly request: string; readonly scope: string; readonly before: LogState }
    | undefined;
  readonly longer: Map<string, LogState>;
}

/** The journal's log of entries (J1, J2, J9), each request once in it. */
export const APPEND_LOG: Model<LogState, AppendLogInput, AppendLogOutput> = {
  initial: () => ({ length: 0, last: undefined, longer: new Map() }),
  apply: (state, input) => {
    switch (input.kind) {
      case "append":
        return append(state, input);
      case "entry":
        return { state, output: { kind: "entry", request: requestAt(state, input.sequence) } };
      case "next-sequence":
        return { state, output: { kind: "next-sequence", sequence: state.length } };
    }
  },
  isSame: (expected, seen) => {
    switch (expected.kind) {
      case "appended":
      case "next-sequence":
        return seen.kind === expected.kind && seen.sequence === expected.sequence;
      case "conflict":
        return seen.kind === "conflict" && seen.head === expected.head;
      case "parent-refused":
        return seen.kind === "parent-refused";
      case "entry":
        return seen.kind === "entry" && seen.request === expected.request;
    }
  },
  identity: (state) => state,
};

function append(
  state: LogState,
  input: Extract<AppendLogInput, { kind: "append" }>,
): { state: LogState; output: AppendLogOutput } {
  const { request, scope, expectedHead, parent } = input;
  let head: number | undefined;
  for (let at = state; at.last !== undefined; at = at.last.before) {
    const sequence = at.length - 1;
    if (at.last.request === request) return { state, output: { kind: "appended", sequence } };
    if (at.last.scope === scope) head ??= sequence;
  }
  if (parent !== undefined && parent >= state.length) {
    return { state, output: { kind: "parent-refused" } };
  }
  if (expectedHead !== undefined && head !== undefined && head > expectedHead) {
    return { state, output: { kind: "conflict", head } };
  }
  return {
    state: longer(state, request, scope),
    output: { kind: "appended", sequence: state.length },
  };
}

function longer(before: LogState, request: string, scope: string): LogState {
  const key = JSON.stringify([request, scope]);
  const known = before.longer.get(key);
  if (known !== undefined) return known;
  const state = { length: before.length + 1, last: { request, scope, before }, longer: new Map() };
  before.longer.set(key, state);
  return state;
}

function requestAt(state: LogState, sequence: number): string | undefined {
  for (let at = state; at.last !== undefined; at = at.last.before) {
    if (at.length - 1 === sequence) return at.last.request;
  }
  return undefined;
}

/*
 * A change of the management network stands only if a journal is reached over it (NET-8). Times are
 * milliseconds since boot.
 *
 *   state        event     next         effect
 *   idle         changed   confirming   note the former state on disk, reach for a journal
 *   confirming   reached   idle         confirmed, forget the note
 *   confirming   due       idle         restore the former state, forget the note
 *   idle         found     idle         restore: an agent ended in the middle
 */

/** A change that waits for its confirmation; both states as texts of interface specifications. */
export interface UnconfirmedChange {
  readonly name: string;
  readonly former: string;
  readonly wanted: string;
}

export type ConfirmState =
  | { readonly kind: "idle" }
  | { readonly kind: "confirming"; readonly change: UnconfirmedChange; readonly untilMs: number };

export type ConfirmEvent =
  | { readonly kind: "changed"; readonly change: UnconfirmedChange }
  /** A journal answered over a connection that was made after the change. */
  | { readonly kind: "reached" }
  | { readonly kind: "due" }
  | { readonly kind: "found"; readonly change: UnconfirmedChange };

export type ConfirmEffect =
  | { readonly kind: "note"; readonly change: UnconfirmedChange }
  | { readonly kind: "reach" }
  | { readonly kind: "wakeAt"; readonly atMs: number }
  | { readonly kind: "confirmed"; readonly change: UnconfirmedChange }
  | { readonly kind: "restore"; readonly change: UnconfirmedChange; readonly reason: string }
  | { readonly kind: "forget" };

/** How long a journal may take to answer over the new network. */
export const CONFIRM_LIMIT_MS = 30_000;

/** One step. */
export function stepConfirm(
  state: ConfirmState,
  event: ConfirmEvent,
  nowMs: number,
): { readonly state: ConfirmState; readonly effects: readonly ConfirmEffect[] } {
  switch (event.kind) {
    case "changed": {
      if (state.kind !== "idle") return { state, effects: [] };
      const { change } = event;
      const untilMs = nowMs + CONFIRM_LIMIT_MS;
      return {
        state: { kind: "confirming", change, untilMs },
        effects: [{ kind: "note", change }, { kind: "reach" }, { kind: "wakeAt", atMs: untilMs }],
      };
    }
    case "reached":
      if (state.kind !== "confirming") return { state, effects: [] };
      return {
        state: { kind: "idle" },
        effects: [{ kind: "confirmed", change: state.change }, { kind: "forget" }],
      };
    case "due":
      if (state.kind !== "confirming" || nowMs < state.untilMs) return { state, effects: [] };
      return {
        state: { kind: "idle" },
        effects: [
          { kind: "restore", change: state.change, reason: "no journal reached within 30 s" },
          { kind: "forget" },
          { kind: "reach" },
        ],
      };
    case "found":
      if (state.kind !== "idle") return { state, effects: [] };
      return {
        state,
        effects: [
          {
            kind: "restore",
            change: event.change,
            reason: "the agent ended before it was confirmed",
          },
          { kind: "forget" },
        ],
      };
  }
}

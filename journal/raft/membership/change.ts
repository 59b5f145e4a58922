import type { NodeId } from "../ids.ts";

/** What happens to one member. `update` changes no membership; it carries news in the context. */
export type ChangeKind = "add-voter" | "add-learner" | "remove" | "update";

export interface SingleChange {
  readonly kind: ChangeKind;
  readonly id: NodeId;
}

/**
 * How to pass through a joint configuration: `auto` only when needed and then left by itself,
 * `implicit` always and left by itself, `explicit` always and left by a further, empty change.
 */
export type Transition = "auto" | "implicit" | "explicit";

/** What a membership entry asks for. */
export interface MembershipChange {
  readonly transition: Transition;
  readonly changes: readonly SingleChange[];
  /** Opaque to the core: for the state machine that applies the entry. */
  readonly context: Uint8Array;
}

/** How a change takes effect. */
export type ChangeEffect =
  | { readonly kind: "simple" }
  | { readonly kind: "enter-joint"; readonly autoLeave: boolean }
  | { readonly kind: "leave-joint" };

/** The change that leaves a joint configuration. */
export const LEAVE_JOINT: MembershipChange = {
  transition: "auto",
  changes: [],
  context: new Uint8Array(0),
};

/** More than one change at once needs a joint configuration, whatever was asked for. */
export function effectOf({ transition, changes }: MembershipChange): ChangeEffect {
  if (transition === "auto" && changes.length === 0) return { kind: "leave-joint" };
  if (transition === "auto" && changes.length === 1) return { kind: "simple" };
  return { kind: "enter-joint", autoLeave: transition !== "explicit" };
}

/** Bytes of a change in its protobuf form; an empty change weighs nothing. */
export function changeBytes(change: MembershipChange, form: "single" | "list"): number {
  const context = change.context.length === 0 ? 0 : 2 + change.context.length;
  if (form === "single") return 6 + context;
  const transition = change.transition === "auto" ? 0 : 2;
  return transition + change.changes.length * 6 + context;
}

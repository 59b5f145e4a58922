/**
 * What a step of a decision looked at, in the order in which a request meets them: what was asked
 * for (`action`, `scope`), the `lock` list, each `role` of the principal with the `shortcut`, the
 * `matrix` cell, the `policy` setting or the `binding` that spoke for or against it, the policy
 * `engine`, the need for an `approval`, and the `outcome`.
 */
export type DecisionStepKind =
  | "action"
  | "scope"
  | "lock"
  | "role"
  | "shortcut"
  | "matrix"
  | "policy"
  | "binding"
  | "engine"
  | "approval"
  | "outcome";

/** What a step did to the decision; `continue` leaves it to the steps that follow. */
export type DecisionEffect = "allow" | "deny" | "approval" | "continue";

/** One link of the chain that led to a decision. It names rules and settings, never a secret. */
export interface DecisionStep {
  readonly kind: DecisionStepKind;
  /** What was looked at: a role, a rule of the specification, a setting, a policy's package. */
  readonly subject: string;
  readonly effect: DecisionEffect;
  /** One sentence a person reads. */
  readonly detail: string;
  /** The values the step read. */
  readonly data?: Readonly<Record<string, string>>;
}

/** Hears each step of a decision; without one, no step is put together. */
export type Trace = (step: DecisionStep) => void;

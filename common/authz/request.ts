/** Who asks. All of it comes from a verified credential. */
export interface Principal {
  readonly principal: string;
  readonly principalType: "Human" | "Agent" | "Service";
  readonly roles: readonly string[];
  /** The token's own name for its bearer, which `principal` may be another claim than (PAuth5). */
  readonly subject?: string | undefined;
  /** Node of an agent certificate. */
  readonly nodeId?: string | undefined;
  /** vCluster that node is assigned to, as of the decision. */
  readonly vclusterId?: string | undefined;
}

/** Where the action applies, the vCluster of a node already resolved (ROL-4). */
export interface DecisionScope {
  readonly global: boolean;
  readonly vclusterId?: string | undefined;
  readonly nodeId?: string | undefined;
}

/** What of the vCluster's policy the decision reads. */
export interface DecisionPolicy {
  readonly policyId: string;
  readonly emergencyAllowed: boolean;
  readonly regulated: boolean;
  readonly twoPersonApproval: boolean;
  readonly aiExecAllowed: boolean;
  readonly roleBindings: readonly RoleBinding[];
}

/** Actions that a policy grants to principals of a role (POL-24, POL-25). */
export interface RoleBinding {
  readonly role: string;
  readonly principals: readonly string[];
  readonly allowedActions: readonly string[];
}

/** A request for a decision. */
export interface DecisionRequest {
  readonly principal: Principal;
  /** Action as named by the caller; aliases are understood. */
  readonly action: string;
  readonly scope: DecisionScope;
  readonly policy: DecisionPolicy;
  /** Whether the command changes state; decides the two-person rule of exec (APR-3). */
  readonly changesState?: boolean | undefined;
}

/** The answer; `policyRef` is stored in the entry (POL-26). */
export type Decision =
  | { readonly outcome: "allow"; readonly role: string; readonly policyRef: string }
  | { readonly outcome: "approval"; readonly role: string; readonly policyRef: string }
  | {
    readonly outcome: "deny";
    readonly role: string;
    readonly policyRef: string;
    readonly reason: string;
  };

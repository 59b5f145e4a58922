/**
 * Who may do what: roles, actions and the decision, as data and pure functions. No package is
 * imported here, so that the agent's core isolate can decide as the journal does.
 */
export {
  type Action,
  ACTION_GROUPS,
  type ActionGroup,
  actionGroup,
  isAction,
  parseAction,
} from "./actions.ts";
export { decide, explainDecision } from "./decide.ts";
export { actionOfOperation, operationType } from "./operation_type.ts";
export {
  isLockKind,
  LOCK_KINDS,
  lockedDecision,
  type LockFacts,
  lockKey,
  type LockKind,
  type LockLookup,
  lockOnCaller,
  lockOnScope,
  type LockSubject,
  lockText,
} from "./locks.ts";
export type {
  Decision,
  DecisionPolicy,
  DecisionRequest,
  DecisionScope,
  Principal,
  RoleBinding,
} from "./request.ts";
export {
  isMachineRole,
  parseRole,
  PLATFORM_ADMIN,
  type Role,
  SERVICE_AGENT,
  SERVICE_AI,
} from "./roles.ts";
export type { DecisionEffect, DecisionStep, DecisionStepKind, Trace } from "./steps.ts";
export { outcomeStep, step } from "./trace.ts";

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
export {
  decide,
  type Decision,
  type DecisionPolicy,
  type DecisionRequest,
  type DecisionScope,
  type Principal,
} from "./decide.ts";
export {
  isMachineRole,
  parseRole,
  PLATFORM_ADMIN,
  type Role,
  SERVICE_AGENT,
  SERVICE_AI,
} from "./roles.ts";

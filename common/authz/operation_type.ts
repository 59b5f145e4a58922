import { type Action, ACTION_GROUPS } from "./actions.ts";

/** Actions whose audit records carry another name than the action's own (AUD-1). */
const NAMES: Readonly<Record<string, string>> = {
  approve: "ApprovalDecision",
  diag: "DiagCollect",
  node_register: "NodeEnroll",
  service: "ServiceRestart",
  emergency: "EmergencyStart",
  shell: "ShellSessionStart",
};

/** The operation type under which an action is audited: `node_move` as `NodeMove` (AUD-1). */
export function operationType(action: string): string {
  return TYPE_OF.get(action) ?? typeOf(action);
}

function typeOf(action: string): string {
  const words = action.split("_").map((word) => word.slice(0, 1).toUpperCase() + word.slice(1));
  return (NAMES[action] ?? words.join("")).slice(0, 64) || "Unknown";
}

/** Every change is audited under one. */
const TYPE_OF: ReadonlyMap<string, string> = new Map(
  Object.values(ACTION_GROUPS).flat().map((action) => [action, typeOf(action)]),
);

const ACTION_OF: ReadonlyMap<string, Action> = new Map(
  Object.values(ACTION_GROUPS).flat().map((action) => [typeOf(action), action]),
);

/** The action that is audited under an operation type; undefined for what is no action. */
export function actionOfOperation(type: string): Action | undefined {
  return ACTION_OF.get(type);
}

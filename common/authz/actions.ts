/** Actions by group (policy.md section 4). */
export const ACTION_GROUPS = {
  read: ["status", "diff", "log", "cap", "watch", "service_status", "query_fleet"],
  sensitive_read: ["diag", "audit"],
  write: [
    "commit",
    "apply",
    "promote",
    "rollback",
    "extend",
    "blacklist",
    "exec",
    "shell",
    "service_start",
    "service_stop",
    "service_restart",
  ],
  emergency: ["emergency_start", "emergency_end"],
  control: ["approve", "policy_update", "lock"],
  registry: [
    "node_register",
    "node_decommission",
    "node_assign",
    "node_unassign",
    "node_move",
    "node_import",
    "member_change",
  ],
  delegated_write: [
    "drain",
    "undrain",
    "cordon",
    "uncordon",
    "reboot",
    "reimage",
    "jobs_cancel",
    "dag_cancel",
    "backup_create",
    "backup_restore",
  ],
  delegated_read: [
    "jobs",
    "queue",
    "dag",
    "budget",
    "accounting",
    "nodes",
    "services",
    "health",
    "cluster",
    "backup_verify",
  ],
} as const;

/** Group of an action. */
export type ActionGroup = keyof typeof ACTION_GROUPS;

/** An action that a policy decides on. */
export type Action = (typeof ACTION_GROUPS)[ActionGroup][number];

const GROUP_OF: ReadonlyMap<string, ActionGroup> = new Map(
  (Object.keys(ACTION_GROUPS) as ActionGroup[]).flatMap((group) =>
    ACTION_GROUPS[group].map((action): [string, ActionGroup] => [action, group])
  ),
);

const ALIASES: Readonly<Record<string, Action>> = {
  emergency: "emergency_start",
  service: "service_restart",
};

/** Whether `text` names an action. */
export function isAction(text: string): text is Action {
  return GROUP_OF.has(text);
}

/** The action `text` means on input, aliases resolved (POL-10); undefined when there is none. */
export function parseAction(text: string): Action | undefined {
  const action = ALIASES[text] ?? text;
  return isAction(action) ? action : undefined;
}

/** Group of `action`. */
export function actionGroup(action: Action): ActionGroup {
  return GROUP_OF.get(action) ?? "registry";
}

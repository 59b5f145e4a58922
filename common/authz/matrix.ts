import type { Action } from "./actions.ts";
import type { Role } from "./roles.ts";

/**
 * One cell of the matrix of policy.md section 5:
 * `allow`; `two` allow, subject to the two-person rule; `human` only for people; `own` only the
 * agent's own node; `home` its own node, the vCluster that node is assigned to, and Global; `ai-exec` only where policy.ai_exec_allowed; `binding` only by role binding;
 * `both` only with the role on both sides; `deny`.
 */
export type Cell =
  | "allow"
  | "two"
  | "human"
  | "own"
  | "home"
  | "ai-exec"
  | "binding"
  | "both"
  | "both-two"
  | "deny";

/** Columns of the matrix, in the order of {@link ROWS}. */
const COLUMNS = [
  "platform-admin",
  "ops",
  "regulated",
  "viewer",
  "service-agent",
  "service-ai",
] as const;

type Column = (typeof COLUMNS)[number];
type Row = readonly [Cell, Cell, Cell, Cell, Cell, Cell];

const WRITE: Row = ["allow", "two", "two", "deny", "own", "binding"];
const OPERATE: Row = ["allow", "two", "two", "deny", "deny", "binding"];
const PEOPLE_WRITE: Row = ["allow", "two", "two", "deny", "deny", "deny"];
const ADMIN_ONLY: Row = ["allow", "deny", "deny", "deny", "deny", "deny"];
const OPS_ALLOW: Row = ["allow", "allow", "allow", "deny", "deny", "deny"];
const READ: Row = ["allow", "allow", "allow", "allow", "own", "allow"];
const READ_HOME: Row = ["allow", "allow", "allow", "allow", "home", "allow"];
const READ_NOT_AGENT: Row = ["allow", "allow", "allow", "allow", "deny", "allow"];

/** The RBAC matrix as data (policy.md section 5). */
const ROWS: Readonly<Record<Action, Row>> = {
  status: READ_HOME,
  log: READ_HOME,
  diff: READ,
  cap: READ,
  watch: READ,
  service_status: READ,
  query_fleet: READ_NOT_AGENT,
  diag: ["allow", "allow", "allow", "deny", "deny", "ai-exec"],
  audit: ["allow", "allow", "allow", "deny", "deny", "deny"],
  commit: WRITE,
  apply: WRITE,
  promote: WRITE,
  rollback: WRITE,
  extend: OPS_ALLOW,
  blacklist: PEOPLE_WRITE,
  exec: ["allow", "two", "two", "deny", "deny", "ai-exec"],
  shell: PEOPLE_WRITE,
  service_start: OPERATE,
  service_stop: OPERATE,
  service_restart: OPERATE,
  emergency_start: ["human", "two", "deny", "deny", "deny", "deny"],
  emergency_end: ["human", "allow", "deny", "deny", "deny", "deny"],
  approve: OPS_ALLOW,
  policy_update: ADMIN_ONLY,
  lock: ADMIN_ONLY,
  node_register: ADMIN_ONLY,
  node_decommission: ADMIN_ONLY,
  node_import: ADMIN_ONLY,
  member_change: ADMIN_ONLY,
  node_assign: ["allow", "allow", "two", "deny", "deny", "deny"],
  node_unassign: ["allow", "allow", "two", "deny", "deny", "deny"],
  node_move: ["allow", "both", "both-two", "deny", "deny", "deny"],
  drain: OPS_ALLOW,
  undrain: ["allow", "allow", "allow", "deny", "deny", "binding"],
  cordon: OPS_ALLOW,
  uncordon: OPS_ALLOW,
  reboot: ["allow", "allow", "two", "deny", "deny", "deny"],
  reimage: ["allow", "allow", "two", "deny", "deny", "deny"],
  jobs_cancel: OPS_ALLOW,
  dag_cancel: OPS_ALLOW,
  backup_create: ["allow", "deny", "deny", "deny", "deny", "binding"],
  backup_verify: ["allow", "deny", "deny", "deny", "deny", "binding"],
  backup_restore: ["human", "deny", "deny", "deny", "deny", "deny"],
  jobs: READ_NOT_AGENT,
  queue: READ_NOT_AGENT,
  dag: READ_NOT_AGENT,
  budget: READ_NOT_AGENT,
  accounting: READ_NOT_AGENT,
  nodes: READ_NOT_AGENT,
  services: READ_NOT_AGENT,
  health: READ_NOT_AGENT,
  cluster: READ_NOT_AGENT,
};

/** The cell for `action` in the column of `role`; undefined for a role the matrix does not know. */
export function matrixCell(action: Action, role: Role): Cell | undefined {
  if (role.kind === "unknown") return undefined;
  return ROWS[action][COLUMNS.indexOf(role.kind satisfies Column)];
}

import type { agentport } from "../../api/mod.ts";
import { parseRole } from "../../common/authz/mod.ts";
import { RefusedError } from "../entries/mod.ts";
import { admitCall, type CallGrant, type NodeStanding } from "./access.ts";
import { withoutRules } from "./without_rules.ts";

/**
 * Who may open and end emergencies on a node that is alone: people who operate its vCluster and
 * platform admins, by the roles in their token and the policy that the node has (DEG-9). What a binding
 * of the policy grants besides is for the journal to weigh. `isAlone` is asked for nobody else.
 *
 * @throws {RefusedError} PERMISSION_DENIED, PRECONDITION `use the journal` while there is one (EMM-2),
 * POLICY_DENIED where rules or a second person decide (DEG-5, DEG-6).
 */
export async function grantAlone(
  standing: () => NodeStanding,
  caller: agentport.Caller,
  action: EmergencyAction,
  isAlone: () => Promise<boolean>,
): Promise<CallGrant> {
  admitOperator(standing(), caller, action);
  if (!await isAlone()) throw new RefusedError("PRECONDITION", "use the journal");
  // Another policy may have come meanwhile.
  const grant = admitOperator(standing(), caller, action);
  if (grant.needsApproval) {
    throw new RefusedError("POLICY_DENIED", "two-person approval unavailable during partition");
  }
  return withoutRules(standing(), grant, action);
}

type EmergencyAction = "emergency_start" | "emergency_end";

function admitOperator(
  standing: NodeStanding,
  caller: agentport.Caller,
  action: EmergencyAction,
): CallGrant {
  const grant = admitCall(standing, caller, action);
  const role = parseRole(grant.author.role).kind;
  if (role === "platform-admin" || role === "ops") return grant;
  throw new RefusedError(
    "PERMISSION_DENIED",
    `role ${grant.author.role} cannot perform action: ${action} without a journal (DEG-9)`,
  );
}

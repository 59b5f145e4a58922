import { PactError } from "../../common/errors/mod.ts";
import {
  type EntryDraft,
  type Identity,
  isClientWritable,
  type Scope,
} from "../../common/model/mod.ts";
import type { SubmittedEntry } from "../../common/wire/mod.ts";
import { type Caller, identityOf } from "../access/mod.ts";
import type { ServiceContext } from "./context.ts";
import { ownNodeOf } from "./context.ts";

/** An entry that may be appended: the author comes from the credential. */
export type AuthorizedEntry = Omit<EntryDraft, "timestamp"> & { readonly timestamp?: string };

/** Tags of operations that a caller may set; anything else in policy_ref is replaced (POL-26). */
const OPERATION_TAG =
  /^(apply|promote|delegate|delegate-result|degraded|local-changes|auto-rollback):/;

/**
 * Decides whether `caller` may append `entry` and fills in what the credential says (API-30, API-31).
 *
 * @throws {PactError} INVALID_ARGUMENT, IDENTITY_MISMATCH, PERMISSION_DENIED or POLICY_DENIED.
 */
export async function authorizeEntry(
  context: ServiceContext,
  caller: Caller,
  entry: SubmittedEntry,
): Promise<AuthorizedEntry> {
  if (!isClientWritable(entry.entry_type)) {
    throw new PactError("INVALID_ARGUMENT", "entry type not client-writable");
  }
  const isAgent = caller.nodeId !== undefined && caller.principal.nodeId !== undefined;
  return isAgent
    ? await authorizeRelay(context, caller, entry)
    : await authorizePerson(context, caller, entry);
}

async function authorizePerson(
  context: ServiceContext,
  caller: Caller,
  entry: SubmittedEntry,
): Promise<AuthorizedEntry> {
  const { scope } = entry;
  const grant = await context.gatekeeper.require({ caller, action: actionOf(entry), scope });
  const author = identityOf(caller, grant.role);
  requireSameIdentity(entry.author, caller);
  const { timestamp: _ignored, via: _unverified, ...kept } = entry;
  return { ...kept, author, policy_ref: policyRef(entry, grant.policyRef) };
}

/** An agent speaks for its own node, and names the person it acted for (API-4). */
async function authorizeRelay(
  context: ServiceContext,
  caller: Caller,
  entry: SubmittedEntry,
): Promise<AuthorizedEntry> {
  const { nodeId, certificateName } = ownNodeOf(caller);
  if (!isOwnScope(entry.scope, nodeId)) {
    throw new PactError(
      "PERMISSION_DENIED",
      `agent of ${nodeId} may only write entries of its own node`,
    );
  }
  const agent = caller.principal;
  const relayed = entry.author !== undefined && entry.author.principal !== agent.principal
    ? entry.author
    : undefined;
  const trace = relayed === undefined
    ? `rbac:own-node:${entry.entry_type}`
    : await relayTrace(context, caller, entry, relayed);
  const { timestamp, ...kept } = entry;
  return {
    ...kept,
    author: relayed ?? identityOf(caller, agent.roles[0] ?? ""),
    policy_ref: policyRef(entry, trace),
    ...(relayed === undefined ? {} : { via: certificateName }),
    // Only what was recorded while disconnected keeps its own time (JRN-24).
    ...(timestamp !== undefined && isReplay(entry) ? { timestamp } : {}),
  };
}

/** The agent decided already; the journal decides again with the role the person acted in. */
async function relayTrace(
  context: ServiceContext,
  caller: Caller,
  entry: SubmittedEntry,
  person: Identity,
): Promise<string> {
  if (entry.entry_type === "ExecLog" || entry.entry_type === "ShellSession") {
    return entry.policy_ref ?? "rbac:relay";
  }
  const { principal, principal_type, role } = person;
  const grant = await context.gatekeeper.require({
    caller: { ...caller, principal: { principal, principalType: principal_type, roles: [role] } },
    action: actionOf(entry),
    scope: entry.scope,
  });
  return grant.policyRef;
}

/** The action that appending an entry of this type is (API-30). */
function actionOf(entry: SubmittedEntry): string {
  switch (entry.entry_type) {
    case "Commit":
      if (entry.policy_ref?.startsWith("apply:")) return "apply";
      return entry.policy_ref?.startsWith("promote:") ? "promote" : "commit";
    case "Rollback":
      return "rollback";
    case "EmergencyStart":
      return "emergency_start";
    case "EmergencyEnd":
      return "emergency_end";
    case "ServiceLifecycle":
      return delegatedAction(entry.policy_ref) ?? lifecycleAction(entry.message);
    default:
      throw new PactError(
        "PERMISSION_DENIED",
        `${entry.entry_type} entries are written by agents only`,
      );
  }
}

function delegatedAction(policyRef: string | undefined): string | undefined {
  return /^delegate(?:-result)?:[^:]+:([^:]+):/.exec(policyRef ?? "")?.[1];
}

/** Start, stop or restart, as the message of the agent's entry begins (SUP-8). */
function lifecycleAction(message: string | undefined): string {
  const words: Readonly<Record<string, string>> = {
    ServiceStart: "service_start",
    ServiceStop: "service_stop",
    ServiceRestart: "service_restart",
  };
  return words[/^[A-Za-z]+/.exec(message ?? "")?.[0] ?? ""] ?? "service_restart";
}

function policyRef(entry: SubmittedEntry, trace: string): string {
  return entry.policy_ref !== undefined && OPERATION_TAG.test(entry.policy_ref)
    ? entry.policy_ref
    : trace;
}

function isReplay(entry: SubmittedEntry): boolean {
  return entry.policy_ref?.startsWith("degraded:") === true;
}

function isOwnScope(scope: Scope, nodeId: string): boolean {
  return scope !== "Global" && "Node" in scope && scope.Node === nodeId;
}

/** A body that names someone else than the credential is refused, not corrected (API-4). */
function requireSameIdentity(stated: Identity | undefined, caller: Caller): void {
  if (stated === undefined || (stated.principal === "" && stated.role === "")) return;
  const { principal, roles } = caller.principal;
  if (stated.principal === principal && roles.includes(stated.role)) return;
  throw new PactError(
    "IDENTITY_MISMATCH",
    `the entry names ${stated.principal} as ${stated.role}, the credential is of ${principal}`,
  );
}

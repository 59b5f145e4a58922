import { SERVICE_AGENT } from "../../common/authz/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import {
  type EntryDraft,
  type EntryType,
  type Identity,
  isClientWritable,
  type Scope,
} from "../../common/model/mod.ts";
import type { SubmittedEntry } from "../../common/wire/mod.ts";
import { type Caller, type Grant, identityOf } from "../access/mod.ts";
import type { AuditedChange } from "./audit_note.ts";
import { entryFacts } from "./change_facts.ts";
import { ownNodeOf, type ServiceContext } from "./context.ts";
import { reportFacts } from "./report_facts.ts";
import { isBlank, isSomebodyElse, requireSameIdentity } from "./stated_identity.ts";

/** An entry that may be appended: the author comes from the credential. */
export type AuthorizedEntry = Omit<EntryDraft, "timestamp"> & { readonly timestamp?: string };

/** An entry that may be appended, and what authorized it. */
export interface Authorization {
  readonly entry: AuthorizedEntry;
  /** Absent for what agents note of their own doing, which needs nobody's permission. */
  readonly audited?: AuditedChange;
  /** The entry must wait for a second person. */
  readonly needsApproval?: boolean;
}

/** Operation tags that callers may set; anything else in policy_ref is replaced (POL-26). */
const PERSON_TAG = /^(apply|promote|delegate|delegate-result):/;
const AGENT_TAG =
  /^(apply|delegate|delegate-result|degraded|local-changes|auto-rollback|auth-denied):/;

/** What agents write down about the people of their node; it has happened, so it is kept. */
const REPORTS: ReadonlySet<EntryType> = new Set<EntryType>([
  "ExecLog",
  "ShellSession",
  "ServiceLifecycle",
]);

/** What an agent may do on its own account (API-30, EMG-6). */
const OWN_ACCOUNT: ReadonlySet<EntryType> = new Set<EntryType>([
  ...REPORTS,
  "Commit",
  "Rollback",
  "AutoConverge",
  "DriftDetected",
  "CapabilityChange",
]);

/**
 * Decides whether `caller` may append `entry` and fills in what the credential says (API-30, API-31).
 *
 * @throws {PactError} INVALID_ARGUMENT, IDENTITY_MISMATCH, PERMISSION_DENIED or POLICY_DENIED.
 */
export function authorizeEntry(
  context: ServiceContext,
  caller: Caller,
  entry: SubmittedEntry,
): Authorization | Promise<Authorization> {
  if (!isClientWritable(entry.entry_type)) {
    throw new PactError("INVALID_ARGUMENT", "entry type not client-writable");
  }
  return caller.principal.nodeId === undefined
    ? authorizePerson(context, caller, entry)
    : authorizeAgent(context, caller, entry);
}

function authorizePerson(
  context: ServiceContext,
  caller: Caller,
  entry: SubmittedEntry,
): Authorization | Promise<Authorization> {
  const action = actionOf(entry);
  const { author, scope } = entry;
  if (author !== undefined && isSomebodyElse(caller, author)) {
    return requireSameIdentity(context, caller, { action, scope }, author)
      .then(() => admitPerson(context, caller, entry, action));
  }
  return admitPerson(context, caller, entry, action);
}

function admitPerson(
  context: ServiceContext,
  caller: Caller,
  entry: SubmittedEntry,
  action: string,
): Authorization | Promise<Authorization> {
  const { scope } = entry;
  const details = () => entryFacts(context, entry);
  const grant = context.gatekeeper.admit({ caller, action, scope, details });
  // Most grants are there at once, and every step of a promise costs half a kilobyte.
  return grant instanceof Promise
    ? grant.then((granted) => personsEntry(context, caller, entry, action, granted))
    : personsEntry(context, caller, entry, action, grant);
}

function personsEntry(
  context: ServiceContext,
  caller: Caller,
  entry: SubmittedEntry,
  action: string,
  { role, policyRef, needsApproval = false, isExempt = false }: Grant,
): Authorization {
  const { scope } = entry;
  const authorized = {
    ...withoutUnverified(entry),
    author: identityOf(caller, role),
    policy_ref: tagOr(entry, PERSON_TAG, policyRef),
  };
  return {
    // A person's token over a node's connection: the node is where it was relayed (AUT-1).
    entry: caller.certificateName === undefined
      ? authorized
      : { ...authorized, via: caller.certificateName },
    audited: {
      action,
      scope,
      policyRef,
      isExempt,
      vclusterId: context.gatekeeper.vclusterOf(scope),
      details: entryFacts(context, entry),
    },
    needsApproval,
  };
}

/** Time and relay are what the journal says they are, for what people write. */
function withoutUnverified(entry: SubmittedEntry): Omit<SubmittedEntry, "timestamp" | "via"> {
  if (entry.timestamp === undefined && entry.via === undefined) return entry;
  const { timestamp: _ignored, via: _unverified, ...kept } = entry;
  return kept;
}

/** An agent speaks for its own node, and names the person it acted for (API-4). */
async function authorizeAgent(
  context: ServiceContext,
  caller: Caller,
  entry: SubmittedEntry,
): Promise<Authorization> {
  const { nodeId, certificateName } = ownNodeOf(caller);
  const { scope } = entry;
  const person = relayedPerson(caller, entry);
  if (!isOwnScope(scope, nodeId)) {
    return await context.gatekeeper.refuse(
      { caller, action: agentAction(entry), scope },
      new PactError(
        "PERMISSION_DENIED",
        `agent of ${nodeId} may only write entries of its own node`,
      ),
    );
  }
  const { needsApproval = false, ...audited } = person === undefined
    ? await ownAccount(context, caller, entry)
    : await relay(context, caller, entry, person);
  const { timestamp, via: _unverified, ...kept } = entry;
  return {
    entry: {
      ...kept,
      author: person ?? identityOf(caller, SERVICE_AGENT),
      policy_ref: tagOr(entry, AGENT_TAG, audited.policyRef),
      ...(person === undefined ? {} : { via: certificateName }),
      // Only what was recorded while disconnected keeps its own time (JRN-24).
      ...(timestamp !== undefined && isReplay(entry) ? { timestamp } : {}),
    },
    ...(person === undefined && !REPORTS.has(entry.entry_type) ? {} : { audited }),
    needsApproval,
  };
}

/** Whom the agent acted for; undefined when it acted by itself. */
function relayedPerson(caller: Caller, { author }: SubmittedEntry): Identity | undefined {
  if (author === undefined || isBlank(author)) return undefined;
  return author.principal === caller.principal.principal ? undefined : author;
}

/** What an agent's entry rests on. */
type AgentGrant = AuditedChange & Pick<Authorization, "needsApproval">;

async function ownAccount(
  context: ServiceContext,
  caller: Caller,
  entry: SubmittedEntry,
): Promise<AgentGrant> {
  const { scope } = entry;
  const action = agentAction(entry);
  if (OWN_ACCOUNT.has(entry.entry_type)) {
    const policyRef = `rbac:own-node:${entry.entry_type}`;
    return { action, scope, policyRef, ...(REPORTS.has(entry.entry_type) && reportFacts(entry)) };
  }
  // Refuses: machines neither start nor end an emergency (EMG-6).
  const details = () => entryFacts(context, entry);
  const { policyRef } = await context.gatekeeper.require({ caller, action, scope, details });
  return { action, scope, policyRef };
}

/** The agent decided already; the journal decides again with the role the person acted in. */
async function relay(
  context: ServiceContext,
  caller: Caller,
  entry: SubmittedEntry,
  person: Identity,
): Promise<AgentGrant> {
  const { scope } = entry;
  const action = agentAction(entry);
  const vclusterId = context.gatekeeper.vclusterOf(scope);
  if (REPORTS.has(entry.entry_type)) {
    const policyRef = entry.policy_ref ?? "rbac:relay";
    return { action, scope, policyRef, vclusterId, ...reportFacts(entry) };
  }
  const { principal, principal_type, role } = person;
  const { policyRef, needsApproval = false, isExempt = false } = await context.gatekeeper.admit({
    caller: { ...caller, principal: { principal, principalType: principal_type, roles: [role] } },
    action: actionOf(entry),
    scope,
    details: () => entryFacts(context, entry),
  });
  const audited = {
    action,
    scope,
    policyRef,
    isExempt,
    vclusterId,
    details: entryFacts(context, entry),
  };
  return { ...audited, needsApproval };
}

/** As {@link actionOf}, for the types that only agents write as well. */
function agentAction(entry: SubmittedEntry): string {
  switch (entry.entry_type) {
    case "ExecLog":
      return "exec";
    case "ShellSession":
      return "shell";
    case "AutoConverge":
    case "DriftDetected":
    case "CapabilityChange":
      return "commit";
    default:
      return actionOf(entry);
  }
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

function tagOr(entry: SubmittedEntry, tags: RegExp, trace: string): string {
  return entry.policy_ref !== undefined && tags.test(entry.policy_ref) ? entry.policy_ref : trace;
}

function isReplay(entry: SubmittedEntry): boolean {
  return entry.policy_ref?.startsWith("degraded:") === true;
}

function isOwnScope(scope: Scope, nodeId: string): boolean {
  return scope !== "Global" && "Node" in scope && scope.Node === nodeId;
}

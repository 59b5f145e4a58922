/**
 * POSIX identities for NFS (journal.md section 12): every organisation has a range of its own, and a
 * person's id in it never changes while the organisation stays (IM1 to IM3).
 *
 * @module
 */
import type { CommandOf } from "./commands.ts";
import { type CommandResult, compositeKey, type Doc, type PosixIdentity } from "./documents.ts";
import { recordOperation } from "./operations.ts";
import { reject, type Transaction } from "./transaction.ts";
import type { DocumentsView } from "./view.ts";

/** The site's own organisation; it is there from the beginning, with index 0 (UID-1). */
export const LOCAL_ORG = "local";

/** First id of all, and how many each organisation has (UID-1). */
const BASE_ID = 10_000;
const STRIDE = 10_000;

/** Last index whose range lies within the ids that every system takes. */
const MAX_INDEX = Math.floor((2 ** 31 - 1 - BASE_ID) / STRIDE) - 1;

const VERSION_KEY = "current";

/** First id of an organisation's range, which is also the id of its group. */
export function firstIdOf(index: number): number {
  return BASE_ID + index * STRIDE;
}

/** Key of a person in the map. */
export function identityKey(org: string, subject: string): string {
  return compositeKey(org, subject);
}

/** Version of the map: whoever has the same one has the same map (IDM-5). */
export function uidMapVersion(view: DocumentsView): number {
  return view.get("uid_map_version", VERSION_KEY)?.version ?? 0;
}

/** Gives an organisation the lowest range that is free. Joining twice changes nothing. */
export function joinOrg(tx: Transaction, { org }: CommandOf<"JoinOrg">): CommandResult {
  if (orgOf(tx, org) !== undefined) return { kind: "Ok" };
  const taken = new Set([0, ...[...tx.list("orgs")].map(([, { index }]) => index)]);
  let index = 1;
  while (taken.has(index)) index++;
  if (index > MAX_INDEX) reject("RESOURCE_EXHAUSTED", "no range of user ids is left");
  tx.put("orgs", org, { index, assigned: 0 });
  changed(tx, "OrgJoin", `${org} has ids from ${firstIdOf(index)}`);
  return { kind: "Ok" };
}

/** Takes an organisation out with all its people; only then its range is free again (UID-4). */
export function leaveOrg(tx: Transaction, { org }: CommandOf<"LeaveOrg">): CommandResult {
  if (org === LOCAL_ORG) reject("INVALID_ARGUMENT", `${LOCAL_ORG} cannot leave`);
  if (tx.get("orgs", org) === undefined) reject("NOT_FOUND", `org ${org} not found`);
  let count = 0;
  for (const [key] of tx.list("uid_map", compositeKey(org, ""))) {
    tx.delete("uid_map", key);
    count++;
  }
  tx.delete("orgs", org);
  changed(tx, "OrgLeave", `${org} left with ${count} identities`);
  return { kind: "Ok" };
}

/** The identity of a subject; on first sight the next id of its organisation (UID-2). */
export function assignUid(
  tx: Transaction,
  { org, subject, username }: CommandOf<"AssignUid">,
): CommandResult {
  const known = tx.get("uid_map", identityKey(org, subject));
  if (known !== undefined) return { kind: "UidAssigned", identity: known };
  const range = orgOf(tx, org);
  if (range === undefined) reject("NOT_FOUND", `org ${org} not found`);
  if (range.assigned >= STRIDE) {
    reject("RESOURCE_EXHAUSTED", `UID range exhausted for org ${org}`);
  }
  for (const [, other] of tx.list("uid_map")) {
    if (other.username !== username) continue;
    reject("CONFLICT", `CONFLICT: username ${username} is ${other.subject}'s of ${other.org}`);
  }
  const first = firstIdOf(range.index);
  const identity: PosixIdentity = {
    org,
    subject,
    username,
    uid: first + range.assigned,
    gid: first,
    home: `/home/${username}`,
    shell: "/bin/bash",
  };
  tx.put("uid_map", identityKey(org, subject), identity);
  tx.put("orgs", org, { ...range, assigned: range.assigned + 1 });
  changed(tx, "UidAssign", `${username} of ${org} is ${identity.uid}`);
  return { kind: "UidAssigned", identity };
}

function orgOf(tx: Transaction, org: string): Doc<"orgs"> | undefined {
  return tx.get("orgs", org) ?? (org === LOCAL_ORG ? { index: 0, assigned: 0 } : undefined);
}

/** No entry type tells of identities: the audit record does. */
function changed(tx: Transaction, operationType: string, detail: string): void {
  tx.put("uid_map_version", VERSION_KEY, { version: uidMapVersion(tx) + 1 });
  recordOperation(tx, {
    type: "RecordOperation",
    operation: {
      actor: tx.actor,
      operation_type: operationType,
      scope: "Global",
      outcome: "Success",
      detail,
      source: "journal",
      metadata: {},
    },
  });
}

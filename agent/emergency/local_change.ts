import { type Author, RefusedError } from "../entries/mod.ts";
import type { EmergencySession } from "./sessions.ts";

/** Longest reason (journal.md 2.1). */
const MAX_REASON_CHARS = 1024;

/**
 * Whether an emergency may be opened on this node alone, as far as that does not hang on who asks
 * (EMM-1, EMM-2): with a reason, and one at a time.
 *
 * @throws {RefusedError} INVALID_ARGUMENT, or EMERGENCY_ACTIVE naming the one that is open and whose it is.
 */
export function checkLocalStart(open: EmergencySession | undefined, reason: string): void {
  if (reason.trim() === "") throw new RefusedError("INVALID_ARGUMENT", "emergency reason required");
  if (reason.length > MAX_REASON_CHARS) {
    throw new RefusedError(
      "INVALID_ARGUMENT",
      `emergency reason longer than ${MAX_REASON_CHARS} characters`,
    );
  }
  if (open === undefined) return;
  throw new RefusedError("EMERGENCY_ACTIVE", `EMERGENCY_ACTIVE: ${open.id} of ${open.principal}`);
}

/**
 * The emergency that may be ended on this node alone: the node's own, by who opened it or with force
 * (EMG-3). That of the vCluster covers other nodes, too.
 *
 * @throws {RefusedError} NO_EMERGENCY, PRECONDITION for the vCluster's, PERMISSION_DENIED for somebody else's.
 */
export function checkLocalEnd(
  open: EmergencySession | undefined,
  { principal }: Author,
  isForced: boolean,
): EmergencySession {
  if (open === undefined) {
    throw new RefusedError("NO_EMERGENCY", "no emergency is open on this node");
  }
  if (open.scope === "vcluster") {
    throw new RefusedError(
      "PRECONDITION",
      `${open.id} is an emergency of the vCluster: it is ended at the journal`,
    );
  }
  if (open.principal === principal || isForced) return open;
  throw new RefusedError(
    "PERMISSION_DENIED",
    `emergency session belongs to ${open.principal}; end it with force`,
  );
}

/**
 * The sequence that opened an emergency at the journal, by which its end names it there; undefined for
 * one that the journal has not heard of.
 */
export function openedBy({ id }: EmergencySession): bigint | undefined {
  const [, sequence] = /^em-([0-9]{1,15})$/.exec(id) ?? [];
  return sequence === undefined ? undefined : BigInt(sequence);
}

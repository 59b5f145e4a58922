import type { EntryType, Scope } from "../../common/model/mod.ts";

/** Which entries to read; every given condition must hold (API-35). */
export interface EntryQuery {
  readonly scope?: Scope;
  /** With a vCluster scope: also entries of nodes that were its members when they were written. */
  readonly includeMemberNodes?: boolean;
  readonly types?: readonly EntryType[];
  /** Inclusive. */
  readonly fromSequence?: number;
  /** Inclusive. */
  readonly toSequence?: number;
  /** Inclusive, milliseconds since the epoch. */
  readonly sinceMs?: number;
  /** Inclusive, milliseconds since the epoch. */
  readonly untilMs?: number;
  /** Newest first. */
  readonly descending?: boolean;
  /** Most entries to yield, counted from the end that comes first. */
  readonly limit?: number;
}

/** Which audit records to read; every given condition must hold. */
export interface AuditQuery {
  /** Also those that left the replicated state, as far as this member has them (AUD-3). */
  readonly archived?: boolean;
  readonly scope?: Scope;
  readonly principal?: string;
  readonly operationTypes?: readonly string[];
  readonly outcome?: "Success" | "Failure" | "Denied";
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly descending?: boolean;
  readonly limit?: number;
}

import type { EntryId } from "./entry.ts";
import { NO_BYTES } from "./entry.ts";
import { EMPTY_MEMBERSHIP, type Membership } from "./membership/mod.ts";

/** The state after an entry, in place of all entries up to it. */
export interface Snapshot extends EntryId {
  readonly membership: Membership;
  /** The state machine's, or what names it to the shell; the core never looks into it. */
  readonly data: Uint8Array;
}

/** The state before the first entry. */
export const EMPTY_SNAPSHOT: Snapshot = {
  index: 0,
  term: 0,
  membership: EMPTY_MEMBERSHIP,
  data: NO_BYTES,
};

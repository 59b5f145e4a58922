import type { EntryDraft } from "../../common/model/mod.ts";
import { present } from "../../common/wire/mod.ts";
import { changeFacts, type RequestDetails } from "../policy/mod.ts";
import { rollbackDelta } from "../state/mod.ts";
import type { ServiceContext } from "./context.ts";

/** What of an entry says what it changes. */
export type ChangingEntry = Pick<EntryDraft, "entry_type" | "scope" | "parent" | "state_delta">;

/**
 * What the site's rules may look at of an entry (OPA-4): its delta, and of a rollback, which names its
 * target alone, what going back there would change now.
 */
export function entryFacts(
  { replica, clock }: Pick<ServiceContext, "replica" | "clock">,
  { entry_type, scope, parent, state_delta }: ChangingEntry,
): RequestDetails {
  const delta = entry_type === "Rollback" && parent !== undefined
    ? rollbackDelta(replica.state, scope, parent, clock.nowMs())
    : state_delta;
  return present("change", changeFacts(delta));
}

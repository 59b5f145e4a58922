import type { stream } from "../../api/mod.ts";
import { entryOf } from "./refresh.ts";

/** How the journal's entry about an approval begins, once it is not pending any more. */
const DECIDED = /^ap-[0-9a-f]{8} (?:Approved|Rejected|Expired): commit\b/;

/** Whether an update says that a commit of this node waits for nobody any more (WIN-8). */
export function decidesCommit(update: stream.ConfigUpdate["update"]): boolean {
  if (update.case !== "nodeChange") return false;
  const { entry_type, message = "" } = entryOf(update.value);
  return entry_type === "PendingApproval" && DECIDED.test(message);
}

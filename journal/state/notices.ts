import type { Entry } from "../../common/model/mod.ts";
import type { CommandOf } from "./commands.ts";
import { type CommandResult, compositeKey, type Notice, numberKey } from "./documents.ts";
import type { Transaction } from "./transaction.ts";

/** How long a notice waits for somebody who is not there (SUB-10). */
export const NOTICE_KEEP_MS = 24 * 3_600_000;

/** Leaves a notice about `entry`; each recipient gets one. */
export function leaveNotice(tx: Transaction, entry: Entry, notice: Omit<Notice, "at">): void {
  const key = compositeKey(numberKey(entry.sequence), notice.principal ?? "");
  tx.put("notices", key, { ...notice, at: tx.timestamp });
}

/** Forgets notices that their recipient has read; those of others stay. */
export function dropNotices(
  tx: Transaction,
  { keys }: CommandOf<"DropNotices">,
): CommandResult {
  for (const key of keys) {
    if (tx.get("notices", key)?.principal === tx.actor.principal) tx.delete("notices", key);
  }
  return { kind: "Ok" };
}

import type { Entry } from "../../common/model/mod.ts";
import { compositeKey, type Notice, numberKey } from "./documents.ts";
import type { Transaction } from "./transaction.ts";

/** How long a notice waits for somebody who is not there (SUB-10). */
export const NOTICE_KEEP_MS = 24 * 3_600_000;

/** Leaves a notice about `entry`; each recipient gets one. */
export function leaveNotice(tx: Transaction, entry: Entry, notice: Omit<Notice, "at">): void {
  const key = compositeKey(numberKey(entry.sequence), notice.principal ?? "");
  tx.put("notices", key, { ...notice, at: tx.timestamp });
}

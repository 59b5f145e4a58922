import type { stream } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { type JsonValue } from "../../common/json/mod.ts";
import { type Entry, parseEntry } from "../../common/model/mod.ts";

/** Updates that arrive together are taken over together. */
const COALESCE_MS = 50;
/** How long to wait after a refresh that failed. */
const RETRY_MS = 1_000;

/** Whether an update changes what is declared for this node. */
export function changesDeclaration(update: stream.ConfigUpdate["update"]): boolean {
  switch (update.case) {
    case "policyChange":
    case "blacklistChange":
      return true;
    case "vclusterChange":
    case "nodeChange": {
      const { entry_type } = entryOf(update.value);
      return entry_type === "Commit" || entry_type === "Rollback";
    }
    default:
      return false;
  }
}

/** The entry that an update carries. */
export function entryOf(bytes: Uint8Array): Entry {
  const json: JsonValue = JSON.parse(new TextDecoder().decode(bytes));
  return parseEntry(json);
}

/** Runs a refresh some time after it became due, one at a time. */
export interface Refresher {
  due(): void;
  close(): void;
}

/** A refresher that repeats a failed refresh until it succeeds or is closed. */
export function createRefresher(
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  refresh: () => Promise<void>,
): Refresher {
  let timer: TimerHandle | undefined;
  let isRunning = false;
  let isDue = false;
  let isClosed = false;

  const schedule = (waitMs: number) => {
    if (timer === undefined && !isRunning && !isClosed) timer = clock.setTimer(waitMs, run);
  };
  const run = async () => {
    timer = undefined;
    isRunning = true;
    isDue = false;
    let waitMs = COALESCE_MS;
    try {
      await refresh();
    } catch (error) {
      isDue = true;
      waitMs = RETRY_MS;
      if (!isClosed) log.warn("declared configuration not refreshed", { error: String(error) });
    }
    isRunning = false;
    if (isDue) schedule(waitMs);
  };
  return {
    due: () => {
      isDue = true;
      schedule(COALESCE_MS);
    },
    close: () => {
      isClosed = true;
      if (timer !== undefined) clock.clearTimer(timer);
    },
  };
}

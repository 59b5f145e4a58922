import { createClient } from "@connectrpc/connect";
import { journal } from "../../api/mod.ts";
import { createRpcTransport } from "../../common/rpc/mod.ts";
import { printable } from "../output/mod.ts";
import type { CommandContext } from "./action.ts";

/** Most notices shown, and how long one login waits for them in all. */
const MAX_NOTICES = 100;
const WAIT_MS = 1_000;

/**
 * Prints what happened while this person had no session open (SUB-10). A journal that cannot be
 * reached now, or has nothing to tell, takes nothing away from the login.
 */
export async function printNotices(
  { session, settings, out, signal }: CommandContext,
  server: string,
  token: string,
): Promise<void> {
  const caPem = await session.trustedPem();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), WAIT_MS);
  try {
    using transport = createRpcTransport({
      endpoint: server,
      token,
      connectTimeoutMs: WAIT_MS,
      allowPlaintextCredentials: settings.allowPlaintext,
      ...(caPem === undefined ? {} : { caPem }),
    });
    const fleet = createClient(journal.FleetService, transport);
    let count = 0;
    for await (
      const notice of fleet.subscribeNotifications({}, {
        signal: AbortSignal.any([signal, late.signal]),
      })
    ) {
      const where = notice.nodeId === "" ? "" : ` [${printable(notice.nodeId)}]`;
      await out.note(`Notice${where}: ${notice.text}`);
      if (++count >= MAX_NOTICES) return;
    }
  } catch {
    // Ended by the time limit, as a stream that stays open always is, or out of reach.
  } finally {
    clearTimeout(timer);
  }
}

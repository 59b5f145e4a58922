/**
 * Puts this process's CA certificate into the replicated bundle (CRT-1), as soon as there is a
 * quorum that takes it. A journal without one starts all the same: it serves what it has (JRN-60).
 */

import type { Clock, TimerHandle } from "../common/clock/mod.ts";
import type { Logger } from "../common/log/mod.ts";
import { SYSTEM_IDENTITY } from "../common/model/mod.ts";
import type { Authority } from "./certs/mod.ts";
import type { JournalSettings } from "./config/mod.ts";
import type { Replica } from "./replica/mod.ts";

/** How long after a failed attempt the next one is made. */
const RETRY_MS = 1_000;

/** What publishing needs. */
export interface PublishParts {
  readonly settings: JournalSettings;
  readonly authority: Authority;
  readonly replica: Replica;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Publishes the certificate. Where this member alone is the quorum this resolves when that is done;
 * else it goes on in the background until it is, or until `opened` is disposed.
 */
export async function publishAuthority(
  parts: PublishParts,
  opened: AsyncDisposableStack,
): Promise<void> {
  const { settings, authority, replica, clock, log } = parts;
  await Deno.writeTextFile(`${settings.dataDir}/ca.crt`, authority.ca.certPem, { mode: 0o644 });
  if (replica.quorum.isAlone) return await publish(parts);
  const stop = new AbortController();
  let timer: TimerHandle | undefined;
  const attempt = async (): Promise<void> => {
    try {
      await publish(parts, stop.signal);
    } catch (error) {
      if (stop.signal.aborted) return;
      log.warn("the CA certificate is not published yet", { error: String(error) });
      timer = clock.setTimer(RETRY_MS, () => running = attempt());
    }
  };
  let running = attempt();
  opened.defer(async () => {
    stop.abort();
    if (timer !== undefined) clock.clearTimer(timer);
    await running;
  });
}

async function publish(
  { settings, authority: { ca, isEphemeral }, replica, log }: PublishParts,
  signal?: AbortSignal,
): Promise<void> {
  const journal_node_id = String(settings.nodeId);
  if (replica.state.get("ca_bundle", journal_node_id)?.certificate_pem === ca.certPem) return;
  await replica.submit({
    type: "PublishCa",
    journal_node_id,
    certificate_pem: ca.certPem,
    not_after: ca.notAfter.toISOString(),
  }, { actor: SYSTEM_IDENTITY, ...signal && { signal } });
  if (isEphemeral) log.info("CA regenerated, agents will re-enroll");
}

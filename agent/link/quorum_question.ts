import { ConnectError } from "@connectrpc/connect";
import type { Clock } from "../../common/clock/mod.ts";
import { fromConnectError } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { isTrustError } from "../../common/rpc/mod.ts";
import { isOutOfReach } from "../entries/mod.ts";

/** How long no journal has to answer for the quorum: a change of leader is no loss (PRT-1, PRT-10). */
const SEARCH_MS = 10_000;
/** Wait before the next try at a journal that could not answer. */
const PAUSE_MS = 500;

/** What the search works with. */
export interface QuorumSearch {
  readonly endpoints: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends the search without a finding. */
  readonly closing: AbortSignal;
  /**
   * Has the journal at an endpoint answer for its quorum within so many whole milliseconds.
   *
   * @throws {ConnectError} when it does not.
   */
  readonly ask: (
    endpoint: string,
    limits: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ) => Promise<void>;
}

/**
 * Whether no journal can answer for the quorum, however often it is asked in 10 s. One that answers
 * anything else than that it cannot may well have one: the quorum is not lost then.
 */
export async function isQuorumLost(search: QuorumSearch): Promise<boolean> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, search.closing]);
  const untilMs = search.clock.monotonicMs() + SEARCH_MS;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const seek = async (endpoint: string) => {
    if (!await isSilent(endpoint, untilMs, { ...search, closing: signal })) resolve(false);
  };
  Promise.all(search.endpoints.map(seek)).then(
    () => resolve(search.endpoints.length > 0),
    () => resolve(false),
  );
  try {
    return await promise;
  } finally {
    over.abort();
  }
}

/** Asks one journal until it answers or the time is up. */
async function isSilent(
  endpoint: string,
  untilMs: number,
  { clock, closing, log, ask }: QuorumSearch,
): Promise<boolean> {
  let leftMs = untilMs - clock.monotonicMs();
  while (leftMs > 0) {
    try {
      await ask(endpoint, { timeoutMs: Math.ceil(leftMs), signal: closing });
      return false;
    } catch (error) {
      if (closing.aborted) return false;
      if (!saysNothing(error)) {
        log.warn("a journal does not say whether it has a quorum", {
          endpoint,
          error: String(error),
        });
        return false;
      }
    }
    const pauseMs = Math.min(PAUSE_MS, untilMs - clock.monotonicMs());
    if (pauseMs > 0) await new Promise<void>((resolve) => clock.setTimer(pauseMs, resolve));
    leftMs = untilMs - clock.monotonicMs();
  }
  return true;
}

/** Nobody was there, nobody who may be trusted, or a member that cannot reach the others. */
function saysNothing(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  return isTrustError(error) || isOutOfReach(fromConnectError(error).code);
}

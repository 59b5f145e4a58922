import { Code, ConnectError } from "@connectrpc/connect";
import { type Clock, systemClock } from "../clock/mod.ts";

/** When a quiet stream counts as dead. */
export interface SilenceOptions {
  /** Longest wait for the next message; the server must send heartbeats more often than this. */
  maxSilenceMs: number;
  /** Aborted when the silence lasts too long; give its signal to the call. */
  abort: AbortController;
  clock?: Clock;
}

/**
 * The messages of a stream, failing with Unavailable when none comes for too long. A peer that lost
 * power or its network says no goodbye, and the transport sends no pings, so heartbeats in the
 * stream are what tells a quiet peer from a dead one.
 */
export async function* failOnSilence<T>(
  messages: AsyncIterable<T>,
  { maxSilenceMs, abort, clock = systemClock }: SilenceOptions,
): AsyncGenerator<T, void, undefined> {
  const iterator = messages[Symbol.asyncIterator]();
  try {
    let next = await nextWithin(iterator, maxSilenceMs, clock);
    while (next.done !== true) {
      yield next.value;
      next = await nextWithin(iterator, maxSilenceMs, clock);
    }
  } finally {
    // Leaving the loop does not tell the server; the signal does.
    abort.abort();
  }
}

async function nextWithin<T>(
  iterator: AsyncIterator<T>,
  maxSilenceMs: number,
  clock: Clock,
): Promise<IteratorResult<T>> {
  const silent = Promise.withResolvers<never>();
  const timer = clock.setTimer(maxSilenceMs, () =>
    silent.reject(
      new ConnectError(`the peer has been silent for ${maxSilenceMs} ms`, Code.Unavailable),
    ));
  try {
    const next = iterator.next();
    // After the silence nobody waits for it any more, and its failure is our own abort.
    next.catch(() => {});
    return await Promise.race([next, silent.promise]);
  } finally {
    clock.clearTimer(timer);
  }
}

import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";
import { type Clock, systemClock } from "../clock/mod.ts";
import { callHeaders, metadata } from "./metadata.ts";

/** How often and how fast a call is tried again. */
export interface RetryOptions {
  /** Tries in all, the first included. */
  attempts: number;
  /**
   * The write's idempotency key, sent with every try, so that a try whose answer was lost is not
   * done twice. For reads, which need none, say `"idempotent"`.
   */
  requestId: string | "idempotent";
  /** Longest wait before the second try; doubled for each further one. Default 100 ms. */
  baseDelayMs?: number;
  /** Bound of any one wait. Default 5 s. */
  maxDelayMs?: number;
  signal?: AbortSignal;
  clock?: Clock;
  /** Uniform in [0, 1). */
  random?: () => number;
}

/**
 * Calls until an answer other than Unavailable comes or the attempts are used up, with random waits
 * below a doubling bound. A server's `retry-after-ms` advice is kept, up to the bound.
 *
 * @throws ConnectError the last one.
 */
export async function retryUnavailable<T>(
  call: (options: CallOptions) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { attempts, signal, clock = systemClock, random = Math.random } = options;
  const { baseDelayMs = 100, maxDelayMs = 5_000 } = options;
  for (let attempt = 1; attempt < attempts; attempt++) {
    try {
      return await call(callOptions(options));
    } catch (error) {
      if (!isUnavailable(error) || signal?.aborted === true) throw error;
      const backoffMs = Math.min(maxDelayMs, baseDelayMs * 2 ** (attempt - 1)) * random();
      await sleep(clock, Math.min(maxDelayMs, Math.max(backoffMs, adviceMs(error))), signal);
    }
  }
  return await call(callOptions(options));
}

/** Whether an error says that the server cannot be reached or used now. */
export function isUnavailable(error: unknown): error is ConnectError {
  return error instanceof ConnectError && error.code === Code.Unavailable;
}

function callOptions({ requestId, signal }: RetryOptions): CallOptions {
  const headers = requestId === "idempotent" ? undefined : callHeaders({ requestId });
  return {
    ...(headers === undefined ? {} : { headers }),
    ...(signal === undefined ? {} : { signal }),
  };
}

function adviceMs(error: ConnectError): number {
  const advice = Number(error.metadata.get(metadata.retryAfterMs) ?? "0");
  return Number.isFinite(advice) && advice > 0 ? advice : 0;
}

function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = clock.setTimer(delayMs, () => {
    signal?.removeEventListener("abort", onAbort);
    resolve();
  });
  function onAbort() {
    clock.clearTimer(timer);
    reject(new ConnectError("canceled by the caller", Code.Canceled));
  }
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  return promise;
}

import type { IncomingHttpHeaders } from "node:http2";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { metadata } from "../rpc/mod.ts";

/** Gives a unary request without a deadline the default one, in the terms of its protocol. */
export function ensureUnaryDeadline(headers: IncomingHttpHeaders, timeoutMs: number): void {
  const isGrpc = (headers["content-type"] ?? "").startsWith("application/grpc");
  const key = isGrpc ? "grpc-timeout" : "connect-timeout-ms";
  headers[key] ??= isGrpc ? `${timeoutMs}m` : `${timeoutMs}`;
}

/**
 * Answers a unary call when its deadline passes or its caller is gone, even where the handler does
 * not watch its signal.
 */
export const deadlineInterceptor: Interceptor = (next) => async (request) => {
  if (request.stream) return await next(request);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(endOfCall(request.signal.reason));
  if (request.signal.aborted) onAbort();
  request.signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([next(request), ended]);
  } finally {
    request.signal.removeEventListener("abort", onAbort);
    ended.catch(() => {});
  }
};

function endOfCall(reason: unknown): ConnectError {
  if (ConnectError.from(reason).code === Code.DeadlineExceeded) return deadlineOver();
  return reason instanceof ConnectError ? reason : callGone();
}

/** How a call ends whose deadline passes (API-6). */
export function deadlineOver(): ConnectError {
  return new ConnectError(
    "DEADLINE: the call took longer than its deadline",
    Code.DeadlineExceeded,
    { [metadata.error]: "DEADLINE" },
  );
}

/** How a call ends that nobody waits for any more. */
export function callGone(): ConnectError {
  return new ConnectError("call ended", Code.Canceled);
}

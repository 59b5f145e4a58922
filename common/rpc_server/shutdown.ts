import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { metadata } from "../rpc/mod.ts";

/** What streams that a closing server cuts off end with (section 1.2). */
export function shuttingDown(): ConnectError {
  return new ConnectError("SHUTTING_DOWN: the server is shutting down", Code.Unavailable, {
    [metadata.error]: "SHUTTING_DOWN",
  });
}

/**
 * Makes a stream that a handler ends because the server is closing end with that error: a caller
 * must not take it for the end of the data.
 */
export function shutdownInterceptor(shutdownSignal: AbortSignal): Interceptor {
  return (next) => async (request) => {
    const response = await next(request);
    if (!response.stream) return response;
    return { ...response, message: endOrShutdown(response.message, shutdownSignal) };
  };
}

async function* endOrShutdown<T>(
  messages: AsyncIterable<T>,
  shutdownSignal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  yield* messages;
  if (shutdownSignal.aborted) throw shuttingDown();
}

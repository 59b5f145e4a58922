import {
  type ConnectError,
  type ContextKey,
  createContextKey,
  type Interceptor,
} from "@connectrpc/connect";

/** A stream that its server can end before its handler does: who opened it is not welcome any more. */
export interface LiveStream {
  /** Ends the stream with this error, whatever its handler waits for. */
  cut(error: unknown): void;
  /** Calls `listener` once, when the stream has ended in whatever way. */
  onEnd(listener: () => void): void;
}

/** A stream that the library's handlers answer. */
export class CuttableStream implements LiveStream {
  readonly #controller = new AbortController();
  readonly #listeners: (() => void)[] = [];
  #error: ConnectError | undefined;

  constructor(private readonly mapError: (error: unknown) => ConnectError) {}

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What it was cut off with. */
  get error(): ConnectError | undefined {
    return this.#error;
  }

  cut(error: unknown): void {
    this.#error ??= this.mapError(error);
    this.#controller.abort(this.#error);
  }

  onEnd(listener: () => void): void {
    this.#listeners.push(listener);
  }

  end(): void {
    for (const listener of this.#listeners.splice(0)) listener();
  }
}

/** The stream of a call, for {@link cutInterceptor}. */
export const cuttableKey: ContextKey<CuttableStream | undefined> = createContextKey<
  CuttableStream | undefined
>(undefined, { description: "stream that can be cut off" });

/** Makes a stream that a handler ends because it was cut off end with the error, not as if all was said. */
export const cutInterceptor: Interceptor = (next) => async (request) => {
  const response = await next(request);
  const stream = request.contextValues.get(cuttableKey);
  if (!response.stream || stream === undefined) return response;
  return { ...response, message: endOrError(response.message, stream) };
};

async function* endOrError<T>(
  messages: AsyncIterable<T>,
  stream: CuttableStream,
): AsyncGenerator<T, void, undefined> {
  try {
    yield* messages;
  } catch (error) {
    throw stream.error ?? error;
  }
  if (stream.error !== undefined) throw stream.error;
}

/** What the handler of a server stream and the interceptors around it are given. */

import type { Http2ServerResponse } from "node:http2";
import type { DescMethodServerStreaming, Message } from "@bufbuild/protobuf";
import type {
  ContextValues,
  HandlerContext,
  Interceptor,
  MethodImpl,
  StreamRequest,
  StreamResponse,
} from "@connectrpc/connect";
import { callGone } from "./deadline.ts";
import type { LiveStream } from "./live_stream.ts";
import { shuttingDown } from "./shutdown.ts";

/** What is known of a call once its message is read. */
export interface StreamInput {
  readonly message: Message;
  readonly header: Headers;
  readonly contextValues: ContextValues;
  readonly url: string;
  readonly signal: AbortSignal;
}

/** Runs the interceptors and the handler of one method. */
export type InvokeStream = (input: StreamInput) => Promise<StreamResponse>;

/** Puts the interceptors around a handler, once for all calls; the first one is outermost. */
export function createStreamInvocation(
  method: DescMethodServerStreaming,
  implementation: MethodImpl<DescMethodServerStreaming>,
  interceptors: readonly Interceptor[],
): InvokeStream {
  const handle: ReturnType<Interceptor> = async (request) => {
    if (!request.stream) throw new TypeError("an interceptor made a unary call of a stream");
    const context = handlerContext(request);
    for await (const message of request.message) {
      return {
        stream: true,
        service: method.parent,
        method,
        message: implementation(message, context) as AsyncIterable<Message>,
        header: context.responseHeader,
        trailer: context.responseTrailer,
      };
    }
    throw new TypeError("an interceptor took the message away");
  };
  const chain = interceptors.reduceRight((next, interceptor) => interceptor(next), handle);
  return async ({ message, ...input }) => {
    const response = await chain({
      ...input,
      stream: true,
      service: method.parent,
      method,
      requestMethod: "POST",
      message: only(message),
    });
    if (!response.stream) throw new TypeError("an interceptor answered a stream by a message");
    return response;
  };
}

async function* only(message: Message): AsyncGenerator<Message> {
  yield message;
}

function handlerContext(request: StreamRequest): HandlerContext {
  return {
    service: request.service,
    method: request.method,
    protocolName: "grpc",
    requestMethod: request.requestMethod,
    url: request.url,
    requestHeader: request.header,
    responseHeader: new Headers(),
    responseTrailer: new Headers(),
    values: request.contextValues,
    timeoutMs: () => undefined,
    signal: request.signal,
  };
}

/** A stream under way: whether anybody listens, and the signal that ends it. Ends with `end`. */
export class StreamCall implements LiveStream {
  readonly #controller = new AbortController();
  readonly #onGone = () => {
    this.#isGone = true;
    this.#controller.abort(callGone());
    this.#onDrain();
  };
  readonly #onDrain = () => {
    this.#draining?.resolve();
    this.#draining = undefined;
  };
  readonly #onShutdown = () => this.#controller.abort(shuttingDown());
  #draining: PromiseWithResolvers<void> | undefined;
  #isGone = false;
  #cutBy: { readonly error: unknown } | undefined;
  #onEnd: (() => void) | undefined;

  constructor(
    private readonly response: Http2ServerResponse,
    private readonly shutdownSignal: AbortSignal,
  ) {
    response.on("close", this.#onGone);
    response.on("drain", this.#onDrain);
    response.on("error", this.#onGone);
    shutdownSignal.addEventListener("abort", this.#onShutdown);
    if (shutdownSignal.aborted) this.#onShutdown();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the caller has gone before the end. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** What the stream was cut off with. */
  get cutBy(): { readonly error: unknown } | undefined {
    return this.#cutBy;
  }

  cut(error: unknown): void {
    this.#cutBy ??= { error };
    this.#controller.abort(error);
    this.#onDrain();
  }

  onEnd(listener: () => void): void {
    const former = this.#onEnd;
    this.#onEnd = former === undefined ? listener : () => {
      former();
      listener();
    };
  }

  /** Resolves when more may be written, or nobody reads any more. */
  async drained(): Promise<void> {
    if (this.#isGone) return;
    this.#draining ??= Promise.withResolvers();
    await this.#draining.promise;
  }

  end(): void {
    this.response.off("close", this.#onGone);
    this.response.off("drain", this.#onDrain);
    this.shutdownSignal.removeEventListener("abort", this.#onShutdown);
    this.#onEnd?.();
  }
}

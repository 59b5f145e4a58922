/** What the handler of a unary call and the interceptors around it are given. */

import { create, type DescMethodUnary } from "@bufbuild/protobuf";
import {
  type ContextKey,
  createContextKey,
  type HandlerContext,
  type Interceptor,
  type MethodImpl,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";

/** Runs the interceptors and the handler of one method. */
export type InvokeUnary = (request: UnaryRequest) => Promise<UnaryResponse>;

/** How many milliseconds a call has left. */
export const timeLeftKey: ContextKey<() => number | undefined> = createContextKey(
  (): number | undefined => undefined,
  { description: "time left of the call" },
);

/** Puts the interceptors around a handler, once for all calls; the first one is outermost. */
export function createInvocation(
  method: DescMethodUnary,
  implementation: MethodImpl<DescMethodUnary>,
  interceptors: readonly Interceptor[],
  protocolName: string,
): InvokeUnary {
  const handle: ReturnType<Interceptor> = async (request) => {
    if (request.stream) throw new TypeError("an interceptor made a stream of a unary call");
    const context = handlerContext(request, protocolName);
    const output = await implementation(request.message, context);
    return {
      stream: false,
      service: method.parent,
      method,
      message: create(method.output, output),
      header: context.responseHeader,
      trailer: context.responseTrailer,
    };
  };
  const chain = interceptors.reduceRight((next, interceptor) => interceptor(next), handle);
  return async (request) => {
    const response = await chain(request);
    if (response.stream) throw new TypeError("an interceptor answered a unary call by a stream");
    return response;
  };
}

function handlerContext(request: UnaryRequest, protocolName: string): HandlerContext {
  return {
    service: request.service,
    method: request.method,
    protocolName,
    requestMethod: request.requestMethod,
    url: request.url,
    requestHeader: request.header,
    responseHeader: new Headers(),
    responseTrailer: new Headers(),
    values: request.contextValues,
    timeoutMs: request.contextValues.get(timeLeftKey),
    signal: request.signal,
  };
}

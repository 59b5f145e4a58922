/** What the handler of a unary call and the interceptors around it are given. */

import {
  create,
  type DescMethod,
  type DescMethodUnary,
  type DescService,
  type Message,
} from "@bufbuild/protobuf";
import type {
  ContextValues,
  HandlerContext,
  Interceptor,
  MethodImpl,
  UnaryRequest,
} from "@connectrpc/connect";
import { HeaderFields } from "./header_fields.ts";
import { type PendingCall, pendingCallKey } from "./pending_call.ts";

/** Runs the interceptors and the handler of one method. */
export type InvokeUnary = ReturnType<Interceptor>;

/** Puts the interceptors around a handler, once for all calls; the first one is outermost. */
export function createInvocation(
  method: DescMethodUnary,
  implementation: MethodImpl<DescMethodUnary>,
  interceptors: readonly Interceptor[],
  protocolName: string,
): InvokeUnary {
  const handle: ReturnType<Interceptor> = async (request) => {
    if (request.stream) throw new TypeError("an interceptor made a stream of a unary call");
    const context = new PlainContext(request, protocolName);
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
  return interceptors.reduceRight((next, interceptor) => interceptor(next), handle);
}

/** A call as interceptors see it. Its signal is made for who asks, and is not there to be spread. */
export class PlainRequest implements UnaryRequest {
  readonly stream = false;
  readonly requestMethod = "POST";

  constructor(
    readonly method: DescMethodUnary,
    readonly message: Message,
    readonly header: Headers,
    readonly contextValues: ContextValues,
    readonly url: string,
    private readonly pending: PendingCall,
  ) {}

  get service(): DescService {
    return this.method.parent;
  }

  get signal(): AbortSignal {
    return this.pending.signal;
  }
}

/** A call as its handler sees it. */
class PlainContext implements HandlerContext {
  readonly responseHeader = new HeaderFields();
  readonly responseTrailer = new HeaderFields();

  constructor(private readonly request: UnaryRequest, readonly protocolName: string) {}

  get service(): DescService {
    return this.request.service;
  }

  get method(): DescMethod {
    return this.request.method;
  }

  get requestMethod(): string {
    return this.request.requestMethod;
  }

  get url(): string {
    return this.request.url;
  }

  get requestHeader(): Headers {
    return this.request.header;
  }

  get values(): ContextValues {
    return this.request.contextValues;
  }

  get signal(): AbortSignal {
    return this.request.signal;
  }

  timeoutMs(): number | undefined {
    return this.values.get(pendingCallKey)?.timeLeftMs();
  }
}

import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { CallContext, CallHandler } from "./call_server.ts";

/** A handler of a method with one answer. */
export function unaryCall<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  answer: (request: MessageShape<I>, context: CallContext) => Promise<MessageInitShape<O>>,
): CallHandler {
  return async (request, context) => {
    const message = await answer(fromBinary(method.input, request), context);
    await context.send(toBinary(method.output, create(method.output, message)));
  };
}

/** A handler of a method with a stream of answers, produced no faster than they are taken. */
export function streamingCall<I extends DescMessage, O extends DescMessage>(
  method: DescMethodServerStreaming<I, O>,
  answers: (
    request: MessageShape<I>,
    context: CallContext,
  ) => AsyncIterable<MessageInitShape<O>>,
): CallHandler {
  return async (request, context) => {
    for await (const message of answers(fromBinary(method.input, request), context)) {
      if (context.signal.aborted) return;
      await context.send(toBinary(method.output, create(method.output, message)));
    }
  };
}

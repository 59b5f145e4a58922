import {
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type ContextKey,
  createContextKey,
  type HandlerContext,
  type ServiceImpl,
} from "@connectrpc/connect";
import { shell } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { metadata } from "../../common/rpc/mod.ts";
import type { CallBroker, VerifiedCaller } from "./call_broker.ts";
import { firstMessage, shellInput } from "./shell_input.ts";

/** The verified caller of a handler. */
export const verifiedCallerKey: ContextKey<VerifiedCaller | undefined> = createContextKey<
  VerifiedCaller | undefined
>(undefined, { description: "verified caller" });

/**
 * The shell service as the worker serves it: every call is decided and carried out by the core, which
 * gets the request as it came and the caller as the token says.
 */
export function shellService(broker: CallBroker): Partial<ServiceImpl<typeof shell.ShellService>> {
  const { method } = shell.ShellService;
  return {
    exec: streaming(broker, method.exec),
    shell: (messages, call) => interactive(broker, messages, call),
    collectDiag: streaming(broker, method.collectDiag),
    serviceLogs: streaming(broker, method.serviceLogs),
    listCommands: unary(broker, method.listCommands),
    extendCommitWindow: unary(broker, method.extendCommitWindow),
    getCapability: unary(broker, method.getCapability),
    getStatus: unary(broker, method.getStatus),
    serviceControl: unary(broker, method.serviceControl),
    localCommit: unary(broker, method.localCommit),
    localRollback: unary(broker, method.localRollback),
    emergencyControl: unary(broker, method.emergencyControl),
  };
}

function unary<I extends DescMessage, O extends DescMessage>(
  broker: CallBroker,
  method: DescMethodUnary<I, O>,
) {
  return async (request: MessageShape<I>, call: HandlerContext): Promise<MessageShape<O>> => {
    for await (const answer of forward(broker, method, request, call)) {
      return fromBinary(method.output, answer);
    }
    throw new PactError("INTERNAL", `${method.name} was not answered`);
  };
}

function streaming<I extends DescMessage, O extends DescMessage>(
  broker: CallBroker,
  method: DescMethodServerStreaming<I, O>,
) {
  return async function* (
    request: MessageShape<I>,
    call: HandlerContext,
  ): AsyncGenerator<MessageShape<O>> {
    for await (const answer of forward(broker, method, request, call)) {
      yield fromBinary(method.output, answer);
    }
  };
}

/** An interactive shell: its first message is the request, the others follow as they come. */
async function* interactive(
  broker: CallBroker,
  messages: AsyncIterable<shell.ShellInput>,
  call: HandlerContext,
): AsyncGenerator<shell.ShellOutput> {
  const iterator = messages[Symbol.asyncIterator]();
  const first = await firstMessage(iterator);
  const { method } = shell.ShellService;
  const rest = { [Symbol.asyncIterator]: () => iterator };
  const answers = forward(broker, method.shell, first, call, shellInput(rest));
  for await (const answer of answers) yield fromBinary(method.shell.output, answer);
}

function forward<I extends DescMessage>(
  broker: CallBroker,
  method: { readonly name: string; readonly input: I },
  request: MessageShape<I>,
  call: HandlerContext,
  input?: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const caller = call.values.get(verifiedCallerKey);
  if (caller === undefined) throw new PactError("UNAUTHENTICATED", "no credentials");
  return broker.call({
    method: method.name,
    caller,
    request: toBinary(method.input, request),
    approvalId: approvalIdOf(call.requestHeader),
    ...(input === undefined ? {} : { input }),
  }, call.signal);
}

/** The approval that the caller comes back with (APR-12); empty where there is none. */
function approvalIdOf(header: Headers): string {
  const id = header.get(metadata.approvalId) ?? "";
  if (id === "" || /^ap-[0-9a-f]{8}$/.test(id)) return id;
  throw new PactError("INVALID_ARGUMENT", `${metadata.approvalId}: ap- and 8 hex digits`);
}

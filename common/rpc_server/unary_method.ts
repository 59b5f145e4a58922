/**
 * Unary calls without compression, which is what most callers send. It is the path of bulk writes:
 * the library's own handlers spend several times as long on one, in iterators, signals and timers
 * that such a call has no use for. What no protocol here accepts, the library's handlers answer.
 */

import type { DescMethodUnary } from "@bufbuild/protobuf";
import type {
  ConnectError,
  Interceptor,
  MethodImpl,
  UnaryRequest,
  UnaryResponse,
} from "@connectrpc/connect";
import type { Clock } from "../clock/mod.ts";
import type { Admit } from "./admission.ts";
import { CallValues } from "./call_values.ts";
import type { DeadlineWheel } from "./deadline_wheel.ts";
import type { ErrorMapper } from "./error_mapping.ts";
import { type PeerDirectory, peerKey } from "./peer.ts";
import { PendingCall } from "./pending_call.ts";
import { headersOf } from "./request_headers.ts";
import { createInvocation, type InvokeUnary, timeLeftKey } from "./unary_call.ts";
import type { NodeRequest, NodeResponse, UnaryProtocol } from "./unary_protocol.ts";
import { withStableCode } from "./wire_error.ts";

/** What the calls of one listener share. */
export interface UnaryOptions {
  interceptors: readonly Interceptor[];
  peers: PeerDirectory;
  admit: Admit;
  mapError: ErrorMapper;
  deadlines: DeadlineWheel;
  clock: Clock;
  unaryTimeoutMs: number;
}

/** Answers the calls of one method in one protocol. */
export class UnaryMethod {
  readonly #invoke: InvokeUnary;
  readonly #name: { readonly service: string; readonly method: string };

  constructor(
    readonly protocol: UnaryProtocol,
    private readonly method: DescMethodUnary,
    implementation: MethodImpl<DescMethodUnary>,
    private readonly readMaxBytes: number,
    private readonly options: UnaryOptions,
  ) {
    this.#invoke = createInvocation(method, implementation, options.interceptors, protocol.name);
    this.#name = { service: method.parent.typeName, method: method.name };
  }

  /** Answers one request, at the latest when its deadline is over. Never throws. */
  answer(request: NodeRequest, response: NodeResponse): void {
    const { protocol } = this;
    const { mapError, deadlines, clock } = this.options;
    const refuse = (error: ConnectError) => {
      // What is left of the body must not hold up the connection.
      request.resume();
      protocol.writeError(request, response, withStableCode(error));
    };
    let timeoutMs: number;
    try {
      timeoutMs = protocol.timeoutMs(request.headers) ?? this.options.unaryTimeoutMs;
    } catch (error) {
      return refuse(mapError(error, this.#name));
    }
    const endsAtMs = clock.monotonicMs() + timeoutMs;
    const call = new PendingCall(response, deadlines, timeoutMs, refuse);
    this.#run(request, call, () => Math.max(0, endsAtMs - clock.monotonicMs())).then((answer) => {
      const body = protocol.encode(request, answer);
      if (call.finish()) protocol.writeAnswer(request, response, answer, body);
    }).catch((error) => {
      if (call.finish()) refuse(mapError(error, this.#name));
    });
  }

  async #run(
    request: NodeRequest,
    pending: PendingCall,
    timeLeftMs: () => number,
  ): Promise<UnaryResponse> {
    const { admit, peers } = this.options;
    const peer = peers.ofRequest(request);
    const contextValues = new CallValues().set(peerKey, peer).set(timeLeftKey, timeLeftMs);
    const header = headersOf(request);
    const { signal } = pending;
    const { service, method } = this.#name;
    await admit({ service, method, header, peer, contextValues, signal });
    const message = await this.protocol.read(request, this.method, this.readMaxBytes);
    const unary: UnaryRequest = {
      stream: false,
      service: this.method.parent,
      method: this.method,
      requestMethod: "POST",
      url: request.url ?? "",
      header,
      contextValues,
      message,
      signal,
    };
    return await this.#invoke(unary);
  }
}

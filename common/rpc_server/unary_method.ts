/**
 * Unary calls without compression, which is what most callers send. It is the path of bulk writes:
 * the library's own handlers spend several times as long on one, in iterators, signals and timers
 * that such a call has no use for. What no protocol here accepts, the library's handlers answer.
 */

import type { DescMethodUnary } from "@bufbuild/protobuf";
import type { ConnectError, Interceptor, MethodImpl } from "@connectrpc/connect";
import type { Clock } from "../clock/mod.ts";
import type { Admit } from "./admission.ts";
import { CallValues } from "./call_values.ts";
import type { Deadlines } from "./deadlines.ts";
import type { ErrorMapper } from "./error_mapping.ts";
import { peerKey } from "./peer.ts";
import { PendingCall, pendingCallKey } from "./pending_call.ts";
import { createInvocation, type InvokeUnary, PlainRequest } from "./unary_call.ts";
import type { UnaryExchange } from "./unary_exchange.ts";
import type { UnaryProtocol } from "./unary_protocol.ts";
import { withStableCode } from "./wire_error.ts";

/** What the calls of one listener share. */
export interface UnaryOptions {
  interceptors: readonly Interceptor[];
  admit: Admit;
  mapError: ErrorMapper;
  deadlines: Deadlines;
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

  /** Answers one call, at the latest when its deadline is over. Never throws. */
  answer(exchange: UnaryExchange): void {
    const { mapError, deadlines, clock } = this.options;
    const refuse = (error: ConnectError) => exchange.writeError(withStableCode(error));
    let timeoutMs: number;
    try {
      timeoutMs = exchange.timeoutMs() ?? this.options.unaryTimeoutMs;
    } catch (error) {
      return refuse(mapError(error, this.#name));
    }
    void this.#run(exchange, new PendingCall(exchange, deadlines, clock, timeoutMs, refuse));
  }

  async #run(exchange: UnaryExchange, call: PendingCall): Promise<void> {
    const { admit, mapError } = this.options;
    const { header, peer } = exchange;
    const { service, method } = this.#name;
    try {
      const contextValues = new CallValues().set(peerKey, peer).set(pendingCallKey, call);
      // Waiting for what is there already costs a turn of promises each.
      const admission = admit({ service, method, header, peer, contextValues });
      if (admission !== undefined) await admission;
      const reading = exchange.read(this.method, this.readMaxBytes);
      const message = reading instanceof Promise ? await reading : reading;
      const answer = await this.#invoke(
        new PlainRequest(this.method, message, header, contextValues, exchange.url, call),
      );
      if (answer.stream) throw new TypeError("an interceptor answered a unary call by a stream");
      const body = exchange.encode(answer);
      if (call.finish()) exchange.writeAnswer(answer, body);
    } catch (error) {
      if (call.finish()) exchange.writeError(withStableCode(mapError(error, this.#name)));
    }
  }
}

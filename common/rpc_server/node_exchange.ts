/** Unary calls as node:http and node:http2 bring them. */

import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import type { ConnectError, UnaryResponse } from "@connectrpc/connect";
import type { Peer } from "./peer.ts";
import { headersOf } from "./request_headers.ts";
import type { UnaryExchange } from "./unary_exchange.ts";
import type { NodeRequest, NodeResponse, UnaryProtocol } from "./unary_protocol.ts";

/** A call in a request and its response, by the rules of one protocol. */
export class NodeExchange implements UnaryExchange {
  readonly header: Headers;
  #onGone: (() => void) | undefined;

  constructor(
    private readonly protocol: UnaryProtocol,
    private readonly request: NodeRequest,
    private readonly response: NodeResponse,
    readonly peer: Peer,
  ) {
    this.header = headersOf(request);
  }

  get url(): string {
    return this.request.url ?? "";
  }

  timeoutMs(): number | undefined {
    return this.protocol.timeoutMs(this.request.headers);
  }

  read(method: DescMethodUnary, maxBytes: number): Promise<Message> {
    return this.protocol.read(this.request, method, maxBytes);
  }

  encode(answer: UnaryResponse): string | Uint8Array {
    return this.protocol.encode(this.request, answer);
  }

  writeAnswer(answer: UnaryResponse, body: string | Uint8Array): void {
    this.protocol.writeAnswer(this.request, this.response, answer, body);
  }

  writeError(error: ConnectError): void {
    // What is left of the body must not hold up the connection.
    this.request.resume();
    this.protocol.writeError(this.request, this.response, error);
  }

  onGone(listener: (() => void) | undefined): void {
    if (this.#onGone !== undefined) this.response.off("close", this.#onGone);
    if (listener !== undefined) this.response.on("close", listener);
    this.#onGone = listener;
  }
}

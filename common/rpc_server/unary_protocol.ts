/** What the protocols of unary calls differ in; everything else is {@link UnaryMethod}'s. */

import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import type { ConnectError, UnaryResponse } from "@connectrpc/connect";

export type NodeRequest = Http2ServerRequest | IncomingMessage;
export type NodeResponse = Http2ServerResponse | ServerResponse;

/** Reads and writes the unary calls of one protocol. */
export interface UnaryProtocol {
  readonly name: "connect" | "grpc";
  /** Whether a request is of this protocol, in a form that it is read in here. */
  accepts(request: NodeRequest): boolean;
  /** The caller's deadline; undefined where it states none. Throws ConnectError for nonsense. */
  timeoutMs(headers: IncomingHttpHeaders): number | undefined;
  /** Reads the message. Throws ConnectError for one that is too large or cannot be read. */
  read(request: NodeRequest, method: DescMethodUnary, maxBytes: number): Promise<Message>;
  /** The answer's body; throws where it cannot be made. */
  encode(request: NodeRequest, answer: UnaryResponse): string | Uint8Array;
  writeAnswer(
    request: NodeRequest,
    response: NodeResponse,
    answer: UnaryResponse,
    body: string | Uint8Array,
  ): void;
  writeError(request: NodeRequest, response: NodeResponse, error: ConnectError): void;
}

import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import type { ConnectError, UnaryResponse } from "@connectrpc/connect";
import type { Peer } from "./peer.ts";

/** One unary call as its transport brought it, and the way back for its answer. */
export interface UnaryExchange {
  readonly url: string;
  readonly header: Headers;
  readonly peer: Peer;
  /** The caller's deadline; undefined where it states none. Throws ConnectError for nonsense. */
  timeoutMs(): number | undefined;
  /** Reads the message. Throws ConnectError for one that is too large or cannot be read. */
  read(method: DescMethodUnary, maxBytes: number): Message | Promise<Message>;
  /** The answer's body; throws where it cannot be made. */
  encode(answer: UnaryResponse): string | Uint8Array;
  writeAnswer(answer: UnaryResponse, body: string | Uint8Array): void;
  writeError(error: ConnectError): void;
  /** Calls `listener` when the caller goes without waiting for the answer; undefined ends that. */
  onGone(listener: (() => void) | undefined): void;
}

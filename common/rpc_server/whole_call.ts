import { STATUS_CODES } from "node:http";
import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import type { ConnectError, UnaryResponse } from "@connectrpc/connect";
import { codeToHttpStatus, errorToJson } from "@connectrpc/connect/protocol-connect";
import {
  connectTimeoutMs,
  type ConnectType,
  connectTypeOf,
  encodeConnect,
  jsonType,
  readConnect,
} from "./connect_unary.ts";
import type { Peer } from "./peer.ts";
import { requireSize } from "./request_body.ts";
import type { UnaryExchange } from "./unary_exchange.ts";
import type { WholeRequest } from "./whole_request.ts";

/** What a call needs of the connection that it came on. */
export interface CallConnection {
  /** Sends an answer: its status line and fields as lines, and its body. */
  answer(head: string, body: string | Uint8Array): void;
  onGone(listener: (() => void) | undefined): void;
}

/** A unary call of the Connect protocol in a request that came whole. */
export class WholeCall implements UnaryExchange {
  /** Undefined for a request that is no such call. */
  static of(
    request: WholeRequest,
    peer: Peer,
    connection: CallConnection,
  ): WholeCall | undefined {
    const type = connectTypeOf(request.header.get("content-type"));
    return type && new WholeCall(request, type, peer, connection);
  }

  private constructor(
    private readonly request: WholeRequest,
    private readonly type: ConnectType,
    readonly peer: Peer,
    private readonly connection: CallConnection,
  ) {}

  get url(): string {
    return this.request.target;
  }

  get header(): Headers {
    return this.request.header;
  }

  timeoutMs(): number | undefined {
    return connectTimeoutMs(this.header.get("connect-timeout-ms"));
  }

  read(method: DescMethodUnary, maxBytes: number): Message {
    const { body } = this.request;
    requireSize(body.length, maxBytes);
    // A field of bytes would be a view, and keep all that came with it alive.
    return readConnect(this.type, method, this.type === jsonType ? body : new Uint8Array(body));
  }

  encode(answer: UnaryResponse): string | Uint8Array {
    return encodeConnect(this.type, answer);
  }

  writeAnswer({ header, trailer }: UnaryResponse, body: string | Uint8Array): void {
    let head = `HTTP/1.1 200 OK\r\ncontent-type: ${this.type}\r\n`;
    header.forEach((value, name) => head += `${name}: ${value}\r\n`);
    trailer.forEach((value, name) => head += `trailer-${name}: ${value}\r\n`);
    this.connection.answer(head, body);
  }

  writeError(error: ConnectError): void {
    const status = codeToHttpStatus(error.code);
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\ncontent-type: ${jsonType}\r\n`;
    error.metadata.forEach((value, name) => head += `${name}: ${value}\r\n`);
    this.connection.answer(head, JSON.stringify(errorToJson(error, undefined)));
  }

  onGone(listener: (() => void) | undefined): void {
    this.connection.onGone(listener);
  }
}

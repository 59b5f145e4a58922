/**
 * Unary calls in the Connect protocol without compression, which is what everyone but our own
 * programs sends. It is the path of bulk writes: Connect's own handler spends three times as long on
 * one in iterators, signals and timers that such a call has no use for. What it does not take, the
 * library's handlers answer.
 */

import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type DescMethodUnary,
  fromBinary,
  fromJson,
  type Message,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import {
  ConnectError,
  createContextValues,
  type Interceptor,
  type MethodImpl,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { codeToHttpStatus, errorToJson, parseTimeout } from "@connectrpc/connect/protocol-connect";
import type { Clock } from "../clock/mod.ts";
import type { Admit } from "./admission.ts";
import type { DeadlineWheel } from "./deadline_wheel.ts";
import type { ErrorMapper } from "./error_mapping.ts";
import { type PeerDirectory, peerKey } from "./peer.ts";
import { PendingCall } from "./pending_call.ts";
import { readBody } from "./request_body.ts";
import { headersOf } from "./request_headers.ts";
import { createInvocation, type InvokeUnary, timeLeftKey } from "./unary_call.ts";
import { bodyUnreadable, withStableCode } from "./wire_error.ts";

/** What the calls of one listener share. */
export interface ConnectUnaryOptions {
  interceptors: readonly Interceptor[];
  peers: PeerDirectory;
  admit: Admit;
  mapError: ErrorMapper;
  deadlines: DeadlineWheel;
  clock: Clock;
  unaryTimeoutMs: number;
}

type NodeRequest = Http2ServerRequest | IncomingMessage;
type NodeResponse = Http2ServerResponse | ServerResponse;

const jsonType = "application/json";
const protoType = "application/proto";
type BodyType = typeof jsonType | typeof protoType;

/** Whether {@link ConnectUnaryMethod} can answer a request. */
export function isPlainConnectUnary({ method, headers }: NodeRequest): boolean {
  return method === "POST" && typeOf(headers["content-type"]) !== undefined &&
    (headers["content-encoding"] ?? "identity") === "identity";
}

function typeOf(contentType: string | undefined): BodyType | undefined {
  switch (contentType?.toLowerCase()) {
    case "application/json":
    case "application/json; charset=utf-8":
    case "application/json;charset=utf-8":
      return jsonType;
    case "application/proto":
      return protoType;
    default:
      return undefined;
  }
}

/** Answers the calls of one method. */
export class ConnectUnaryMethod {
  readonly #invoke: InvokeUnary;
  readonly #call: { service: string; method: string };

  constructor(
    private readonly method: DescMethodUnary,
    implementation: MethodImpl<DescMethodUnary>,
    private readonly readMaxBytes: number,
    private readonly options: ConnectUnaryOptions,
  ) {
    this.#invoke = createInvocation(method, implementation, options.interceptors, "connect");
    this.#call = { service: method.parent.typeName, method: method.name };
  }

  /** Answers one request, at the latest when its deadline is over. Never throws. */
  answer(request: NodeRequest, response: NodeResponse): void {
    const { mapError, deadlines, clock } = this.options;
    const type = typeOf(request.headers["content-type"]) ?? jsonType;
    const timeoutMs = this.#timeoutOf(request);
    if (timeoutMs instanceof ConnectError) return writeError(response, withStableCode(timeoutMs));
    const endsAtMs = clock.monotonicMs() + timeoutMs;
    const call = new PendingCall(response, deadlines, timeoutMs, (over) => {
      writeError(response, over);
    });
    this.#run(request, type, call, () => Math.max(0, endsAtMs - clock.monotonicMs())).then(
      (answer) => {
        const body = this.#encode(answer, type);
        if (call.finish()) writeAnswer(response, type, answer, body);
      },
    ).catch((error) => {
      if (call.finish()) writeError(response, withStableCode(mapError(error, this.#call)));
    });
  }

  #timeoutOf({ headers }: NodeRequest): number | ConnectError {
    const stated = headers["connect-timeout-ms"];
    if (stated === undefined) return this.options.unaryTimeoutMs;
    const { timeoutMs, error } = parseTimeout(String(stated), Number.MAX_SAFE_INTEGER);
    return error ?? timeoutMs ?? this.options.unaryTimeoutMs;
  }

  async #run(
    request: NodeRequest,
    type: BodyType,
    pending: PendingCall,
    timeLeftMs: () => number,
  ): Promise<UnaryResponse> {
    const peer = this.options.peers.ofRequest(request);
    const contextValues = createContextValues().set(peerKey, peer).set(timeLeftKey, timeLeftMs);
    const header = headersOf(request);
    const call = {
      ...this.#call,
      header,
      peer,
      contextValues,
      get signal() {
        return pending.signal;
      },
    };
    await this.options.admit(call);
    const message = this.#parse(await readBody(request, this.readMaxBytes), type);
    const unary: UnaryRequest = {
      stream: false,
      service: this.method.parent,
      method: this.method,
      requestMethod: "POST",
      url: request.url ?? "",
      header,
      contextValues,
      message,
      get signal() {
        return pending.signal;
      },
    };
    return await this.#invoke(unary);
  }

  #parse(body: Uint8Array, type: BodyType): Message {
    try {
      return type === jsonType
        ? fromJson(this.method.input, JSON.parse(new TextDecoder().decode(body)), {
          ignoreUnknownFields: true,
        })
        : fromBinary(this.method.input, body);
    } catch {
      throw bodyUnreadable();
    }
  }

  #encode({ message }: UnaryResponse, type: BodyType): string | Uint8Array {
    return type === jsonType
      ? JSON.stringify(toJson(this.method.output, message))
      : toBinary(this.method.output, message);
  }
}

function writeAnswer(
  response: NodeResponse,
  type: BodyType,
  { header, trailer }: UnaryResponse,
  body: string | Uint8Array,
): void {
  response.statusCode = 200;
  response.setHeader("content-type", type);
  header.forEach((value, name) => response.setHeader(name, value));
  trailer.forEach((value, name) => response.setHeader(`trailer-${name}`, value));
  send(response, body);
}

function writeError(response: NodeResponse, error: ConnectError): void {
  response.statusCode = codeToHttpStatus(error.code);
  response.setHeader("content-type", jsonType);
  error.metadata.forEach((value, name) => response.setHeader(name, value));
  send(response, JSON.stringify(errorToJson(error, undefined)));
}

/** A text is sent in one write with its headers. */
function send(response: NodeResponse, body: string | Uint8Array): void {
  response.setHeader("content-length", Buffer.byteLength(body));
  response.end(body);
}

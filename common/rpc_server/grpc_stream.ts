/**
 * Server streams in the gRPC protocol without compression, which is what agents hold by the thousand.
 * Connect's own handler keeps a chain of some ten iterators, several signals and a copy of every
 * message for each of them; here a stream is one loop that writes frames, and a message that goes to
 * many streams is encoded once. What it does not take, the library's handlers answer.
 */

import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { type DescMethodServerStreaming, fromBinary, type Message } from "@bufbuild/protobuf";
import { createContextValues, type Interceptor, type MethodImpl } from "@connectrpc/connect";
import type { Admit } from "./admission.ts";
import { callGone } from "./deadline.ts";
import type { ErrorMapper } from "./error_mapping.ts";
import { frameOf, messageInFrame } from "./grpc_frame.ts";
import { headersOf } from "./request_headers.ts";
import { type PeerDirectory, peerKey } from "./peer.ts";
import { readBody } from "./request_body.ts";
import { shuttingDown } from "./shutdown.ts";
import { createStreamInvocation, type InvokeStream, StreamCall } from "./stream_call.ts";
import { bodyUnreadable, grpcStatusOf, withStableCode } from "./wire_error.ts";

/** What the streams of one listener share. */
export interface GrpcStreamOptions {
  interceptors: readonly Interceptor[];
  peers: PeerDirectory;
  admit: Admit;
  mapError: ErrorMapper;
  writeMaxBytes: number;
  shutdownSignal: AbortSignal;
}

/** Whether {@link GrpcStreamMethod} can answer a request: one with a deadline goes the longer way. */
export function isPlainGrpc({ method, headers }: Http2ServerRequest): boolean {
  const type = headers["content-type"];
  return method === "POST" &&
    (type === "application/grpc" || type === "application/grpc+proto") &&
    (headers["grpc-encoding"] ?? "identity") === "identity" &&
    headers["grpc-timeout"] === undefined;
}

/** Answers the calls of one method. */
export class GrpcStreamMethod {
  readonly #invoke: InvokeStream;
  readonly #call: { service: string; method: string };

  constructor(
    private readonly method: DescMethodServerStreaming,
    implementation: MethodImpl<DescMethodServerStreaming>,
    private readonly readMaxBytes: number,
    private readonly options: GrpcStreamOptions,
  ) {
    this.#invoke = createStreamInvocation(method, implementation, options.interceptors);
    this.#call = { service: method.parent.typeName, method: method.name };
  }

  /** Answers one request. Never throws. */
  answer(request: Http2ServerRequest, response: Http2ServerResponse): void {
    const { shutdownSignal, mapError } = this.options;
    const call = new StreamCall(response, shutdownSignal);
    this.#run(request, response, call).then(
      (trailer) => {
        if (call.cutBy !== undefined) throw call.cutBy.error;
        if (shutdownSignal.aborted) throw shuttingDown();
        finish(response, trailer);
      },
    ).catch((error) => {
      if (call.isGone) return;
      const reason = call.cutBy === undefined ? error : call.cutBy.error;
      finish(response, grpcStatusOf(withStableCode(mapError(reason, this.#call))));
    }).finally(() => call.end());
  }

  async #run(
    request: Http2ServerRequest,
    response: Http2ServerResponse,
    call: StreamCall,
  ): Promise<Headers> {
    const peer = this.options.peers.ofRequest(request);
    const contextValues = createContextValues().set(peerKey, peer);
    const header = headersOf(request);
    await this.options.admit({ ...this.#call, header, peer, contextValues, stream: call });
    const message = this.#parse(await readBody(request, this.readMaxBytes + FRAME_HEAD_BYTES));
    const answer = await this.#invoke({
      message,
      header,
      contextValues,
      url: request.url,
      signal: call.signal,
    });
    await this.#send(answer.message, response, call);
    answer.trailer.set("grpc-status", "0");
    return answer.trailer;
  }

  /** Writes message after message, as fast as the caller takes them. */
  async #send(
    messages: AsyncIterable<Message>,
    response: Http2ServerResponse,
    call: StreamCall,
  ): Promise<void> {
    const iterator = messages[Symbol.asyncIterator]();
    try {
      let next = iterator.next();
      // Whoever waits for what may not come for long learns meanwhile that the call was taken.
      if (!await isSettledSoon(next)) sendHeaders(response);
      // Ends with the messages, or when the caller goes: then the handler's signal aborts.
      for (let item = await next; item.done !== true; item = await next) {
        if (call.isGone) throw callGone();
        sendHeaders(response);
        const frame = frameOf(this.method.output, item.value, this.options.writeMaxBytes);
        if (!response.write(frame)) await call.drained();
        next = iterator.next();
      }
    } finally {
      await iterator.return?.();
    }
  }

  #parse(body: Uint8Array): Message {
    const bytes = messageInFrame(body);
    try {
      return fromBinary(this.method.input, bytes);
    } catch {
      throw bodyUnreadable();
    }
  }
}

/** A frame's flag and length. */
const FRAME_HEAD_BYTES = 5;

/** Whether `promise` settles before the event loop turns. */
function isSettledSoon(promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const turn = setImmediate(() => resolve(false));
    const settled = () => {
      clearImmediate(turn);
      resolve(true);
    };
    promise.then(settled, settled);
  });
}

function sendHeaders(response: Http2ServerResponse): void {
  if (response.headersSent) return;
  response.writeHead(200, { "content-type": "application/grpc" });
}

/** Ends the call with its trailers; nothing if the caller is gone. */
function finish(response: Http2ServerResponse, trailer: Headers): void {
  if (response.writableEnded || response.stream?.destroyed !== false) return;
  sendHeaders(response);
  response.addTrailers(Object.fromEntries(trailer));
  response.end();
}

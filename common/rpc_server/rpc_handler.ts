/**
 * The bridge from Node's requests to Connect's handlers. Connect's own adapter would do, but it
 * offers no place to decide on a call before the body is read (API-3), to set the default deadline
 * (API-6), or to learn of failures other than by the console.
 */

import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { DescMethod } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { Clock } from "../clock/mod.ts";
import {
  admissionInterceptor,
  admissionKey,
  type Admit,
  admittedBody,
  startAdmission,
} from "./admission.ts";
import { connectUnary } from "./connect_unary.ts";
import { deadlineInterceptor, ensureUnaryDeadline } from "./deadline.ts";
import { Deadlines } from "./deadlines.ts";
import { type ErrorMapper, errorMappingInterceptor } from "./error_mapping.ts";
import { GrpcStreamMethod, isPlainGrpc } from "./grpc_stream.ts";
import { grpcUnary } from "./grpc_unary.ts";
import { answerFailure, answerHttpRoute, type HttpRoutes } from "./http_route.ts";
import { cutInterceptor, cuttableKey, CuttableStream } from "./live_stream.ts";
import { NodeExchange } from "./node_exchange.ts";
import { type PeerDirectory, peerKey } from "./peer.ts";
import { watchRoutes } from "./route_watch.ts";
import { shutdownInterceptor } from "./shutdown.ts";
import { UnaryMethod } from "./unary_method.ts";
import { withStableErrors } from "./wire_error.ts";

/** What the handler of one listener is made of. */
export interface RpcHandlerOptions {
  routes: (router: ConnectRouter) => void;
  interceptors: readonly Interceptor[];
  peers: PeerDirectory;
  admit: Admit;
  mapError: ErrorMapper;
  httpRoutes: HttpRoutes;
  readMaxBytes: number;
  writeMaxBytes: number;
  unaryTimeoutMs: number;
  clock: Clock;
  /** Ends streams at once when the server closes; unary calls may finish. */
  shutdownSignal: AbortSignal;
}

/** Answers one request of either protocol. */
export type NodeHandler = (
  request: Http2ServerRequest | IncomingMessage,
  response: Http2ServerResponse | ServerResponse,
) => void;

/** What answers the requests of an RPC server. */
export interface RpcHandler {
  /** Answers any request. */
  answer: NodeHandler;
  /** The unary method of a path, for calls of the Connect protocol. */
  connectMethodAt(path: string): UnaryMethod | undefined;
  /** Ends the supervision of deadlines; call it when no call is left. */
  stop(): void;
}

/** Makes the request listener of an RPC server. */
export function createRpcHandler(options: RpcHandlerOptions): RpcHandler {
  const router = createConnectRouter({
    acceptCompression: [compressionGzip],
    readMaxBytes: options.readMaxBytes,
    writeMaxBytes: options.writeMaxBytes,
    interceptors: [
      errorMappingInterceptor(options.mapError),
      admissionInterceptor,
      cutInterceptor,
      deadlineInterceptor,
      shutdownInterceptor(options.shutdownSignal),
      ...options.interceptors,
    ],
  });
  const unary = new Map<string, readonly UnaryMethod[]>();
  const streams = new Map<string, GrpcStreamMethod>();
  const deadlines = new Deadlines(options.clock);
  const shared = { ...options, deadlines };
  const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`;
  options.routes(watchRoutes(router, {
    onUnary: (method, implementation, readMaxBytes = options.readMaxBytes) => {
      unary.set(
        pathOf(method),
        [connectUnary, grpcUnary].map((protocol) =>
          new UnaryMethod(protocol, method, implementation, readMaxBytes, shared)
        ),
      );
    },
    onServerStream: (method, implementation, readMaxBytes = options.readMaxBytes) => {
      streams.set(
        pathOf(method),
        new GrpcStreamMethod(method, implementation, readMaxBytes, options),
      );
    },
  }));
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  const answer: NodeHandler = (request, response) => {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const plain = unary.get(path)?.find(({ protocol }) => protocol.accepts(request));
    if (plain !== undefined) {
      const peer = options.peers.ofRequest(request);
      return plain.answer(new NodeExchange(plain.protocol, request, response, peer));
    }
    const stream = streams.get(path);
    if (stream !== undefined && "stream" in request && "stream" in response) {
      if (isPlainGrpc(request)) return stream.answer(request, response);
    }
    const handler = handlers.get(path);
    const work = handler === undefined
      ? answerHttpRoute(options.httpRoutes, request, response)
      : answerRpc(handler, options, request, response);
    work.catch((error) => {
      reportUnlessGone(options.mapError, handler, error);
      answerFailure(response);
    });
  };
  return {
    answer,
    connectMethodAt: (path) => unary.get(path)?.find(({ protocol }) => protocol === connectUnary),
    stop: () => deadlines.stop(),
  };
}

async function answerRpc(
  handler: UniversalHandler,
  options: RpcHandlerOptions,
  request: Http2ServerRequest | IncomingMessage,
  response: Http2ServerResponse | ServerResponse,
): Promise<void> {
  const isUnary = handler.method.methodKind === "unary";
  if (isUnary) ensureUnaryDeadline(request.headers, options.unaryTimeoutMs);
  const peer = options.peers.ofRequest(request);
  const contextValues = createContextValues().set(peerKey, peer);
  const universal = universalRequestFromNodeRequest(request, response, undefined, contextValues);
  const call = { service: handler.service.typeName, method: handler.method.name };
  const mapError = (error: unknown) => options.mapError(error, call);
  const stream = isUnary ? undefined : new CuttableStream(mapError);
  contextValues.set(cuttableKey, stream);
  const incoming = { ...call, header: universal.header, peer, contextValues };
  const admission = startAdmission(
    options.admit,
    { ...incoming, ...(stream === undefined ? {} : { stream }) },
    mapError,
  );
  contextValues.set(admissionKey, admission);
  const body = isByteStream(universal.body)
    ? admittedBody(universal.body, admission)
    : universal.body;
  const signal = stream === undefined
    ? universal.signal
    : AbortSignal.any([universal.signal, options.shutdownSignal, stream.signal]);
  try {
    const answer = await handler({ ...universal, body, signal });
    await universalResponseToNodeResponse(withStableErrors(answer), response);
  } finally {
    stream?.end();
  }
}

function isByteStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

/** A caller that went away is no failure of ours. */
function reportUnlessGone(
  mapError: ErrorMapper,
  handler: UniversalHandler | undefined,
  error: unknown,
): void {
  const { code } = ConnectError.from(error);
  if (code === Code.Aborted || code === Code.Canceled) return;
  mapError(error, {
    service: handler?.service.typeName ?? "http",
    method: handler?.method.name ?? "route",
  });
}

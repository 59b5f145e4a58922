/**
 * An RPC listener. It owns its socket, its connections and the calls on them; it ends by `close`,
 * which lets running calls finish within a bound and then ends them.
 */

import * as http2 from "node:http2";
import { type AddressInfo, Server as NetServer } from "node:net";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { type Clock, systemClock } from "../clock/mod.ts";
import { installHttp2Guard, unaryDefaultTimeoutMs } from "../rpc/mod.ts";
import type { Admit } from "./admission.ts";
import { type ErrorMapper, hideInternalErrors, type InternalErrorReport } from "./error_mapping.ts";
import type { HttpRoutes } from "./http_route.ts";
import { ListenError } from "./listen_error.ts";
import { type Peer, PeerDirectory } from "./peer.ts";
import { createRpcHandler } from "./rpc_handler.ts";
import {
  type ClientAuth,
  prepareServerTls,
  secureServerOptions,
  type ServerTls,
} from "./server_tls.ts";
import { SessionRegistry } from "./sessions.ts";
import { shuttingDown } from "./shutdown.ts";

/** What a listener is made of. */
export interface RpcServerOptions {
  /** What people call the listener; errors name it. */
  name: string;
  /** Port 0 takes any free one; `RpcServer.port` says which. */
  listen: { hostname: string; port: number };
  /** Without it the listener speaks cleartext HTTP/2: for loopback and by explicit choice only. */
  tls?: ServerTls;
  /** Default `none`. */
  clientAuth?: ClientAuth;
  routes: (router: ConnectRouter) => void;
  /** Decides on every call before its body is read (API-3); default: everyone may call. */
  admit?: Admit;
  /** Run after admission, first one outermost. */
  interceptors?: readonly Interceptor[];
  /** Makes the wire error of what handlers throw; default `hideInternalErrors(onInternalError)`. */
  mapError?: ErrorMapper;
  /** Receives the errors that the default mapping hides from callers. */
  onInternalError?: InternalErrorReport;
  /** A connection came to nothing: its TLS handshake failed. */
  onHandshakeFailure?: () => void;
  /** Plain GET routes on the same port (TEL-1). */
  httpRoutes?: HttpRoutes;
  /** Per connection; default 100 (journal.md section 16). */
  maxConcurrentStreams?: number;
  /** Connections at once; default 20000. */
  maxSessions?: number;
  /** Largest message accepted; default 16 MiB. `router.service` options can lower it further. */
  readMaxBytes?: number;
  writeMaxBytes?: number;
  /** For unary calls without a deadline of their own; default 30 s (API-6). */
  unaryTimeoutMs?: number;
  /** Decides whether certificates are valid now, and bounds `close`. */
  clock?: Clock;
}

/** A running listener. */
export interface RpcServer extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
  /** Live HTTP/2 connections. */
  readonly sessionCount: number;
  /**
   * Takes other certificates into use: for new handshakes at once, while live streams go on. The
   * trust in live connections' certificates is judged by the new CAs from the next call on.
   *
   * @throws TlsError when they do not fit; the old ones then stay in force.
   */
  rotate(tls: ServerTls): void;
  /** Ends the connections of matching peers, streams and all (CRT-6). Returns how many. */
  disconnect(matches: (peer: Peer) => boolean): number;
  /** Stops listening, lets calls finish for `graceMs` (default 5000), then ends them. */
  close(options?: { graceMs?: number }): Promise<void>;
}

const messageMaxBytes = 16 * 1024 * 1024;
const streamWindowBytes = 512 * 1024;
const closeGraceMs = 5_000;

/**
 * Opens an RPC listener for gRPC, gRPC-Web and Connect.
 *
 * @throws ListenError when the address cannot be had (JRN-6), TlsError for unusable certificates.
 */
export async function serveRpc(options: RpcServerOptions): Promise<RpcServer> {
  installHttp2Guard();
  const clock = options.clock ?? systemClock;
  const clientAuth = options.clientAuth ?? "none";
  const peers = new PeerDirectory(clock);
  const sessions = new SessionRegistry(options.maxSessions ?? 20_000);
  const shutdown = new AbortController();

  const handler = createRpcHandler({
    routes: options.routes,
    interceptors: options.interceptors ?? [],
    peers,
    admit: options.admit ?? (() => {}),
    mapError: options.mapError ?? hideInternalErrors(options.onInternalError ?? (() => {})),
    httpRoutes: options.httpRoutes ?? {},
    readMaxBytes: options.readMaxBytes ?? messageMaxBytes,
    writeMaxBytes: options.writeMaxBytes ?? messageMaxBytes,
    unaryTimeoutMs: options.unaryTimeoutMs ?? unaryDefaultTimeoutMs,
    shutdownSignal: shutdown.signal,
  });

  const settings = {
    maxConcurrentStreams: options.maxConcurrentStreams ?? 100,
    initialWindowSize: streamWindowBytes,
    enablePush: false,
  };
  const tls = options.tls === undefined ? undefined : prepareServerTls(options.tls, clientAuth);
  peers.setTrustBundle(tls?.bundle);
  const secure = tls === undefined
    ? undefined
    : http2.createSecureServer({ ...secureServerOptions(tls, clientAuth), settings }, handler);
  const server = secure ?? http2.createServer({ settings }, handler);

  server.on("connection", (socket) => sessions.addSocket(socket));
  server.on("session", (session) => {
    if (sessions.addSession(session)) peers.connected(session);
  });
  // Failed handshakes and broken sessions are the peer's affair; each has its own end already.
  server.on("sessionError", () => {});
  secure?.on("tlsClientError", () => options.onHandshakeFailure?.());
  const address = await listen(server, options);
  let ending: Promise<void> | undefined;
  const end = (graceMs: number) => ending ??= close({ server, sessions, shutdown, clock }, graceMs);

  return {
    hostname: options.listen.hostname,
    port: address.port,
    get sessionCount() {
      return sessions.size;
    },
    rotate(next) {
      if (secure === undefined) throw new Error(`the ${options.name} listener has no TLS`);
      const prepared = prepareServerTls(next, clientAuth);
      secure.setSecureContext(prepared.context);
      peers.setTrustBundle(prepared.bundle);
    },
    disconnect: (matches) => sessions.disconnect((session) => matches(peers.ofSession(session))),
    close: ({ graceMs = closeGraceMs } = {}) => end(graceMs),
    [Symbol.asyncDispose]: () => end(0),
  };
}

async function listen(
  server: NetServer,
  { name, listen: { hostname, port } }: RpcServerOptions,
): Promise<AddressInfo> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (error: unknown) => reject(error);
  server.once("error", onError);
  try {
    server.listen(port, hostname, resolve);
    await promise;
  } catch (error) {
    throw new ListenError(name, `${hostname}:${port}`, errorCode(error));
  } finally {
    server.off("error", onError);
  }
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new ListenError(name, `${hostname}:${port}`, "no TCP address");
  }
  return address;
}

interface Running {
  server: NetServer;
  sessions: SessionRegistry;
  shutdown: AbortController;
  clock: Clock;
}

async function close(
  { server, sessions, shutdown, clock }: Running,
  graceMs: number,
): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  // The HTTP/2 server's own close would close every connection at once; this one stops listening.
  NetServer.prototype.close.call(server, () => resolve());
  shutdown.abort(shuttingDown());
  sessions.drain();
  const timer = clock.setTimer(graceMs, () => sessions.destroyAll());
  await closed;
  clock.clearTimer(timer);
}

function errorCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return error instanceof Error ? error.message : String(error);
}

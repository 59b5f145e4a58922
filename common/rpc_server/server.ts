/**
 * An RPC listener. It owns its socket, its connections and the calls on them; it ends by `close`,
 * which lets running calls finish within a bound and then ends them.
 */

import * as http2 from "node:http2";
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server as NetServer,
  type Socket,
} from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { type Clock, systemClock } from "../clock/mod.ts";
import { installHttp2Guard, unaryDefaultTimeoutMs } from "../rpc/mod.ts";
import type { Admit } from "./admission.ts";
import { KeepAlive } from "./keep_alive.ts";
import { type ErrorMapper, hideInternalErrors, type InternalErrorReport } from "./error_mapping.ts";
import type { HttpRoutes } from "./http_route.ts";
import { createHttp1Engine } from "./http1.ts";
import { defaultHttp1Limits, type Http1Limits } from "./http1_limits.ts";
import { findLife, type PeerLife } from "./life_check.ts";
import { ListenError } from "./listen_error.ts";
import { type Peer, PeerDirectory } from "./peer.ts";
import { type Engines, PrefaceSwitch, routeByAlpn } from "./protocol_switch.ts";
import { createRpcHandler, type RpcHandler } from "./rpc_handler.ts";
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
  /** Decides by the address that was called, before anything is read; default: every one is served. */
  servesOn?: (localAddress: string) => boolean;
  /** Without it the listener speaks cleartext: for loopback and by explicit choice only. */
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
  /**
   * Protocols besides HTTP, preferred to it, by their names of ALPN. Whoever takes a connection speaks
   * on it until its end, and decides by its peer, asked for anew each time, whether to.
   */
  otherProtocols?: ReadonlyMap<string, (socket: Socket, peer: () => Peer) => void>;
  /** Plain GET routes on the same port (TEL-1). */
  httpRoutes?: HttpRoutes;
  /** Per connection; default 100 (journal.md section 16). */
  maxConcurrentStreams?: number;
  /** Connections at once, of both protocols; default 20000. */
  maxSessions?: number;
  /** How slow an HTTP/1.1 client may be. */
  http1?: Partial<Http1Limits>;
  /** Largest message accepted; default 16 MiB. `router.service` options can lower it further. */
  readMaxBytes?: number;
  writeMaxBytes?: number;
  /** For unary calls without a deadline of their own; default 30 s (API-6). */
  unaryTimeoutMs?: number;
  /** Decides whether certificates are valid now, and bounds `close`. */
  clock?: Clock;
  /** Time as peers live it: by which one that is gone is found out. Real, unless a test says so. */
  peerClock?: Clock;
}

/** A running listener. */
export interface RpcServer extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
  /** Live connections, of both protocols. */
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
  /**
   * Whether matching peers answer on any of their HTTP/2 sessions within `withinMs`, asked now. Of one
   * that is gone `onGone` hears, then its sessions are ended, streams and all.
   */
  findLife(
    matches: (peer: Peer) => boolean,
    withinMs: number,
    onGone: () => void,
  ): Promise<PeerLife>;
  /** Stops listening, lets calls finish for `graceMs` (default 5000), then ends them. */
  close(options?: { graceMs?: number }): Promise<void>;
}

const messageMaxBytes = 16 * 1024 * 1024;
const streamWindowBytes = 512 * 1024;
const closeGraceMs = 5_000;

/**
 * Opens an RPC listener for gRPC, gRPC-Web and Connect over HTTP/2 and, as far as it carries them,
 * over HTTP/1.1.
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
    clock,
  });

  const others = new Map(
    [...options.otherProtocols ?? []].map(([name, take]) => [name, (socket: Socket) => {
      if (!sessions.addPlain(socket)) return;
      peers.connected(socket);
      take(socket, () => peers.ofConnection(socket));
    }]),
  );
  const tls = options.tls === undefined ? undefined : prepareServerTls(options.tls, clientAuth);
  peers.setTrust(tls?.trust);
  const secure = tls === undefined
    ? undefined
    : createTlsServer({ ...secureServerOptions(tls, clientAuth, others), noDelay: true });
  const server = secure ?? createTcpServer({ noDelay: true });
  const keepAlive = new KeepAlive(
    options.peerClock ?? systemClock,
    (session) => sessions.end(session),
  );
  const listener = { sessions, peers, keepAlive, isOpen: () => server.listening };
  const engines = createEngines(handler, listener, options);

  server.on("connection", (socket) => {
    sessions.addSocket(socket);
    if (options.servesOn?.(socket.localAddress ?? "") === false) socket.destroy();
  });
  if (secure === undefined) {
    server.on("connection", (socket) => socket.destroyed || engines.preface.take(socket));
  }
  secure?.on("secureConnection", (socket) => routeByAlpn(socket, engines, others));
  // A failed handshake is the peer's affair; it has its own end already.
  secure?.on("tlsClientError", () => options.onHandshakeFailure?.());
  const address = await listen(server, options);
  let ending: Promise<void> | undefined;
  const end = (graceMs: number) =>
    ending ??= close({ server, handler, sessions, engines, keepAlive, shutdown, clock }, graceMs);

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
      peers.setTrust(prepared.trust);
    },
    disconnect: (matches) =>
      sessions.disconnect((connection) => matches(peers.ofConnection(connection))),
    findLife: (matches, withinMs, onGone) =>
      findLife({
        sessions: () => sessions.http2Sessions((session) => matches(peers.ofSession(session))),
        end: (session) => sessions.end(session),
        clock: options.peerClock ?? systemClock,
        withinMs,
        onGone,
      }),
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

/** What speaks with the connections of one listener. */
interface RunningEngines extends Engines {
  preface: PrefaceSwitch;
  stopHttp1: () => void;
  drainHttp1: () => void;
}

/** What the engines of a listener share. */
interface ListenerParts {
  readonly sessions: SessionRegistry;
  readonly peers: PeerDirectory;
  readonly keepAlive: KeepAlive;
  readonly isOpen: () => boolean;
}

function createEngines(
  handler: RpcHandler,
  { sessions, peers, keepAlive, isOpen }: ListenerParts,
  options: RpcServerOptions,
): RunningEngines {
  const http1 = createHttp1Engine({
    handler: handler.answer,
    methodAt: handler.connectMethodAt,
    limits: { ...defaultHttp1Limits, ...options.http1 },
    clock: options.peerClock ?? systemClock,
    peers,
    isOpen,
  });
  const settings = {
    maxConcurrentStreams: options.maxConcurrentStreams ?? 100,
    initialWindowSize: streamWindowBytes,
    enablePush: false,
  };
  // Never listens: it is given the connections that speak its protocol.
  const http2Server = http2.createServer({ settings }, handler.answer);
  http2Server.on("session", (session) => {
    if (!sessions.addSession(session)) return;
    peers.connected(session);
    keepAlive.add(session);
  });
  // Broken sessions are the peer's affair; each has its own end already.
  http2Server.on("sessionError", () => {});
  const engines = {
    http2: (socket: Socket) => void http2Server.emit("connection", socket),
    http1: (socket: Socket) => {
      if (!sessions.addPlain(socket)) return;
      peers.connected(socket);
      http1.take(socket);
    },
  };
  return {
    ...engines,
    preface: new PrefaceSwitch(engines),
    drainHttp1: http1.drain,
    stopHttp1: http1.stop,
  };
}

interface Running {
  server: NetServer;
  handler: RpcHandler;
  sessions: SessionRegistry;
  engines: RunningEngines;
  keepAlive: KeepAlive;
  shutdown: AbortController;
  clock: Clock;
}

async function close(
  { server, handler, sessions, engines, keepAlive, shutdown, clock }: Running,
  graceMs: number,
): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  keepAlive.stop();
  shutdown.abort(shuttingDown());
  sessions.drain();
  engines.drainHttp1();
  engines.preface.endWaiting();
  const timer = clock.setTimer(graceMs, () => sessions.destroyAll());
  await closed;
  clock.clearTimer(timer);
  engines.stopHttp1();
  handler.stop();
}

function errorCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return error instanceof Error ? error.message : String(error);
}

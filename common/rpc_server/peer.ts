import type { Http2ServerRequest, ServerHttp2Session } from "node:http2";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { type ContextKey, createContextKey } from "@connectrpc/connect";
import type { Clock } from "../clock/mod.ts";
import {
  type DistrustReason,
  parsePeerCertificate,
  type PeerCertificate,
  type TrustBundle,
} from "../tls/mod.ts";

/** What is known of a caller from its connection alone. */
export interface Peer {
  remoteAddress: string;
  remotePort: number;
  /** Whether the connection is TLS. */
  encrypted: boolean;
  /** The certificate the caller holds the key of; says nothing about trust by itself. */
  certificate?: PeerCertificate;
  /**
   * Whether the certificate is valid now and leads to the trust bundle in force now, not to the one
   * at the time of the handshake. Revocation is for the handler to check by serial (CRT-6).
   */
  authorized: boolean;
  /** Why a presented certificate is not authorized. */
  distrust?: DistrustReason;
}

/** The caller of a handler: `context.values.get(peerKey)`. */
export const peerKey: ContextKey<Peer> = createContextKey<Peer>(
  { remoteAddress: "", remotePort: 0, encrypted: false, authorized: false },
  { description: "peer of the connection" },
);

/** How long a chain check's outcome is kept for a connection. A new bundle drops it at once. */
const verdictMaxAgeMs = 5_000;

interface KnownConnection {
  facts: Omit<Peer, "authorized" | "distrust">;
  malformed: boolean;
  verdict?: { bundle: TrustBundle; checkedAtMs: number; distrust?: DistrustReason };
}

/** Reads and remembers the peers of one listener's connections. */
export class PeerDirectory {
  readonly #known = new WeakMap<object, KnownConnection>();
  #bundle: TrustBundle | undefined;

  constructor(private readonly clock: Clock) {}

  /** Puts another trust bundle in force, for live connections too. */
  setTrustBundle(bundle: TrustBundle | undefined): void {
    this.#bundle = bundle;
  }

  /** The peer behind a request. */
  ofRequest(request: Http2ServerRequest | IncomingMessage): Peer {
    const session = "stream" in request ? request.stream.session : undefined;
    return session === undefined
      ? this.#describe(request.socket, request.socket)
      : this.ofSession(session);
  }

  /** The peer behind an HTTP/2 session. */
  ofSession(session: Pick<ServerHttp2Session, "socket">): Peer {
    return this.#describe(session, session.socket);
  }

  #describe(connection: object, socket: Socket | TLSSocket): Peer {
    let known = this.#known.get(connection);
    if (known === undefined) {
      known = readConnection(socket);
      this.#known.set(connection, known);
    }
    const distrust = this.#distrustOf(known);
    const { certificate } = known.facts;
    return {
      ...known.facts,
      authorized: certificate !== undefined && distrust === undefined,
      ...(distrust === undefined ? {} : { distrust }),
    };
  }

  #distrustOf(known: KnownConnection): DistrustReason | undefined {
    if (known.malformed) return "malformed certificate";
    const { certificate } = known.facts;
    if (certificate === undefined) return undefined;
    const bundle = this.#bundle;
    if (bundle === undefined) return "not issued by a CA of the trust bundle";
    const nowMs = this.clock.nowMs();
    const last = known.verdict;
    if (last?.bundle === bundle && Math.abs(nowMs - last.checkedAtMs) < verdictMaxAgeMs) {
      return last.distrust;
    }
    const verdict = bundle.verify(certificate.der, "client", new Date(nowMs));
    known.verdict = {
      bundle,
      checkedAtMs: nowMs,
      ...(verdict.trusted ? {} : { distrust: verdict.reason }),
    };
    return known.verdict.distrust;
  }
}

function readConnection(socket: Socket | TLSSocket): KnownConnection {
  const address = {
    remoteAddress: socket.remoteAddress ?? "",
    remotePort: socket.remotePort ?? 0,
  };
  if (!isTls(socket)) return { facts: { ...address, encrypted: false }, malformed: false };
  const facts = { ...address, encrypted: true };
  const der = socket.getPeerCertificate(false)?.raw;
  if (der === undefined) return { facts, malformed: false };
  try {
    return { facts: { ...facts, certificate: parsePeerCertificate(der) }, malformed: false };
  } catch {
    return { facts, malformed: true };
  }
}

/** The socket of an HTTP/2 session is a proxy, so neither `instanceof` nor `in` can be asked. */
function isTls(socket: Socket | TLSSocket): socket is TLSSocket {
  return typeof Reflect.get(socket, "getPeerCertificate") === "function";
}
